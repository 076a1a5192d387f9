"""Step 1: envelope and facts -> policy -> a committed turn, before the platform is acknowledged."""

from collections.abc import Sequence

import structlog

from bridge import policy
from bridge.channel import Accept, Facts
from bridge.envelope import Envelope
from bridge.errors import StoreError
from bridge.log import about
from bridge.rules import Rule
from bridge.store.protocol import Accepted, Arrival, Store

_log = structlog.get_logger(__name__)


def intake(store: Store, rules: Sequence[Rule], channel: str) -> Accept:
    """The `accept` of one channel: returns when the message is committed, or known, or not for the bot.

    Raises StoreError when it could not be committed; the platform must not be acknowledged then.
    """

    async def accept(envelope: Envelope, facts: Facts) -> None:
        with about(envelope.id):
            await take(envelope, facts)

    async def take(envelope: Envelope, facts: Facts) -> None:
        decision = policy.decide(rules, channel, envelope, facts)
        if decision is None:
            _log.debug("message.not_answered", envelope=envelope.id, room=facts.room, author=facts.author)
            return
        arrival = Arrival(
            channel=channel,
            instances=decision.instances,
            thread=decision.thread,
            session=decision.session,
            binds_thread=decision.binds_thread,
            envelope=envelope.model_copy(update={"conversation": decision.conversation}),
            direct=facts.direct,
            only_if_known=decision.only_if_known,
            wants_context=decision.wants_context,
        )
        try:
            outcome = await store.accept(arrival)
        except StoreError as error:
            _log.error("turn.not_accepted", envelope=envelope.id, channel=channel, reason=str(error))
            raise
        if outcome is Accepted.TURN:
            _log.info("turn.accepted", envelope=envelope.id, thread=decision.thread, channel=channel)
        else:
            _log.debug("message.passed_over", envelope=envelope.id, thread=decision.thread, because=outcome.value)

    return accept
