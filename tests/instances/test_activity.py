"""What people read of what an agent is doing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.instance import Activity
from bridge.instances.activity import activity
from bridge.instances.openresponses import Transcript


@pytest.mark.parametrize(
    ("item", "what"),
    [
        ({"type": "reasoning"}, "thinking"),
        ({"type": "web_search_call"}, "searching the web"),
        ({"type": "function_call", "name": "get_weather"}, "using get_weather"),
        ({"type": "mcp_call", "name": "jira.search"}, "using jira.search"),
        ({"type": "function_call"}, "using a tool"),
        ({"type": "acme:shell_run"}, "using shell_run"),
        ({"type": "function_call", "name": "<!channel>\n*x*"}, "using channel x"),
        ({"type": "function_call", "name": "x" * 100}, "using " + "x" * 40),
    ],
)
def test_an_item_says_what_is_done(item, what):
    assert activity(item) == Activity(what)


@pytest.mark.parametrize("item", [None, [], {}, {"type": 3}, {"type": "message"}, {"type": "new"}, {"type": "acme:<>"}])
def test_other_items_say_nothing(item):
    assert activity(item) is None


@given(st.text())
def test_no_name_of_a_tool_is_more_than_a_few_harmless_words(name: str) -> None:
    said = activity({"type": "function_call", "name": name})
    assert said is None or (not set("<>@&#|`*\n") & set(said.what) and len(said.what) <= 46)


def test_a_stream_tells_of_items_as_they_begin():
    begun = {"type": "response.output_item.added", "item": {"type": "function_call", "name": "search"}}
    assert Transcript().feed("", json.dumps(begun)) == Activity("using search")
