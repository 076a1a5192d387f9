import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.retry import LONGEST, gives_up, wait


def test_waits_double_up_to_a_minute() -> None:
    assert [wait(attempt, 0) for attempt in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(min_value=1, max_value=10_000), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_jitter_takes_off_at_most_a_quarter(attempt: int, jitter: float) -> None:
    assert 0.75 * wait(attempt, 0) <= wait(attempt, jitter) <= wait(attempt, 0) <= LONGEST


@pytest.mark.parametrize(
    ("patience", "failing_for", "attempt", "ends"),
    [
        (3600, None, 1, False),
        (3600, 3599, 99, False),
        (3600, 3601, 20, True),
        (3600, 90_000, 2, False),
        (120, 121, 2, True),
        (120, 121, 1, False),
        (0, 0.1, 2, True),
    ],
)
def test_giving_up_takes_time_and_attempts(
    patience: float, failing_for: float | None, attempt: int, ends: bool
) -> None:
    assert gives_up(patience, failing_for, attempt) is ends
