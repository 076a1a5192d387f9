"""Each run writes its own part of the page and leaves the rest as it is."""

import pytest

from tests.chaos.__main__ import DOCUMENT
from tests.chaos.outcome import Outcome, Size
from tests.chaos.report import CLUSTER, ONE, part, rewritten, takeovers

PAGE = f"""# What survives what

By people.

{ONE}

How.

| what | count |
|---|---|
| old | 1 |

{CLUSTER}

How else.

| what | count |
|---|---|
| older | 2 |
"""


def test_the_first_part_is_rewritten_and_the_second_stays() -> None:
    new = "| what | count |\n|---|---|\n| new | 3 |"
    assert rewritten(PAGE, ONE, new) == PAGE.replace("| old | 1 |", "| new | 3 |")


def test_the_second_part_is_rewritten_and_the_first_stays() -> None:
    new = "| what | count |\n|---|---|\n| new | 3 |\n\nAnd more."
    assert rewritten(PAGE, CLUSTER, new) == PAGE.replace("| older | 2 |", "| new | 3 |\n\nAnd more.")


@pytest.mark.parametrize("heading", [ONE, CLUSTER])
def test_the_page_has_a_place_for_each_run(heading: str) -> None:
    told = part(Outcome(Size(messages=1, faults=1), takeovers=[4.0]))
    page = DOCUMENT.read_text(encoding="utf-8")
    once = rewritten(page, heading, told)
    assert rewritten(once, heading, told) == once
    assert told in once


def test_takeovers_are_told_by_the_middle_and_the_longest() -> None:
    assert takeovers([5.0, 4.0, 9.04]) == (
        "From a kill to what another process showed of a message that the dead one worked on: 5.0 s in the middle of 3, "
        "9.0 s at most."
    )
