"""Attempt -> seconds to wait. Pure."""

FIRST = 1.0  # seconds
LONGEST = 60.0  # seconds


ENOUGH = 20
"""Attempts that take some minutes: so many are made before anything is given up, however long ago the first one was."""


def gives_up(patience: float, failing_for: float | None, attempt: int) -> bool:
    """Whether what has been failing for that long (seconds) was tried long enough.

    Time alone does not tell: the bridge may have been away itself, or its clock was set. `patience` in seconds; a short
    one asks for fewer attempts.
    """
    return failing_for is not None and failing_for > patience and attempt >= min(ENOUGH, patience / LONGEST)


def wait(attempt: int, jitter: float) -> float:
    """Seconds before the next attempt, after the `attempt`-th (from 1) failed: doubling from 1 s up to 60 s.

    `jitter` in [0, 1) takes up to a quarter off, so that many that failed together do not come back together.
    """
    return float(min(FIRST * 2.0 ** min(attempt - 1, 20), LONGEST)) * (1 - jitter / 4)
