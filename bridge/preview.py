"""The answer as it grows: one message, posted once it is worth it, edited no faster than the platform likes.

The post is a delivery like any other, so a crash leaves no second copy: whatever is said next for the turn takes over
its message.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable

import structlog

from bridge import faultpoints
from bridge.channel import CanEdit, Channel, MessageRef, Payload
from bridge.errors import ChannelError, OutcomeUnknown, RateLimited, StoreError
from bridge.store.protocol import PREVIEW, DeliveryLease, NewDelivery, Store, TurnLease, as_channels_see_it

_log = structlog.get_logger(__name__)

EVERY = 1.5
"""Seconds between two edits of one message, at least."""
QUICK = 1.5
"""Seconds since the answer began in which it may end without having been shown before."""
LONGEST_END = 25.0
"""Seconds that the end waits for a call on its way, more than any takes: it must not come after the final text."""
CANCELLED_END = 1.0
"""The same where the bridge ends, or nobody waits for the answer any more."""
TAIL = 1_200
"""Characters that are shown, the last ones: few enough for one message anywhere."""
GROWING = " …"


class Previews:
    """The answers of one channel that are shown as they grow."""

    def __init__(self, channel: Channel, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._channel = channel
        self._store = store
        self._clock = clock
        self._shown = 0
        self._next_edit = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def growing(self, lease: TurnLease) -> AsyncGenerator["Growing"]:
        """While this is open, what is given to `grew` is shown, where the channel can. No failure of it matters."""
        growing = Growing(lease)
        if not isinstance(self._channel, CanEdit):
            yield growing
            return
        task = asyncio.create_task(self._show(self._channel, growing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        patience = LONGEST_END
        try:
            yield growing
        except asyncio.CancelledError:
            patience = CANCELLED_END
            raise
        finally:
            growing.ended.set()
            await asyncio.wait({task}, timeout=patience)

    async def _show(self, channel: CanEdit, growing: "Growing") -> None:
        try:
            if not await growing.grown() or await growing.ends_within(QUICK) or self._shown >= channel.previews_at_once:
                return
            self._shown += 1
            try:
                await self._post_and_edit(channel, growing)
            finally:
                self._shown -= 1
        except (ChannelError, StoreError) as error:
            _log.info("preview.ended", turn=growing.lease.seq, reason=str(error))
        except Exception:  # noqa: BLE001 - the answer matters, this does not
            _log.exception("preview.broke", turn=growing.lease.seq)

    async def _post_and_edit(self, channel: CanEdit, growing: "Growing") -> None:
        ref = await self._post(growing)
        last = self._clock()
        while ref is not None and await growing.grown():
            now = self._clock()
            last = max(now, self._next_edit, last + EVERY)
            self._next_edit = max(now, self._next_edit) + channel.edit_seconds
            if await growing.ends_within(last - now):
                return
            try:
                await channel.edit(ref, self._payload(growing))
            except RateLimited as error:
                self._next_edit = max(self._next_edit, self._clock() + error.retry_after)

    async def _post(self, growing: "Growing") -> MessageRef | None:
        """Posts it, once; None if something else waits in the conversation, or nobody knows whether it is there."""
        turn, payload = growing.lease, self._payload(growing)
        lease = await self._store.open_preview(turn, NewDelivery(turn.envelope.conversation, payload, PREVIEW))
        if lease is None:
            return None
        growing.posted = True
        faultpoints.reached("preview.opened")
        try:
            return await self._send(lease)
        finally:
            self._store.let_go(lease)

    async def _send(self, lease: DeliveryLease) -> MessageRef | None:
        try:
            ref = await self._channel.send(as_channels_see_it(lease))
        except OutcomeUnknown as error:
            await self._store.retry_delivery(lease, 0, str(error), in_doubt=True)
            return None
        except ChannelError:
            await self._store.withdraw(lease)
            raise
        faultpoints.reached("preview.posted")
        await self._store.delivered(lease, ref)
        return ref

    def _payload(self, growing: "Growing") -> Payload:
        text = growing.take()
        return self._channel.render((text if len(text) <= TAIL else "… " + text[-TAIL:]) + GROWING)[-1]


class Growing:
    """One answer that grows."""

    def __init__(self, lease: TurnLease) -> None:
        self.lease = lease
        self.posted = False
        """Whether something of it may be on screen."""
        self.ended = asyncio.Event()
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

    async def grown(self) -> bool:
        """Returns once there is more than was taken; False if the answer ended instead."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._news, self.ended)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return not self.ended.is_set()

    async def ends_within(self, seconds: float) -> bool:
        """Waits so long, or until the answer ended."""
        try:
            async with asyncio.timeout(seconds):
                await self.ended.wait()
        except TimeoutError:
            return False
        return True
