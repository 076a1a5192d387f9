"""Text -> the messages that Slack takes."""

import html

from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.render import render

TEXTS = st.text(alphabet="ab &<>\n🦞語\t", max_size=200).map(lambda text: text * 60) | st.text(max_size=300)


@given(TEXTS)
def test_every_message_is_within_4000_characters_as_it_is_sent_and_none_is_blank(text):
    payloads = render(text)
    assert payloads
    assert all(0 < len(payload["text"]) <= 4000 for payload in payloads)
    assert all(payload["text"].strip() for payload in payloads)


@given(TEXTS)
def test_the_messages_together_are_the_text_apart_from_blank_parts(text):
    if text.strip():
        read = "".join(unescaped(payload["text"]) for payload in render(text))
        assert "".join(read.split()) == "".join(text.split())


@given(st.text(alphabet="ab &<>", min_size=1, max_size=80).map(lambda line: f"x{line}\n" * 200))
def test_a_text_without_blank_parts_comes_back_character_by_character(text):
    assert "".join(unescaped(payload["text"]) for payload in render(text)) == text


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


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
