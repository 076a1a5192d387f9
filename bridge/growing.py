"""One answer while it is written."""

import asyncio

from bridge.store.protocol import TurnLease


class Growing:
    """What was written of an answer so far, between who writes and who shows it."""

    def __init__(self, lease: TurnLease) -> None:
        self.lease = lease
        self.posted = False
        """Whether something of it may be on screen."""
        self.ended = asyncio.Event()
        self.broken = False
        """It ended without an answer."""
        self._text = ""
        self._news = asyncio.Event()

    def grew(self, text: str) -> None:
        """The answer as far as it is written."""
        if text.strip():
            self._text = text
            self._news.set()

    def take(self) -> str:
        """The newest text; until there is more, `grown` waits."""
        self._news.clear()
        return self._text

    async def grown(self, within: float | None = None) -> bool:
        """Returns once there is more than was taken; False if the answer ended instead, or the seconds are over."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._news, self.ended)]
        try:
            await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._news.is_set() and not self.ended.is_set()

    async def ends_within(self, seconds: float) -> bool:
        """Waits so long, or until the answer ended."""
        try:
            async with asyncio.timeout(seconds):
                await self.ended.wait()
        except TimeoutError:
            return False
        return True
