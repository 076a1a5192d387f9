"""The answer as it grows: one message, posted once it is worth it, changed no faster than the platform likes.

The post is a delivery like any other, so a crash leaves no second copy: whatever is said next for the turn takes over
its message. Where the platform can write a message bit by bit, it does; it ends that when it likes, and then, as where
it cannot, the message is edited.
"""

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncGenerator, Generator

import structlog

from bridge import faultpoints, handles
from bridge.abilities import CanEdit, CanStream, StreamLimits
from bridge.actions import CanShowButtons
from bridge.channel import Channel, MessageRef, Payload
from bridge.errors import ChannelError, OutcomeUnknown, RateLimited, StoreError
from bridge.growing import Growing
from bridge.guard import guarded
from bridge.pace import Clock, Pace
from bridge.replies import asked_by_bot, mentioned
from bridge.store.protocol import PREVIEW, DeliveryLease, NewDelivery, Store, TurnLease, as_channels_see_it

_log = structlog.get_logger(__name__)

EVERY = 1.5
"""Seconds between two changes of one message, at least."""
QUICK = 1.5
"""Seconds since the answer began in which it may end without having been shown before."""
LONGEST_END = 25.0
"""Seconds that the end waits for a call on its way, more than any takes: it must not come after the final text."""
CANCELLED_END = 1.0
"""The same where the bridge ends, or nobody waits for the answer any more."""
TAIL = 1_200
"""Characters that an edit shows, the last ones: few enough for one message anywhere."""
GROWING = " …"


class Previews:
    """The answers of one channel that are shown as they grow."""

    def __init__(self, channel: Channel, store: Store, *, mention: bool = False, clock: Clock = time.monotonic) -> None:
        self._channel = channel
        self._mention = mention
        self._store = store
        self._clock = clock
        self._shown = 0
        self._edits = Pace(clock)
        self._streams = _Streams(clock)
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def growing(self, lease: TurnLease) -> AsyncGenerator[Growing]:
        """While this is open, what is given to `grew` is shown, where the channel can. No failure of it matters."""
        growing = Growing(lease)
        # Another bot reads a message once, as it is posted, so it is given the whole answer.
        if not isinstance(self._channel, CanEdit) or asked_by_bot(lease.envelope):
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
        except Exception:
            growing.broken = True
            raise
        finally:
            growing.ended.set()
            await asyncio.wait({task}, timeout=patience)

    async def _show(self, channel: CanEdit, growing: Growing) -> None:
        try:
            if not await growing.grown() or await growing.ends_within(QUICK) or self._shown >= channel.previews_at_once:
                return
            self._shown += 1
            try:
                await self._grow(channel, growing)
            finally:
                self._shown -= 1
        except (ChannelError, StoreError) as error:
            _log.info("preview.ended", turn=growing.lease.seq, reason=str(error))
        except Exception:  # noqa: BLE001 - the answer matters, this does not
            _log.exception("preview.broke", turn=growing.lease.seq)

    async def _grow(self, channel: CanEdit, growing: Growing) -> None:
        if await growing.ends_within(self._edits.next(channel.edit_seconds) - self._clock()):
            return
        if isinstance(channel, CanStream) and self._streams.may_start(channel.stream_limits):
            with self._streams.open():
                await self._write(channel, growing)
        elif (ref := await self._post(growing, self._payload(growing, growing.take()))) is not None:
            await self._edit(channel, growing, ref)

    async def _write(self, channel: CanStream, growing: Growing) -> None:
        """Bit by bit, and by edits from where that ends before the answer does."""
        text, asked = growing.take(), growing.lease.envelope
        rendered = self._payload(growing, text)
        opening = channel.opening(text, asked, otherwise=rendered, mention=self._mention)
        ref = await self._post(growing, opening or rendered)
        if ref is None:
            return
        if opening is not None:
            await self._append(channel, growing, ref, shown=channel.streamable(text))
        if not growing.ended.is_set() or growing.broken:
            await self._edit(channel, growing, ref, at_once=opening is not None)

    async def _append(self, channel: CanStream, growing: Growing, ref: MessageRef, shown: str) -> None:
        """Returns when the answer has ended, or nothing more can be written this way."""
        limits = channel.stream_limits
        last = began = self._clock()
        while await growing.grown(within=min(limits.idle, began + limits.longest - self._clock())):
            now = self._clock()
            last = self._streams.appends.next(limits.between_appends, not_before=last + limits.between_appends)
            if await growing.ends_within(last - now):
                return
            text = channel.streamable(growing.take())
            if not text.startswith(shown) or len(text) > limits.chars:
                return
            if text == shown:
                continue
            await self._store.confirm(growing.lease)
            try:
                with guarded(functools.partial(self._store.confirm, growing.lease)):
                    await channel.append(ref, text[len(shown) :])
            except RateLimited as error:
                self._streams.appends.hold(error.retry_after)
            except ChannelError as error:
                _log.info("stream.ended", turn=growing.lease.seq, reason=str(error))
                return
            else:
                shown = text

    async def _edit(self, channel: CanEdit, growing: Growing, ref: MessageRef, *, at_once: bool = False) -> None:
        """Until the answer ends; `at_once` even if there is nothing new or it has ended."""
        last = self._clock()
        while at_once or await growing.grown():
            now = self._clock()
            if not at_once:
                last = self._edits.next(channel.edit_seconds, not_before=last + EVERY)
                if await growing.ends_within(last - now):
                    return
            at_once = False
            await self._store.confirm(growing.lease)
            try:
                with guarded(functools.partial(self._store.confirm, growing.lease)):
                    await channel.edit(ref, self._payload(growing, growing.take()))
            except RateLimited as error:
                self._edits.hold(error.retry_after)

    async def _post(self, growing: Growing, payload: Payload) -> MessageRef | None:
        """Posts it, once; None if something else waits in the conversation, or nobody knows whether it is there."""
        turn = growing.lease
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
        await self._store.confirm(lease)
        try:
            with guarded(functools.partial(self._store.confirm, lease)):
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

    def _payload(self, growing: Growing, text: str) -> Payload:
        shown = (text if len(text) <= TAIL else "… " + text[-TAIL:]) + GROWING
        if isinstance(self._channel, CanShowButtons):
            rendered = self._channel.render_with_buttons(shown, [handles.stop(growing.lease.seq)])
            if len(rendered) == 1:
                return self._mentioned(growing, rendered[0])
        return self._mentioned(growing, self._channel.render(shown)[-1])

    def _mentioned(self, growing: Growing, payload: Payload) -> Payload:
        return mentioned(self._channel, [payload], growing.lease.envelope)[0] if self._mention else payload


class _Streams:
    """The messages that are written bit by bit at this moment."""

    def __init__(self, clock: Clock) -> None:
        self.appends = Pace(clock)
        self._starts = Pace(clock)
        self._open = 0

    def may_start(self, limits: StreamLimits) -> bool:
        """Whether one more may start now; if so, it is counted as started."""
        if self._open >= limits.at_once or not self._starts.is_free:
            return False
        self._starts.next(limits.between_starts)
        return True

    @contextlib.contextmanager
    def open(self) -> Generator[None]:
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
