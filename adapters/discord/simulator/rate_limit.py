"""Discord's rate limits: a bucket per route and channel, and one for everything.

https://docs.discord.com/developers/topics/rate-limits. Limits of single routes are not documented; those here are what
answers have shown for years.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

LIMITED = frozenset({"messages.create", "message.edit"})
"""The routes with a bucket per channel."""


@dataclass(frozen=True, slots=True)
class PostRate:
    """How much may be posted, and how much edited, in one channel."""

    calls: int = 5
    seconds: float = 5.0


GLOBAL_RATE = PostRate(50, 1.0)
"""For everything together. https://docs.discord.com/developers/topics/rate-limits#global-rate-limit."""


@dataclass(slots=True)
class _Window:
    ends: float
    left: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may go on, and the headers that its answer carries."""

    headers: dict[str, str]
    retry_after: float = 0.0
    """Seconds; zero where the call may go on."""
    is_global: bool = False


class Limiter:
    """Fixed windows: the first call opens one, and it ends its seconds later."""

    def __init__(self, rate: PostRate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}
        self._everything = _Window(0.0, 0)

    def take(self, name: str, channel_id: str) -> Verdict:
        """Counts one call of that route in that channel."""
        now = self._clock()
        if self._everything.ends <= now:
            self._everything = _Window(now + GLOBAL_RATE.seconds, GLOBAL_RATE.calls)
        if not self._everything.left:
            return Verdict({"X-RateLimit-Global": "true"}, self._everything.ends - now, is_global=True)
        self._everything.left -= 1
        if name not in LIMITED:
            return Verdict({})
        window = self._windows.get((name, channel_id))
        if window is None or window.ends <= now:
            window = self._windows[name, channel_id] = _Window(now + self._rate.seconds, self._rate.calls)
        refused = not window.left
        if not refused:
            window.left -= 1
        left = window.ends - now
        headers = {
            "X-RateLimit-Limit": str(self._rate.calls),
            "X-RateLimit-Remaining": str(window.left),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": f"simulated-{name.replace('.', '-')}",
        }
        return Verdict(headers, left if refused else 0.0)
