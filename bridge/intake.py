"""Step 1: envelope and facts -> policy -> a committed turn, before the platform is acknowledged."""

from collections.abc import Callable, Sequence

import structlog

from bridge import commands, faultpoints, policy
from bridge.arrival import arrival
from bridge.channel import Facts
from bridge.commands import Asked, Command
from bridge.envelope import Envelope
from bridge.errors import StoreError
from bridge.log import about
from bridge.orders import Orders
from bridge.policy import Decision
from bridge.rules import Rule
from bridge.store.protocol import Accepted, Arrival, Store

_log = structlog.get_logger(__name__)


Taken = Callable[[Envelope], None]
"""Is told of every message that became a turn, after the commit; must not wait."""


class Intake:
    """The one door for what is said in a channel, heard live or read afterwards."""

    def __init__(
        self, store: Store, rules: Sequence[Rule], channel: str, orders: Orders, taken: Taken = lambda _: None
    ) -> None:
        self._orders = orders
        self._taken = taken
        self._store = store
        self._rules = rules
        self._channel = channel

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
        command = commands.read(envelope.text) if envelope.kind == "message" else None
        decision = policy.decide(self._rules, self._channel, envelope, facts, command=command is not None)
        if decision is None:
            _log.debug("message.not_answered", envelope=envelope.id, room=facts.room, author=facts.author)
            return None
        if command is not None and too_old is not None:
            _log.info("command.too_old", envelope=envelope.id, command=command.command.value, reason=too_old)
            return None
        is_command = command is not None
        arrived = arrival(self._channel, decision, envelope, facts, command=is_command, missed=missed, too_old=too_old)
        faultpoints.reached("event.received")
        if command is not None and command.command is not Command.RETRY:
            await self._obey(command, arrived, decision)
            return None
        try:
            outcome = await self._store.accept(arrived)
        except StoreError as error:
            _log.error("turn.not_accepted", envelope=envelope.id, channel=self._channel, reason=str(error))
            raise
        faultpoints.reached("event.stored")
        log = _log.bind(envelope=envelope.id, thread=decision.thread, channel=self._channel)
        match outcome:
            case Accepted.TURN:
                log.info("turn.accepted", missed=missed)
                self._taken(envelope)
            case Accepted.LISTED:
                log.warning("message.too_old", reason=too_old)
            case _:
                log.debug("message.passed_over", because=outcome.value)
        return outcome

    async def _obey(self, asked: Asked, arrived: Arrival, decision: Decision) -> None:
        """Commands wait for no turn: what is running or waiting is what they are about."""
        try:
            await self._orders.take(asked, arrived, decision)
        except StoreError as error:
            _log.error("command.not_taken", envelope=arrived.envelope.id, channel=self._channel, reason=str(error))
            raise
        faultpoints.reached("event.stored")
