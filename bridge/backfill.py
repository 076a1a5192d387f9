"""What was said while nobody listened, through the same door as live events.

A channel that can read what it missed is asked at every connection, and in between about the conversations that were
active last: a connection may be open and bring nothing. What was taken already falls out in the store.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence

import structlog

from bridge import faultpoints, retry
from bridge.abilities import CanReadMissed, CanReconnect, SharesEvents
from bridge.channel import Channel, Facts
from bridge.envelope import Envelope
from bridge.errors import ChannelError, RateLimited, StoreError, Unstorable
from bridge.intake import Intake
from bridge.store.protocol import Accepted, Store

_log = structlog.get_logger(__name__)

LOOK = 0.5
"""Seconds between two looks whether the channel is connected."""
PERIOD = 10.0
"""Seconds between two looks at the conversations that were active last."""
NEAR = 5
"""So many of them."""
NEAR_SECONDS = 900.0
"""How far back these looks reach."""
FAR = 200
"""So many conversations, the newest, are looked at after a connection, beside every room."""
OVERLAP = 300.0
"""Seconds that are read again: the platform's clock and ours may differ."""
LISTED_SECONDS = 7 * 24 * 3600.0
"""How far back messages are found at all; what is too old to be answered is listed."""
MOST = 1_000
"""Messages that were read and are taken between two lines about it in the log."""
DEAF_AFTER = 5.0
"""Seconds after which a message that was not heard live shows that the connection is deaf."""
ANOTHER_READS = 1.0
"""Seconds between two looks whether another process has read the history."""
AGAIN = DEAF_AFTER + 1.0
"""Seconds after which the connection in place of a deaf one is looked at first."""
DOUBTED = AGAIN + 1.0
"""Seconds for which that connection counts as deaf, too, if nothing shows whether it is."""


def unheard_since(until: float, first: float, now: float) -> float:
    """Since when there may be messages that nobody took: all three are seconds since the epoch by our clock. Pure.

    `until` everything was taken, `first` the channel was heard for the first time: never before that. An `until` in the
    future says nothing: this clock was ahead when that was written, or it is behind now.
    """
    since = max(first, now - LISTED_SECONDS)
    return since if until > now else max(since, until - OVERLAP)


class Backfill:
    """Keeps one channel from missing anything."""

    def __init__(
        self,
        channel: Channel,
        store: Store,
        intake: Intake,
        *,
        answer_within: float,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        alone: Callable[[], bool] = lambda: True,
    ) -> None:
        """What is older than `answer_within` seconds when it is found is only listed.

        Messages have dates by `clock`; how long something lasts is measured by `steady`, which never jumps. `alone`:
        whether no other process listens to the same channel.
        """
        self._channel = channel
        self._store = store
        self._intake = intake
        self._answer_within = answer_within
        self._clock = clock
        self._steady = steady
        self._alone = alone
        self._missed_before = False
        self._read_again = False
        self.deaf_until = -math.inf
        """When, by `steady`, there is no reason any more to call the channel deaf; infinite while it is known to be."""
        self.problem: str | None = None
        """Why the history could not be read when that was tried last."""

    @property
    def deaf(self) -> bool:
        """Whether a connection turned out to bring nothing, and the one in its place is not there or may be as deaf.

        It ends by itself soon after that one is there, whatever becomes of reading the history.
        """
        return self._steady() < self.deaf_until

    def heard_live(self) -> None:
        """To be called for whatever the connection brings: it is not deaf."""
        self.deaf_until = -math.inf
        self._missed_before = False

    def read_again(self) -> None:
        """Everything is read as after a connection: another process ended, and what it had received may be nowhere."""
        self._read_again = True

    async def run(self) -> None:
        """Until cancelled; ends at once for a channel that cannot read what it missed."""
        if not isinstance(self._channel, CanReadMissed):
            return
        while True:
            try:
                await self._one_connection(self._channel)
            except Exception:  # noqa: BLE001 - one channel must not take the others down
                _log.exception("backfill.broke", channel=self._channel.name)
                await asyncio.sleep(PERIOD)

    async def _one_connection(self, channel: CanReadMissed) -> None:
        await self._until_connected()
        connected_at = self._steady()
        if self.deaf:
            self.deaf_until = connected_at + DOUBTED
        if await self._read_everything(channel):
            await self._look_now_and_then(channel, connected_at)

    async def _until_connected(self) -> None:
        while not self._channel.connected():  # noqa: ASYNC110 - channels say it, they do not tell it
            await asyncio.sleep(LOOK)

    async def _read_everything(self, channel: CanReadMissed) -> bool:
        """False if the connection ended before that was done."""
        attempt = 0
        while self._channel.connected():
            attempt += 1
            try:
                if not await self._store.lease_history(self._channel.name):
                    await asyncio.sleep(ANOTHER_READS)
                    continue
                self._read_again = False
                try:
                    await self._read_once(channel)
                except BaseException:
                    with contextlib.suppress(StoreError):  # without that they may once the lease runs out
                        await self._store.let_history_go(self._channel.name)
                    raise
            except (ChannelError, StoreError) as error:
                self._note(error)
                _log.warning("backfill.failed", channel=self._channel.name, reason=str(error))
                await asyncio.sleep(error.retry_after if isinstance(error, RateLimited) else retry.wait(attempt, 0))
            else:
                return True
        return False

    async def _read_once(self, channel: CanReadMissed) -> None:
        """Takes everything that was not heard; if something ends it before, the next one begins where this one did."""
        since = await self._unheard_since()
        began, started = self._clock(), self._steady()
        known = await self._store.recent_conversations(self._channel.name, FAR)
        found = await channel.missed(since, known, everywhere=True)
        self.problem = None
        faultpoints.reached("backfill.read")
        for start in range(0, max(len(found), 1), MOST):
            some = found[start : start + MOST]
            taken = await self._take(some)
            log = _log.info if taken or len(found) > MOST else _log.debug
            seconds = round(self._steady() - started, 1)
            read = start + len(some)
            log("backfill.read", channel=self._channel.name, read=read, of=len(found), taken=taken, seconds=seconds)
        faultpoints.reached("backfill.taken")
        await self._store.set_heard_until(self._channel.name, began)

    async def _unheard_since(self) -> float:
        until, first = await self._store.heard_until(self._channel.name)
        now = self._clock()
        since = unheard_since(until, first, now)
        if max(until, first) > now:
            ahead = round(max(until, first) - now)
            _log.warning("clock.jumped", channel=self._channel.name, ahead=ahead, since=round(since))
        return since

    async def _look_now_and_then(self, channel: CanReadMissed, connected_at: float) -> None:
        """Until the connection ends or turns out to be deaf, or everything is to be read again."""
        due = connected_at + AGAIN if self.deaf else self._steady() + PERIOD
        self._missed_before = False
        while self._channel.connected() and not self._read_again:
            await asyncio.sleep(LOOK)
            if self._steady() < due:
                continue
            due = self._steady() + PERIOD
            try:
                if not self._alone():
                    if not await self._store.may_look(self._channel.name, PERIOD):
                        continue
                    due += PERIOD  # the next look is another's: a deaf connection's process has to look, too
                missed = await self._look(channel, connected_at)
            except RateLimited as error:
                due += error.retry_after
            except (ChannelError, StoreError) as error:
                self._note(error)
                _log.debug("backfill.failed", channel=self._channel.name, reason=str(error))
            else:
                if missed and self._shows_deafness(channel):
                    await self._give_up(missed)
                    return
                self._missed_before |= missed > 0
                self.deaf_until = -math.inf

    async def _look(self, channel: CanReadMissed, connected_at: float) -> int:
        """Takes what was not heard in the conversations that were active last; how many messages were that."""
        began = self._clock()
        near = await self._store.recent_conversations(self._channel.name, NEAR)
        since = began - min(self._steady() - connected_at, NEAR_SECONDS)
        if not near:
            return 0
        found = await channel.missed(since, near, everywhere=False)
        self.problem = None
        return await self._take([one for one in found if one[0].ts.timestamp() < began - DEAF_AFTER])

    def _shows_deafness(self, channel: CanReadMissed) -> bool:
        """Whether what was missed should have come over this connection, and not over another process's.

        Where it may be either, only the second time counts, if nothing came over this one between the two.
        """
        return self._alone() or not isinstance(channel, SharesEvents) or self._missed_before

    def _note(self, error: Exception) -> None:
        """Of a channel's failures only those that a person may have to mend."""
        if isinstance(error, ChannelError) and not isinstance(error, RateLimited):
            self.problem = f"what was missed cannot be read: {error}"

    async def _give_up(self, missed: int) -> None:
        self.deaf_until = math.inf
        _log.warning("channel.deaf", channel=self._channel.name, missed=missed)
        if isinstance(self._channel, CanReconnect):
            await self._channel.reconnect()

    async def _take(self, found: Sequence[tuple[Envelope, Facts]]) -> int:
        """How many of these were for the bot and not known."""
        taken = 0
        for envelope, facts in found:
            age = self._clock() - envelope.ts.timestamp()
            too_old = f"it was found {age / 3600:.0f} hours later" if age > self._answer_within else None
            try:
                taken += await self._intake.accept_missed(envelope, facts, too_old=too_old) is Accepted.TURN
            except Unstorable as error:
                _log.error("message.unstorable", channel=self._channel.name, id=envelope.id, reason=str(error))
        return taken
