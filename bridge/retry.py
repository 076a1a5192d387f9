"""Attempt -> seconds to wait. Pure."""

FIRST = 1.0  # seconds
LONGEST = 60.0  # seconds


def wait(attempt: int, jitter: float) -> float:
    """Seconds before the next attempt, after the `attempt`-th (from 1) failed: doubling from 1 s up to 60 s.

    `jitter` in [0, 1) takes up to a quarter off, so that many that failed together do not come back together.
    """
    return float(min(FIRST * 2.0 ** min(attempt - 1, 20), LONGEST)) * (1 - jitter / 4)
