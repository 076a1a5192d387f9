"""Slack's limits: about one message per second per channel, with a short burst, and each method's calls per minute.

https://docs.slack.dev/apis/web-api/rate-limits. The burst's length is not documented. The tiers promise "20+"
calls and so on per minute in a workspace; here the next one is refused.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PostRate:
    """How much may be posted into one room."""

    per_second: float = 1.0
    burst: int = 5


TIERS = {
    # method -> calls per minute, as on the method's page (read 2026-11-22)
    "chat.appendStream": 100,
    "chat.startStream": 20,
    "chat.stopStream": 20,
    "chat.update": 50,
    "reactions.add": 50,
    "usergroups.users.list": 20,
}
MINUTE = 60.0


class Limiter:
    """A token bucket per room, and a sliding minute per method."""

    def __init__(self, rate: PostRate, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        """Room -> (tokens left, the clock's seconds then)."""
        self._calls: dict[str, deque[float]] = {method: deque(maxlen=most) for method, most in TIERS.items()}

    def call(self, method: str) -> int:
        """Counts a call; 0, or the whole seconds to wait where the minute is full."""
        calls, now = self._calls.get(method), self._clock()
        if calls is None:
            return 0
        if len(calls) == calls.maxlen and now - calls[0] < MINUTE:
            return max(1, math.ceil(MINUTE - (now - calls[0])))
        calls.append(now)
        return 0

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
