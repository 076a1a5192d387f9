"""A command of the platform's own -> policy -> its effect, committed, before the platform is acknowledged."""

from collections.abc import Sequence

import structlog

from bridge import commands, faultpoints, notices, policy
from bridge.abilities import Invocation
from bridge.arrival import arrival
from bridge.commands import Asked, Command
from bridge.errors import StoreError
from bridge.log import about
from bridge.orders import Orders
from bridge.policy import Decision
from bridge.rules import Rule

_log = structlog.get_logger(__name__)

_HAVE_BUTTONS = (Command.STOP, Command.RETRY)


class Invocations:
    """The one door for what is invoked in a channel. Whoever invokes is always answered."""

    def __init__(self, rules: Sequence[Rule], channel: str, orders: Orders) -> None:
        self._rules = rules
        self._channel = channel
        self._orders = orders

    async def take(self, invocation: Invocation) -> str:
        """The channel's `TakeCommand`. Whom no rule admits there changes nothing.

        Raises StoreError when it could not be committed.
        """
        envelope, facts = invocation.envelope, invocation.facts
        with about(envelope.id):
            decision = policy.decide(self._rules, self._channel, envelope, facts, command=True)
            if decision is None:
                _log.info("command.refused", channel=self._channel, room=facts.room, author=facts.author)
                return notices.NOT_FOR_YOU
            asked = commands.invoked(envelope.text)
            if asked is None:
                _log.info("command.unknown", channel=self._channel, room=facts.room)
                return notices.NO_WORD
            if asked.command is not Command.HELP and invocation.beside_threads and decision.binds_thread:
                return notices.in_its_thread(asked.command.value, button=asked.command in _HAVE_BUTTONS)
            return await self._obey(asked, invocation, decision)

    async def _obey(self, asked: Asked, invocation: Invocation, decision: Decision) -> str:
        arrived = arrival(self._channel, decision, invocation.envelope, invocation.facts, command=True)
        faultpoints.reached("event.received")
        try:
            sentence = await self._orders.answer(asked, arrived, decision, everywhere=invocation.beside_threads)
        except StoreError as error:
            _log.error("command.not_taken", channel=self._channel, reason=str(error))
            raise
        faultpoints.reached("event.stored")
        return sentence
