"""Calls of one kind, kept apart so that a platform's limits are left to what somebody waits for."""

from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds that only grow."""


class Pace:
    """Says when the next call may be made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._free_at = 0.0

    @property
    def is_free(self) -> bool:
        """Whether a call could be made now."""
        return self._free_at <= self._clock()

    def next(self, apart: float, not_before: float = 0.0) -> float:
        """When the next call may be made; the one after it that much later."""
        at = max(self._clock(), self._free_at)
        self._free_at = at + apart
        return max(at, not_before)

    def hold(self, seconds: float) -> None:
        """Nobody calls for so long."""
        self._free_at = max(self._free_at, self._clock() + seconds)
