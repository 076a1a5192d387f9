"""Markdown -> Discord's messages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord import limits
from adapters.discord.render import mention, render, units
from tests.markdown import ANY_TEXT, LONG_TEXT, documents


def test_what_discord_reads_itself_goes_out_as_it_is():
    text = "# Head\n**bold** <@1> @everyone `code` [link](https://example.com) & < >\n- a\n  - b\n> c\n```py\nx\n```"
    assert render(text) == [{"content": text}]


def test_nothing_is_shown_as_such():
    assert render(" \n ") == [{"content": "(empty)"}]


def test_a_long_text_is_split_at_paragraphs():
    first, second = "a" * 1_500, "b" * 1_500
    assert [part["content"].strip() for part in render(f"{first}\n\n{second}")] == [first, second]


@given(st.text(alphabet=st.sampled_from("ab \n🦞日"), max_size=9_000))
def test_every_part_is_within_the_limit_however_it_is_counted(text):
    contents = [part["content"] for part in render(text)]
    assert max(len(content.encode("utf-16-le")) // 2 for content in contents) <= limits.MESSAGE_CHARS
    if text.strip() and not any("```" in content for content in contents):
        assert "".join("".join(contents).split()) == "".join(text.split())


@given(ANY_TEXT | LONG_TEXT | documents().map(lambda document: document[0] * 5))
def test_every_message_is_within_the_limit_and_closes_its_code(text):
    for payload in render(text):
        assert payload["content"].strip()
        assert units(payload["content"]) <= limits.MESSAGE_CHARS
        assert payload["content"].count("```") % 2 == 0


@given(documents())
def test_every_word_is_there_once_and_in_its_place(document):
    text, words = document
    assert re.findall(r"w\d+x", "\n".join(payload["content"] for payload in render(text))) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#### deep\n", "**deep**\n"),
        ("- # in a list\n", "- **in a list**\n"),
        ("* a\n+ b\n1) c\n", "- a\n- b\n1. c\n"),
        ("- [ ] a\n- [x] b\n", "- ☐ a\n- ☑ b\n"),
        ("![a](https://e.com/i.png)", "[a](https://e.com/i.png)"),
        ("[a](https://e.com/b_(c))", "[a](https://e.com/b_%28c%29)"),
        ("---", "──────────"),
        ("a || b, 2 ** 3 ** 4, foo__bar__baz, __init__", "a \\|\\| b, 2 \\*\\* 3 \\*\\* 4, foo\\_\\_bar\\_\\_baz, \\_\\_init\\_\\_"),
        ("a ` b\n\nc ` d", "a \\` b\n\nc \\` d"),
        ("-# no small print", "\\-# no small print"),
        ("> a\n> > b", "> a\n> b"),
        ("- a\n  ```\n  b\n  ```\n", "- a\n```\nb\n```\n"),
        ("> ```\n> a\n> ```", "> ```\n> a\n> ```"),
        ("| 名前 | n |\n|---|--:|\n| 日本 | 1 |\n| a | 10 |\n", "```\n名前   n\n────  ──\n日本   1\na     10\n```\n"),
        (f"| a | b |\n|---|---|\n| **1** | {'x ' * 30} |\n| 2 |\n", f"**a**: **1**\n**b**: {'x ' * 29}x\n\n**a**: 2\n**b**: –\n"),
        ("<b>x</b> &lt; snake_case_name #12.1 C:\\Users\\x", "<b>x</b> &lt; snake_case_name #12.1 C:\\Users\\x"),
        ("a\nb  \nc\\\nd", "a\nb  \nc\nd"),
    ],
)  # fmt: skip
def test_what_discord_reads_otherwise_is_written_for_it(text, expected):
    assert render(text) == [{"content": expected}]


def test_who_is_to_be_notified_stands_before_the_first_message_of_an_answer_and_nobody_else_is():
    (first, second) = mention(render("a" * 1_000 + "\n\n" + "b" * 1_500), "7")
    assert first["content"].startswith("<@7>\naaa")
    assert first["allowed_mentions"] == {"parse": [], "users": ["7"], "replied_user": False}
    assert set(second) == {"content"}


def test_a_first_message_without_room_for_a_name_follows_the_name():
    whole = render("x" * 2_000)
    alone, *others = mention(whole, "7")
    assert (alone["content"], others) == ("<@7>", [*whole])
