"""A command of the platform's own -> policy -> its effect, committed, before the platform is acknowledged."""

import structlog

from bridge import access, commands, notices, policy
from bridge.actions import Invocation
from bridge.arrival import arrival, committed, taken_once
from bridge.channel import Channel, Facts
from bridge.commands import Asked, Command
from bridge.envelope import Envelope
from bridge.errors import StoreError
from bridge.log import about
from bridge.orders import Orders
from bridge.policy import Decision
from bridge.rules import Rules
from bridge.store.access import AccessStore

_log = structlog.get_logger(__name__)

_HAVE_BUTTONS = (Command.STOP, Command.RETRY)


class Invocations:
    """The one door for what is invoked in a channel. Whoever invokes is always answered."""

    def __init__(
        self,
        store: AccessStore,
        rules: Rules,
        channel: str,
        orders: Orders,
        *,
        platform: Channel | None = None,
    ) -> None:
        """`platform`: the channel of that name, to be asked what the rules and the facts do not say."""
        self._store = store
        self._platform = platform
        self._rules = rules
        self._channel = channel
        self._orders = orders

    async def take(self, invocation: Invocation) -> str:
        """The channel's `TakeCommand`. Whom no rule admits there changes nothing.

        Raises StoreError when it could not be committed, ChannelError when nobody knows whether it may be, and
        TakenElsewhere.
        """
        envelope, facts = invocation.envelope, invocation.facts
        await taken_once(self._store, self._channel, invocation.told_to_all)
        with about(envelope.id):
            decision = await self._decide(envelope, facts)
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

    async def _decide(self, envelope: Envelope, facts: Facts) -> Decision | None:
        """By the rules as they are when it begins."""
        rules = self._rules.current
        if not await access.admits(rules, self._channel, facts, self._platform, self._store):
            await access.note_refusal(self._store, self._channel, envelope.actor.id, facts.room)
            return None
        known = await access.with_groups(rules, self._channel, facts, self._platform)
        return policy.decide(rules, self._channel, envelope, known, command=True)

    async def _obey(self, asked: Asked, invocation: Invocation, decision: Decision) -> str:
        arrived = arrival(self._channel, decision, invocation.envelope, invocation.facts, command=True)
        try:
            with committed():
                return await self._orders.answer(asked, arrived, decision, everywhere=invocation.beside_threads)
        except StoreError as error:
            _log.error("command.not_taken", channel=self._channel, reason=str(error))
            raise
