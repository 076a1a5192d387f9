import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text import readable, split


@given(st.text(max_size=500), st.integers(min_value=1, max_value=60))
def test_joining_the_parts_gives_the_text_back(text: str, limit: int) -> None:
    assert "".join(split(text, limit)) == text


@given(st.text(max_size=500), st.integers(min_value=1, max_value=60))
def test_every_part_is_within_the_limit_and_none_is_empty(text: str, limit: int) -> None:
    assert all(0 < len(part) <= limit for part in split(text, limit))


@given(st.text(alphabet="<&> ab\n", max_size=300), st.integers(min_value=6, max_value=40))
def test_the_limit_counts_what_the_platform_counts(text: str, limit: int) -> None:
    parts = split(text, limit, lambda part: len(html.escape(part)))
    assert "".join(parts) == text
    assert all(len(html.escape(part)) <= limit for part in parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("short", ["short"]),
        ("one two three four", ["one two ", "three four"]),
        ("first line\nsecond", ["first line\n", "second"]),
        ("para one\n\npara two is longer", ["para one\n\n", "para two is ", "longer"]),
        ("abcdefghijklmnop", ["abcdefghijkl", "mnop"]),
    ],
)
def test_a_part_ends_at_the_best_break_in_its_second_half(text: str, parts: list[str]) -> None:
    assert split(text, 12) == parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain ü 🙂", "plain ü 🙂"), ("nul\0", "nul\ufffd"), ("\ud83d\ude42", "🙂"), ("half \ud83d", "half \ufffd")],
)
def test_readable_text_is_what_every_database_and_platform_takes(text: str, expected: str) -> None:
    assert readable(text) == expected
