"""Markdown as a list of blocks."""

import pytest
from hypothesis import given

from bridge.markdown import parse
from tests.markdown import ANY_TEXT


def kinds(text: str) -> list[tuple[str, str]]:
    return [(block.kind, block.source) for block in parse(text)]


@given(ANY_TEXT)
def test_the_sources_of_the_blocks_joined_are_the_text(text):
    assert "".join(block.source for block in parse(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a\nb\n\nc", [("text", "a\nb\n\n"), ("text", "c")]),
        ("# a\ntext\n", [("heading", "# a\n"), ("text", "text\n")]),
        ("#12 is no heading", [("text", "#12 is no heading")]),
        ("a\n---\n\n---\n", [("heading", "a\n---\n\n"), ("rule", "---\n")]),
        ("- a\n  - b\n\n1. c", [("text", "- a\n"), ("text", "  - b\n\n"), ("text", "1. c")]),
        ("-\n- a", [("empty", "-\n"), ("text", "- a")]),
        ("> a\n>\n> b", [("text", "> a\n>\n"), ("text", "> b")]),
        ("```py\na\n```\nb", [("code", "```py\na\n```\n"), ("text", "b")]),
        ("```\nnever closed", [("code", "```\nnever closed")]),
        ("| a |\n|---|\n| 1 |\n\nb", [("table", "| a |\n|---|\n| 1 |\n\n"), ("text", "b")]),
        ("<div>\n<b>x</b>\n</div>", [("text", "<div>\n<b>x</b>\n</div>")]),
        ("[a]: https://e.com\n\nsee [a]", [("literal", "[a]: https://e.com\n\n"), ("text", "see [a]")]),
        ("\r\n\r\na\r\nb", [("literal", "\r\n\r\n"), ("text", "a\r\nb")]),
        ("- " * 30 + "deep", [("literal", "- " * 30 + "deep")]),
    ],
)
def test_every_line_belongs_to_a_block(text, expected):
    assert kinds(text) == expected


def test_blocks_know_what_is_around_them():
    first, below, code, second = parse("2. a\n   > b\n\n   ```\n   c\n   ```\n3. [x] d\n")
    assert [(c.kind, c.marker, c.begins) for c in first.inside] == [("ordered", "2.", True)]
    assert [(c.kind, c.marker, c.begins) for c in below.inside] == [("ordered", "2.", False), ("quote", "", True)]
    assert [(c.key, c.begins) for c in code.inside] == [(first.inside[0].key, False)]
    assert second.inside[0].marker == "3."
    assert (second.inside[0].done, second.content) == (None, "[x] d")


def test_items_of_a_task_list_are_done_or_not():
    assert [(block.inside[0].done, block.content) for block in parse("- [ ] a\n- [x] b\n- [c] d\n")] == [
        (False, "a"),
        (True, "b"),
        (None, "[c] d"),
    ]


def test_cells_without_a_column_are_kept():
    (block,) = parse("| a | b |\n|---|---|\n| 1 | 2 | 3 |\n| 4 |\n")
    assert block.table is not None
    assert block.table.header == ("a", "b", "")
    assert block.table.body == (("1", "2", "3"), ("4", "", ""))


@pytest.mark.parametrize(
    ("text", "length", "sources"),
    [
        ("one\ntwo\n", 4, ("one\n", "two\n")),
        ("one two", 4, ("one ", "two")),
        ("```py\na\nb\n```\n\n", 2, ("```py\na\n", "b\n```\n\n")),
        ("> one\n> two three\n", 8, ("> one\n> two ", "three\n")),
        ("- one\r\n  two", 4, ("- one\r\n", "  two")),
        ("| a |\n|---|\n| 1 |\n| 2 |\n", 1, ("| a |\n|---|\n| 1 |\n", "| 2 |\n")),
    ],
)
def test_a_block_is_cut_with_its_source(text, length, sources):
    (block,) = parse(text)
    first, rest = block.cut(length)
    assert (first.source, rest.source) == sources
    assert not any(container.begins for container in rest.inside)
