"""How often Discord is called in all. What a channel allows is up to discord.py, which reads the headers.

https://docs.discord.com/developers/topics/rate-limits#global-rate-limit
"""

import asyncio
import time
from collections import deque
from types import SimpleNamespace

import aiohttp

from adapters.discord.limits import CALLS_PER_SECOND, SPARE_BELOW
from bridge.errors import RateLimited
from bridge.guard import before_each_call

REMEMBERED = 600.0
"""Seconds for which calls keep to the limit after Discord said that there was one too many."""


class Pace:
    """Calls are made at once until Discord says that they are too many; from then on no more than it allows.

    Without that each of those that wait would call again whenever the wait is over, and most of them would be refused
    again: Discord shuts out whoever is refused too often.
    """

    def __init__(self) -> None:
        self._made: deque[float] = deque([0.0] * CALLS_PER_SECOND, maxlen=CALLS_PER_SECOND)
        """When the newest calls were, or will be, made; monotonic seconds."""
        self._kept_until = 0.0

    async def turn(self) -> None:
        """Returns when a call may be made, which then has to be."""
        now = time.monotonic()
        at = now if now >= self._kept_until else max(now, self._made[0] + 1.0)
        self._made.append(at)
        if at > now:
            await asyncio.sleep(at - now)

    def spare(self) -> None:
        """Raises RateLimited where the calls that somebody waits for need what Discord allows in a second."""
        now = time.monotonic()
        if sum(at > now - 1.0 for at in self._made) >= SPARE_BELOW:
            raise RateLimited("Discord is called often enough at the moment", retry_after=1.0)

    def trace(self) -> aiohttp.TraceConfig:
        """What tells of Discord's answers, and takes the last look before each call."""
        trace = before_each_call()  # discord.py takes one
        trace.on_request_end.append(self._answered)
        return trace

    async def _answered(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, answer: aiohttp.TraceRequestEndParams
    ) -> None:
        if answer.response.status == 429 and "X-RateLimit-Global" in answer.response.headers:
            self._kept_until = time.monotonic() + REMEMBERED
