from hypothesis import given
from hypothesis import strategies as st

from bridge.retry import LONGEST, wait


def test_waits_double_up_to_a_minute() -> None:
    assert [wait(attempt, 0) for attempt in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(min_value=1, max_value=10_000), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_jitter_takes_off_at_most_a_quarter(attempt: int, jitter: float) -> None:
    assert 0.75 * wait(attempt, 0) <= wait(attempt, jitter) <= wait(attempt, 0) <= LONGEST
