"""Discord's content <-> plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord import limits, markup

BOT = {"7": "bridge", "70": "bridge"}  # the user and its own role
USERS = {"1": "Ada"}


def plain(content):
    return markup.to_plain(content, BOT, USERS, {"5": "general", "6": "support"}.get)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<@7> hello", "hello"),
        ("<@!7>, hello", "hello"),
        ("<@&70>: hello", "hello"),
        ("  <@7> <@7>\nhello", "hello"),
        ("<@7>", ""),
        ("hello <@7> and <@1>", "hello @bridge and @Ada"),
        ("<@2> is unknown", "<@2> is unknown"),
        ("see <#5> and <#9>", "see #general and <#9>"),
        ("<@&6> <@&9>", "@support <@&9>"),
        ("<:party:123> <a:wave:456>", ":party: :wave:"),
        ("use </deploy now:123>", "use /deploy now"),
        ("at <t:1700000000:R>", "at 2023-11-14 22:13 UTC"),
        ("at <t:999999999999999>", "at <t:999999999999999>"),
        ("`a < b` && <b>", "`a < b` && <b>"),
        ("**bold**\n```py\nx\n```", "**bold**\n```py\nx\n```"),
    ],
)
def test_content_is_read_as_a_person_reads_it(content, expected):
    assert plain(content) == expected


@given(st.text())
def test_any_content_can_be_read(content):
    assert isinstance(plain(content), str)


def test_a_mention_is_found_as_user_and_as_role():
    assert markup.mentions("so <@!7>", BOT)
    assert markup.mentions("so <@&70>", BOT)
    assert not markup.mentions("so <@1> <#7> @bridge <@77>", BOT)


@given(st.text())
def test_a_thread_can_always_be_named(text):
    name = markup.thread_name(text)
    assert 1 <= len(name) <= limits.THREAD_NAME_CHARS
    assert name == name.strip()


def test_a_thread_is_named_after_the_first_line():
    assert markup.thread_name("\n  Why is   the build red?\nLog follows") == "Why is the build red?"
    assert markup.thread_name("x" * 101) == "x" * 99 + "…"
    assert markup.thread_name("") == "Conversation"
