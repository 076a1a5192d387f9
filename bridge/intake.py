"""Step 1: envelope and facts -> policy -> a committed turn, before the platform is acknowledged."""

import time
from collections.abc import Callable, Sequence

import structlog

from bridge import commands, faultpoints, policy
from bridge.channel import Facts
from bridge.envelope import Envelope
from bridge.errors import StoreError, Unstorable
from bridge.limits import Limiter
from bridge.log import about
from bridge.rules import Rule
from bridge.store.limits import Limits
from bridge.store.protocol import Accepted, Arrival, Store

_log = structlog.get_logger(__name__)


REMEMBERED = 1_000
"""Messages that could not be committed of which it is remembered."""
AWAITED = 600.0
"""Seconds: a message that is not committed by then does not come again by itself."""

Taken = Callable[[Envelope], None]
"""Is told of every message that became a turn, after the commit; must not wait."""


class Intake:
    """The one door for what is said in a channel, heard live or read afterwards."""

    def __init__(
        self,
        store: Store,
        rules: Sequence[Rule],
        channel: str,
        taken: Taken = lambda _: None,
        *,
        limiter: Limiter | None = None,
        refused: Taken = lambda _: None,
    ) -> None:
        """`refused` is told of the messages of people that `limiter` leaves unanswered, after the commit."""
        self._taken = taken
        self._limiter = limiter
        self._refused = refused
        self._store = store
        self._rules = rules
        self._channel = channel
        self._coming: dict[str, float] = {}  # envelope id -> since when, in steady seconds

    def awaits(self, envelope_id: str) -> bool:
        """Whether that message was heard and is to be committed yet."""
        since = self._coming.get(envelope_id)
        return since is not None and time.monotonic() - since < AWAITED

    async def accept(self, envelope: Envelope, facts: Facts) -> None:
        """The channel's `Accept`: returns when the message is committed, or known, or not for the bot.

        Raises StoreError when it could not be committed; the platform must not be acknowledged then.
        """
        with about(envelope.id):
            await self._take(envelope, facts)

    async def accept_missed(self, envelope: Envelope, facts: Facts, *, too_old: str | None) -> Accepted | None:
        """The same for what was not heard live; `too_old` says why it is only listed. None: not for the bot."""
        with about(envelope.id):
            return await self._take(envelope, facts, missed=True, too_old=too_old)

    async def _take(
        self, envelope: Envelope, facts: Facts, *, missed: bool = False, too_old: str | None = None
    ) -> Accepted | None:
        command = commands.read(envelope.text)
        decision = policy.decide(self._rules, self._channel, envelope, facts, command=command is not None)
        if decision is None:
            _log.debug("message.not_answered", envelope=envelope.id, room=facts.room, author=facts.author)
            return None
        if command is not None and too_old is not None:
            _log.info("command.too_old", envelope=envelope.id, command=command.value, reason=too_old)
            return None
        kind = commands.KIND if command else envelope.kind
        arrival = Arrival(
            channel=self._channel,
            instances=decision.instances,
            thread=decision.thread,
            session=decision.session,
            binds_thread=decision.binds_thread,
            envelope=envelope.model_copy(update={"conversation": decision.conversation, "kind": kind}),
            direct=facts.direct,
            only_if_known=decision.only_if_known,
            wants_context=decision.wants_context,
            missed=missed,
            too_old=too_old,
            route=decision.route,
            edited_at=facts.edited_at,
            limits=self._limits(envelope, facts, command),
            joins=command is None,  # what was said before, and a ticket's session, are for the first real message
        )
        faultpoints.reached("event.received")
        if len(self._coming) >= REMEMBERED:
            del self._coming[next(iter(self._coming))]
        self._coming[envelope.id] = time.monotonic()
        try:
            outcome = await self._store.accept(arrival)
        except StoreError as error:
            _log.error("turn.not_accepted", envelope=envelope.id, channel=self._channel, reason=str(error))
            if isinstance(error, Unstorable):
                self._coming.pop(envelope.id, None)
            raise
        self._coming.pop(envelope.id, None)
        faultpoints.reached("event.stored")
        log = _log.bind(envelope=envelope.id, thread=decision.thread, channel=self._channel)
        match outcome:
            case Accepted.TURN:
                log.info("turn.accepted", missed=missed)
                self._taken(envelope)
            case Accepted.REFUSED:
                log.warning("message.refused", author=facts.author, bot=facts.author_is_bot)
                if not facts.author_is_bot:
                    self._refused(envelope)
            case Accepted.LISTED:
                log.warning("message.too_old", reason=too_old)
            case _:
                log.debug("message.passed_over", because=outcome.value)
        return outcome

    def _limits(self, envelope: Envelope, facts: Facts, command: commands.Command | None) -> Limits | None:
        """Of commands only what asks the agent again counts."""
        if self._limiter is None or command not in (None, commands.Command.RETRY):
            return None
        return self._limiter.limits(envelope, facts, kept=command is None)
