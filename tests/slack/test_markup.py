"""Slack's text format and plain text."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack import markup

BOT = "U0BOT"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<@U0BOT> hello", "hello"),
        ("<@U0BOT>, hello", "hello"),
        ("  <@U0BOT|threadbridge>: hello", "hello"),
        ("<@U0BOT> <@U0BOT> hello", "hello"),
        ("<@U0BOT>", ""),
        ("hello <@U0BOT>!", "hello <@U0BOT>!"),
        ("<@U1> hello", "<@U1> hello"),
        ("ask <@U1|ada>", "ask <@U1>"),
        ("in <#C1|general> and <#C2>", "in #general and #C2"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@ops> <!subteam^S2>", "@ops @group"),
        ("<!date^1392734382^{date}|Feb 18, 2014>", "Feb 18, 2014"),
        ("<https://example.com/a?b=c&amp;d=e>", "https://example.com/a?b=c&d=e"),
        ("<https://example.com|example.com>", "https://example.com"),
        ("<https://example.com/x|the page>", "the page (https://example.com/x)"),
        ("<mailto:ada@example.com|ada@example.com>", "ada@example.com"),
        ("<tel:+49301234|+49301234>", "+49301234"),
        ("a &lt; b &amp;&amp; b &gt; c", "a < b && b > c"),
        ("&amp;lt;", "&lt;"),
        ("`&lt;@U1&gt;`", "`<@U1>`"),
        ("  spaces and\nlines \n", "spaces and\nlines"),
        ("", ""),
    ],
)
def test_what_slack_sends_as_a_person_reads_it(text, plain):
    assert markup.to_plain(text, BOT) == plain


@given(st.text())
def test_what_is_escaped_holds_no_control_sequence_and_comes_back(text):
    escaped = markup.escape(text)
    assert "<" not in escaped
    assert ">" not in escaped
    assert html.unescape(escaped) == html.unescape(html.escape(text, quote=False))
    assert escaped == html.escape(text, quote=False)


@given(st.text(alphabet="<>&@#!|ltgamp; \nUAB1https:/"))
def test_any_text_can_be_read(text):
    assert isinstance(markup.to_plain(text, BOT), str)


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_text_that_was_typed_comes_back_but_for_the_space_around_it(text):
    assert markup.to_plain(markup.escape(text), BOT) == text.strip()


def test_the_people_that_a_text_mentions():
    assert markup.users_in("<@U1> and <@U2|bo> but not <#C1> or @U3") == {"U1", "U2"}


def test_known_people_get_their_names_and_unknown_ones_keep_their_ids():
    assert markup.with_names("<@U1> asks <@U2>", {"U1": "Ada"}) == "@Ada asks <@U2>"
