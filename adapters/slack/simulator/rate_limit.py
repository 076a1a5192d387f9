"""Slack's limit on posts: about one message per second per channel, with a short burst.

https://docs.slack.dev/apis/web-api/rate-limits. The burst's length is not documented.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PostRate:
    """How much may be posted into one room."""

    per_second: float = 1.0
    burst: int = 5


class PostLimiter:
    """A token bucket per room."""

    def __init__(self, rate: PostRate, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        """Room -> (tokens left, the clock's seconds then)."""

    def take(self, room: str) -> int:
        """Takes one post's token; 0, or the whole seconds to wait where none is left."""
        now = self._clock()
        tokens, then = self._buckets.get(room, (float(self._rate.burst), now))
        tokens = min(float(self._rate.burst), tokens + (now - then) * self._rate.per_second)
        if tokens < 1:
            self._buckets[room] = (tokens, now)
            return max(1, math.ceil((1 - tokens) / self._rate.per_second))
        self._buckets[room] = (tokens - 1, now)
        return 0
