"""Markdown in parts: whole, within the limits, balanced."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialect import Dialect, write, write_block
from bridge.markdown import Block
from bridge.parts import split
from tests.markdown import ANY_TEXT, CELLS, LONG_TEXT, documents

LIMIT = 120
DIALECT = Dialect(table_width=40, code_in_lists=False)


def size(block: Block, first: Block) -> int:
    return len(write_block(block, first, DIALECT))


def shown(text: str, limit: int = LIMIT) -> list[str]:
    return [write(part, DIALECT) for part in split(text, size, limit)]


@given(ANY_TEXT | LONG_TEXT | documents().map(lambda document: document[0]))
def test_the_sources_of_the_parts_joined_are_the_text(text):
    parts = split(text, size, LIMIT)
    assert "".join(block.source for part in parts for block in part) == text
    assert all(parts)


@given(ANY_TEXT | LONG_TEXT | documents().map(lambda document: document[0] * 3))
def test_every_part_is_within_the_limit_and_closes_the_code_that_it_opens(text):
    for part in shown(text):
        assert len(part) <= LIMIT
        assert part.count("```") % 2 == 0


@given(st.text(alphabet="ab ,.\n語🦞é", max_size=900))
def test_text_without_any_markup_comes_back_character_by_character(text):
    unindented = re.sub(r"^ +", "", text, flags=re.MULTILINE)
    assert "".join(shown(unindented)) == unindented


@given(documents())
def test_every_word_is_there_once_and_in_its_place(document):
    text, words = document
    assert re.findall(r"w\d+x", "\n".join(shown(text))) == words


def test_code_is_closed_and_opened_again_with_its_language():
    lines = [f"line_{number} = {number}" for number in range(20)]
    parts = shown("Before\n\n```python\n" + "\n".join(lines) + "\n```\nAfter\n")
    assert len(parts) > 2
    assert all(part.count("```python\n") == 1 for part in parts[:-1])
    assert [line for part in parts for line in part.split("\n") if line.startswith("line_")] == lines


@given(st.lists(st.lists(st.sampled_from(CELLS), min_size=1, max_size=4), min_size=1, max_size=40))
def test_whatever_stands_in_a_table_each_part_names_its_columns(table):
    rows = [
        [cell.replace("{}", f"row{number}") for cell in (f"at {number}", *cells)] for number, cells in enumerate(table)
    ]
    columns = ["first", "second", "third", "fourth", "fifth"]
    lines = "".join(f"| {' | '.join(cells)} |\n" for cells in (columns, ["---"] * 5, *rows))
    parts = split(f"Before.\n\n{lines}", size, LIMIT * 4)
    assert all("first" in write(part, DIALECT) for part in parts if any(block.kind == "table" for block in part))
    assert re.findall(r"at (\d+)", "".join(write(part, DIALECT) for part in parts)) == [
        str(n) for n in range(len(rows))
    ]


def test_the_header_of_a_table_is_repeated():
    rows = "".join(f"| {number} | value |\n" for number in range(30))
    parts = shown(f"| number | what |\n|--:|---|\n{rows}")
    assert len(parts) > 3
    assert all("number  what" in part for part in parts)
    assert [int(found) for part in parts for found in re.findall(r"^ +(\d+)  value", part, re.MULTILINE)] == list(
        range(30)
    )


def test_a_part_ends_before_a_heading_and_never_with_one():
    text = "a " * 40 + "\n\n# Two\n\n" + "b " * 15 + "\n\n" + "c " * 20 + "\n"
    assert [part.split()[0] for part in shown(text)] == ["a", "#"]
    text = "a " * 50 + "\n\n# Two\n\n" + "b " * 50
    assert [part.split()[0] for part in shown(text)] == ["a", "#"]


def test_a_heading_stands_with_what_follows_it_even_if_little_is_before_it():
    assert [part.split()[0] for part in shown("a " * 10 + "\n\n# b\n\n```\n" + "x\n" * 50 + "```\n")] == ["a", "#"]


def test_a_list_of_headings_fills_its_parts():
    assert len(shown("# heading\n" * 60)) <= 10


def test_code_that_fits_into_one_part_is_not_cut():
    code = "```\n" + "x = 1\n" * 15 + "```\n"
    assert shown("Some words before it.\n\n" + code) == ["Some words before it.\n\n", code]


def test_a_list_goes_on_where_it_was_cut():
    items = "".join(f"{number}. item number {number}\n   - below it\n" for number in range(1, 9))
    first, second, third = shown(items)
    assert first + "   " + second + third == items
    assert second.startswith("- below it\n5. ")
    assert third.startswith("8. ")


@pytest.mark.parametrize(
    "items", ["- a\n" + "  - b\n" * 200, "1. a\n\n" + "   b\n\n" * 200, "- a\n  > - b\n" + "  >   - c\n" * 200]
)
def test_what_stands_deep_in_a_list_is_counted_with_its_indentation(items):
    parts = shown(items)
    assert max(map(len, parts)) <= LIMIT
    assert min(map(len, parts[:-1])) > LIMIT / 2


def test_a_part_that_begins_inside_of_a_list_is_not_indented():
    text = "- " + "word " * 20 + "\n  - " + "below " * 15 + "\n\n    " + "more " * 22 + "\n- last\n"
    parts = shown(text)
    assert [part[:5] for part in parts] == ["- wor", "- bel", "more "]
    assert parts[-1].endswith("\n- last\n")


def test_a_long_paragraph_ends_after_a_line_or_a_word_outside_of_markup():
    assert shown("word " * 30) == ["word " * 24, "word " * 6]
    assert shown(f"{'x' * 100}\n{'y' * 100}") == ["x" * 100 + "\n", "y" * 100]
    first, second = shown("a " * 50 + "**bold words that are long** " + "b " * 20)
    assert first == "a " * 50
    assert second.startswith("**bold words that are long**")


def test_a_cell_that_is_larger_than_a_part_is_cut_like_text():
    text = f"| a |\n|---|\n| {'word ' * 60}|\n"
    parts = shown(text)
    assert "".join(parts).count("word") == 60


@pytest.mark.parametrize("cluster", ["👩‍👩‍👧‍👦", "é́", "👍🏽"])
def test_what_people_see_as_one_character_stays_together(cluster):
    parts = shown("a" + cluster * 60)
    assert "".join(parts) == "a" + cluster * 60
    assert all(part.endswith(cluster) for part in parts)


def test_no_text_has_no_part():
    assert shown("") == []
