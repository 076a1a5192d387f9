"""Markdown -> the messages that Slack takes."""

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack import limits
from adapters.slack.render import mention, render
from tests.markdown import ANY_TEXT, LONG_TEXT, documents

LONG = st.text(alphabet="ab &<\n🦞語", max_size=200).map(lambda text: text * 60)


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def blocks(payload):
    return [block["text"] for block in payload.get("blocks", ())]


@given(LONG | ANY_TEXT | LONG_TEXT | documents().map(lambda document: document[0] * 9))
def test_every_message_is_within_slacks_limits_as_it_is_sent_and_closes_its_code(text):
    payloads = render(text)
    assert payloads
    for payload in payloads:
        assert payload["text"].strip()
        assert len(payload["text"]) <= limits.TEXT_CHARS
        assert sum(map(len, blocks(payload))) <= limits.MARKDOWN_CHARS
        assert len(json.dumps(payload.get("blocks", []), ensure_ascii=False)) <= 13_200
        assert all(shown.count("```") % 2 == 0 for shown in (payload["text"], *blocks(payload)))


@given(LONG)
def test_the_messages_together_are_the_text_apart_from_blank_parts(text):
    if text.strip():
        read = "".join(unescaped(payload["text"]) for payload in render(text))
        # Lines that begin with four spaces are code, which is shown in fences.
        assert "".join(read.replace("```", "").split()) == "".join(text.split())


@given(st.text(alphabet="ab &<>", min_size=1, max_size=80).map(lambda line: f"x{line}\n" * 200))
def test_a_text_without_blank_parts_comes_back_character_by_character(text):
    assert "".join(unescaped(payload["text"]) for payload in render(text)) == text


@given(st.lists(documents(), min_size=1, max_size=8))
def test_text_and_block_of_a_part_say_the_same_words(found):
    for payload in render("\n".join(text for text, _ in found)):
        for block in blocks(payload):
            assert re.findall(r"w\d+x", block) == re.findall(r"w\d+x", payload["text"])


@given(documents())
def test_every_word_is_there_once_and_in_its_place(document):
    text, words = document
    assert re.findall(r"w\d+x", "\n".join(payload["text"] for payload in render(text))) == words


def test_a_short_text_is_one_message():
    assert render("a < b & c") == [{"text": "a &lt; b &amp; c"}]


def test_nothing_is_shown_as_such():
    assert render("") == render(" \n ") == [{"text": "(empty)"}]


def test_exactly_4000_characters_are_one_message_and_one_more_are_two():
    assert [len(payload["text"]) for payload in render("x" * 4000)] == [4000]
    assert [len(payload["text"]) for payload in render("x" * 4001)] == [4000, 1]


def test_an_entity_is_never_cut_in_two():
    for payload in render("&" * 5000):
        assert payload["text"] == html.escape(html.unescape(payload["text"]))


def test_a_part_ends_after_a_paragraph_where_there_is_one():
    paragraph = "word " * 500 + "\n\n"
    assert [payload["text"] for payload in render(paragraph * 3)] == [paragraph] * 3


@pytest.mark.parametrize(
    "text", ["*em* and **strong**", "> quote", "`code`", "```\ncode\n```", "[a](https://e.com)", "two\nlines"]
)
def test_what_mrkdwn_shows_is_text_alone(text):
    assert [payload.keys() for payload in render(text)] == [{"text"}]


@pytest.mark.parametrize(
    ("text", "shown", "block"),
    [
        ("# a **b**", "*a b*", "# a b"),
        ("1. a\n   - [x] b", "1. a\n   ☑ b", "1. a\n   - [x] b"),
        ("| a | b |\n|--:|---|\n| 1 | <b> |", "```\na  b\n─  ───\n1  &lt;b&gt;\n```", "| a | b |\n| --: | --- |\n| 1 | &lt;b&gt; |"),
        ("a\n\n---\n\nb", "a\n\n──────────\n\nb", "a\n\n---\n\nb"),
        ("```py\nx < 1\n```", "```\nx &lt; 1\n```", "```py\nx < 1\n```"),
        ("\\*not\\* em", "*not* em", "\\*not\\* em"),
        ("- a & b &amp; c", "• a &amp; b &amp;amp; c", "- a & b &amp;amp; c"),
        ("- a\n  b", "• a\n  b", "- a  \n  b"),
    ],
)  # fmt: skip
def test_what_mrkdwn_cannot_show_is_a_markdown_block_besides(text, shown, block):
    assert render(text) == [{"text": shown, "blocks": [{"type": "markdown", "text": block}]}]


@pytest.mark.parametrize(
    "code", ["`<!here>`", "```\n<@U123>\n```", "```html\n<https://e.com|x>\n```", "`<!subteam^S1>`"]
)
def test_code_that_slack_would_read_as_a_mention_or_a_link_is_text_alone(code):
    (payload,) = render(f"# Head\n\n{code}\n")
    assert payload.keys() == {"text"}
    assert "<" not in payload["text"]


def test_a_block_that_is_too_long_is_left_out():
    (payload,) = render(("```" + "x" * 40 + "\na\n```\n") * 300)[:1]
    assert payload.keys() == {"text"}


def test_who_is_to_be_notified_stands_before_the_first_message_of_an_answer():
    parts = mention(render("# A heading\n\ntext"), "U7")
    assert parts[0]["text"].startswith("<@U7>\n*A heading*")
    assert parts[0]["blocks"][0]["text"].startswith("<@U7>\n\n# A heading")


def test_a_first_message_without_room_for_a_name_follows_the_name():
    whole = render("x" * 4_000)
    assert mention(whole, "U7") == [{"text": "<@U7>"}, *whole]
