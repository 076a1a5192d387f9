import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import pattern


@pytest.mark.parametrize("wrong", ["(", "[a", "*", "(?=x)", r"(a)\1", "(?<!x)y", "x{2000}"])
def test_what_is_none_or_could_take_for_ever_is_told(wrong: str) -> None:
    assert pattern.problem(wrong)


@pytest.mark.parametrize("good", ["[A-Z]{2,10}-[0-9]+", r"(?i)\babc-\d+\b", "#[0-9]+", "日本-[0-9]+", ""])
def test_an_ordinary_one_is_none(good: str) -> None:
    assert pattern.problem(good) is None


def test_the_first_place_is_found() -> None:
    assert pattern.first("[A-Z]{2,10}-[0-9]+", "sée ABC-12, not ABC-13") == "ABC-12"
    assert pattern.first("[A-Z]{2,10}-[0-9]+", "nothing") is None
    assert pattern.first("x*", "aaa") is None


@pytest.mark.parametrize("evil", ["(a+)+b", "(a|aa)+b", "(.*a){20}b", "([a-zA-Z]+)*b"])
def test_none_takes_exponential_time(evil: str) -> None:
    assert pattern.first(evil, "a" * 20_000) is None
    assert not pattern.fits(evil, "a" * 20_000)


@given(st.text(max_size=40), st.text(max_size=200))
def test_any_pattern_is_refused_or_can_be_used_on_any_text(one: str, text: str) -> None:
    if pattern.problem(one) is None:
        assert pattern.fits(one, text) in (True, False)
        found = pattern.first(one, text)
        assert found is None or found in text
