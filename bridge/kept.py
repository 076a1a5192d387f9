"""What a platform said of something, remembered for a while so that it is not asked for every message."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bridge.errors import ChannelError, NotSent

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

FRESH_SECONDS = 300.0
"""For so long nobody is asked again."""
STALE_SECONDS = 3600.0
"""For so long an answer counts while no newer one can be had."""
PATIENCE = 2.0
"""Seconds that a caller waits: less than a platform waits for an acknowledgement."""
MOST = 10_000
"""Answers that are remembered."""


@dataclass(frozen=True, slots=True)
class _Answer(Generic[_Value]):
    value: _Value
    at: float


class Kept(Generic[_Key, _Value]):
    """The newest answers. `ask` raises ChannelError; one call at a time is made for each key, and never given up."""

    def __init__(self, ask: Callable[[_Key], Awaitable[_Value]], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._answers: dict[_Key, _Answer[_Value]] = {}
        self._asking: dict[_Key, asyncio.Task[_Value]] = {}

    async def get(self, key: _Key) -> _Value:
        """The answer, at most STALE_SECONDS old; older than FRESH_SECONDS only if there is no other within PATIENCE.

        Raises ChannelError if there is none.
        """
        known = self._answers.get(key)
        if known is not None and self._clock() - known.at < FRESH_SECONDS:
            return known.value
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(self._asked(key))
        except (ChannelError, TimeoutError) as error:
            if known is not None and self._clock() - known.at < STALE_SECONDS:
                return known.value
            if isinstance(error, ChannelError):
                raise
            raise NotSent("the platform did not answer in time") from error

    async def close(self) -> None:
        """Ends what is still asked."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _asked(self, key: _Key) -> "asyncio.Task[_Value]":
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._answered(key))
            task.add_done_callback(lambda done: self._ended(key, done))
        return task

    async def _answered(self, key: _Key) -> _Value:
        began = self._clock()
        value = await self._ask(key)
        self._answers.pop(key, None)
        if len(self._answers) >= MOST:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = _Answer(value, began)
        return value

    def _ended(self, key: _Key, task: "asyncio.Task[_Value]") -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever waits for it has it; nobody may
