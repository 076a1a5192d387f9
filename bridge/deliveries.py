"""Step 3: a session's oldest open delivery -> its channel -> delivered, tried again, or a dead letter."""

import random
from collections.abc import Sequence

import structlog

from bridge import faultpoints, replies, retry
from bridge.abilities import CanEdit, CanFindSent, CanShareWaits
from bridge.channel import Channel, Delivery, MessageRef
from bridge.errors import FileRefused, LeaseLost, NotSent, OutcomeUnknown, RateLimited, Rejected, StoreError
from bridge.guard import guarded
from bridge.log import about
from bridge.store.protocol import PREVIEW, DeliveryLease, Store, as_channels_see_it
from bridge.work import Crew, until_stored

_log = structlog.get_logger(__name__)

PATIENCE = 24 * 3600.0
"""Seconds after its first failure at which a delivery that still cannot be posted becomes a dead letter."""


class Deliveries:
    """Posts one channel's deliveries, each of them once."""

    def __init__(self, channel: Channel, store: Store) -> None:
        self._channel = channel
        self._store = store

    def crew(self) -> Crew[DeliveryLease]:
        """Whoever posts, as many at once as the channel takes."""
        return Crew(self._channel.posts_at_once, self._claim, self._run, self._store.let_go)

    async def _claim(self, free: int) -> Sequence[DeliveryLease]:
        return await self._store.lease_deliveries(self._channel.name, free)

    async def _run(self, lease: DeliveryLease) -> None:
        with about(lease.envelope_id):
            await self._deliver(lease)

    async def _deliver(self, lease: DeliveryLease) -> None:
        log = _log.bind(delivery=lease.id, session=lease.session, attempt=lease.attempt)
        try:
            await self._post(lease, log)
        except LeaseLost as error:
            log.warning("delivery.lost", reason=str(error))
        except Exception:
            log.exception("delivery.broke")
            await self._again(lease, "the bridge itself failed: see the log", in_doubt=True)

    async def _post(self, lease: DeliveryLease, log: structlog.typing.FilteringBoundLogger) -> None:
        delivery = as_channels_see_it(lease)
        looked_up = False
        faultpoints.reached("delivery.claimed")
        if isinstance(self._channel, CanShareWaits):
            for place, seconds in lease.held.items():
                self._channel.hold(place, seconds)
        try:
            ref = await self._taken_over(lease)
            if ref is None and lease.in_doubt and isinstance(self._channel, CanFindSent):
                ref = await self._find(self._channel, delivery)
                looked_up = True
                faultpoints.reached("delivery.looked")
            found = ref is not None
            if ref is None and lease.kind == PREVIEW:  # the process that had something to show is gone
                await until_stored(lambda: self._store.withdraw(lease))
                return
            if ref is None:
                ref = await self._send(lease, delivery)
        except RateLimited as error:
            log.info("delivery.waits", wait=round(error.retry_after, 1))
            wait, reason = error.retry_after, str(error)
            holds = self._paced_with(delivery)
            doubted = lease.in_doubt and not looked_up
            await until_stored(
                lambda: self._store.retry_delivery(lease, wait, reason, in_doubt=doubted, counted=False, holds=holds)
            )
        except OutcomeUnknown as error:
            await self._again(lease, str(error), in_doubt=True)
        except LeaseLost:
            raise
        except (NotSent, StoreError) as error:
            await self._again(lease, str(error), in_doubt=lease.in_doubt and not looked_up)
        except Rejected as error:
            log.error("delivery.dead", reason=str(error))  # noqa: TRY400 - the reason says it all
            reason = str(error)
            in_doubt = lease.in_doubt and not looked_up
            said = replies.instead(lease, self._channel) if isinstance(error, FileRefused) else ()
            await until_stored(lambda: self._store.bury(lease, reason, in_doubt=in_doubt, instead=said))
        else:
            faultpoints.reached("delivery.posted")
            await until_stored(lambda: self._store.delivered(lease, ref))
            faultpoints.reached("delivery.closed")
            log.info("delivery.sent", found=found, ms=round((self._store.clock() - lease.created_at) * 1000))

    async def _send(self, lease: DeliveryLease, delivery: Delivery) -> MessageRef:
        """Posts it. A StoreError means that nobody knew whose it is before anything was called."""
        await until_stored(lambda: self._store.confirm(lease))
        with guarded(lambda: self._store.confirm(lease)) as looks:
            try:
                return await self._channel.send(delivery)
            except StoreError as error:
                if isinstance(error, LeaseLost) or not looks.passed:
                    raise
                raise OutcomeUnknown(str(error)) from error

    async def _taken_over(self, lease: DeliveryLease) -> MessageRef | None:
        """The preview's message, which says this now; None if there is none any more."""
        if lease.edits is None or not isinstance(self._channel, CanEdit):
            return None
        try:
            await until_stored(lambda: self._store.confirm(lease))
            with guarded(lambda: self._store.confirm(lease)):
                await self._channel.edit(lease.edits, lease.payload)
        except Rejected as error:
            _log.info("preview.gone", delivery=lease.id, session=lease.session, reason=str(error))
            return None
        return lease.edits

    def _paced_with(self, delivery: Delivery) -> str | None:
        channel = self._channel
        return channel.paced_with(delivery.conversation) if isinstance(channel, CanShareWaits) else None

    async def _find(self, channel: CanFindSent, delivery: Delivery) -> MessageRef | None:
        """The message that an earlier attempt left.

        One conversation's deliveries are posted and closed one after the other: of what looks alike there, each has its
        message, and the one that none has is this one's.
        """
        sent = await channel.find_sent(delivery)
        left = await until_stored(lambda: self._store.unaccounted_for(sent)) if sent else ()
        return left[0] if left else None

    async def _again(self, lease: DeliveryLease, error: str, *, in_doubt: bool) -> None:
        if retry.gives_up(PATIENCE, lease.failing_for, lease.attempt):
            _log.error("delivery.dead", delivery=lease.id, session=lease.session, reason=error)
            await until_stored(lambda: self._store.bury(lease, error, in_doubt=in_doubt))
            return
        wait = retry.wait(lease.attempt, random.random())  # noqa: S311 - not for secrets
        _log.warning("delivery.retried", delivery=lease.id, session=lease.session, wait=round(wait, 1), reason=error)
        await until_stored(lambda: self._store.retry_delivery(lease, wait, error, in_doubt=in_doubt))
