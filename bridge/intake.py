"""Step 1: envelope and facts -> policy -> a committed turn, before the platform is acknowledged."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from bridge import access, commands, notices, pairing, policy
from bridge.arrival import arrival, committed
from bridge.channel import Channel, Facts
from bridge.commands import Asked, Command
from bridge.envelope import Envelope
from bridge.errors import StoreError, Unstorable
from bridge.limits import Limiter
from bridge.log import about
from bridge.orders import Orders
from bridge.policy import Decision
from bridge.references import references
from bridge.rules import Rules
from bridge.store.access import GuardedStore, Offer, Pairing
from bridge.store.limits import Limits
from bridge.store.protocol import Accepted, Arrival

_log = structlog.get_logger(__name__)


REMEMBERED = 10_000
"""Messages of which it is remembered that they were not for the bot, or that they could not be committed."""
AWAITED = 600.0
"""Seconds: a message that is not committed by then does not come again by itself."""

Taken = Callable[[Envelope], None]
"""Is told of every message that became a turn, after the commit; must not wait."""


class Intake:
    """The one door for what is said in a channel, heard live or read afterwards."""

    def __init__(
        self,
        store: GuardedStore,
        rules: Rules,
        channel: str,
        orders: Orders,
        taken: Taken = lambda _: None,
        *,
        platform: Channel | None = None,
        limiter: Limiter | None = None,
        refused: Taken = lambda _: None,
    ) -> None:
        """`platform`: the channel of that name, to be asked what the rules and the facts do not say.

        `refused` is told of the messages of people that `limiter` leaves unanswered, after the commit.
        """
        self._orders = orders
        self._taken = taken
        self._limiter = limiter
        self._refused = refused
        self._store = store
        self._rules = rules
        self._channel = channel
        self._platform = platform
        self._passed_over: dict[str, None] = {}
        self._noted: dict[tuple[str, str], float] = {}  # (person, room) -> until when it is noted, monotonic
        self._coming: dict[str, float] = {}  # envelope id -> since when, in steady seconds

    def awaits(self, envelope_id: str) -> bool:
        """Whether that message was heard and is to be committed yet."""
        since = self._coming.get(envelope_id)
        return since is not None and time.monotonic() - since < AWAITED

    async def accept(self, envelope: Envelope, facts: Facts) -> None:
        """The channel's `Accept`: returns when the message is committed, or known, or not for the bot.

        Raises StoreError when it could not be committed and ChannelError when nobody knows whether it is for the bot;
        the platform must not be acknowledged then.
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
        if missed and envelope.id in self._passed_over:
            return None
        command = commands.read(envelope.text) if envelope.kind == "message" else None
        envelope = envelope.model_copy(update={"refs": references(envelope.text) | envelope.refs})
        decision = await self._decide(envelope, facts, command=command is not None, missed=missed)
        if decision is None:
            _log.debug("message.not_answered", envelope=envelope.id, room=facts.room, author=facts.author)
            self._pass_over(envelope)
            return None
        if command is not None and too_old is not None:
            _log.info("command.too_old", envelope=envelope.id, command=command.command.value, reason=too_old)
            return None
        is_command = command is not None
        limits = self._limits(envelope, facts, command)
        arrived = arrival(
            self._channel, decision, envelope, facts, command=is_command, missed=missed, too_old=too_old, limits=limits
        )
        self._coming[envelope.id] = time.monotonic()
        _forget_oldest(self._coming)
        try:
            with committed():
                outcome = await self._commit(command, arrived, decision, facts)
        except StoreError as error:
            _log.error("turn.not_accepted", envelope=envelope.id, channel=self._channel, reason=str(error))
            if isinstance(error, Unstorable):
                self._coming.pop(envelope.id, None)
            raise
        self._coming.pop(envelope.id, None)
        return self._became(outcome, arrived, facts)

    def _became(self, outcome: Accepted | Pairing | None, arrived: Arrival, facts: Facts) -> Accepted | None:
        """Says what became of it, in the log and to whoever wants to know."""
        envelope = arrived.envelope
        log = _log.bind(envelope=envelope.id, thread=arrived.thread, channel=self._channel)
        match outcome:
            case Accepted.TURN:
                log.info("turn.accepted", missed=arrived.missed)
                self._taken(envelope)
            case Accepted.REFUSED:
                log.warning("message.over_limit", author=facts.author, bot=facts.author_is_bot)
                if not facts.author_is_bot:
                    self._refused(envelope)
            case Accepted.LISTED:
                log.warning("message.too_old", reason=arrived.too_old)
            case Pairing():
                if outcome in (Pairing.ASKED, Pairing.FULL):
                    log.info("pairing.needed", author=facts.author, because=outcome.value)
                self._pass_over(envelope)
                return None
            case Accepted():
                log.debug("message.passed_over", because=outcome.value)
            case None:
                pass
        return outcome

    async def _commit(
        self, command: Asked | None, arrived: Arrival, decision: Decision, facts: Facts
    ) -> Accepted | Pairing | None:
        """What became of it; None: it is a command, which waits for no turn: what runs or waits is what it is about."""
        if command and command.command is not Command.RETRY and await self._may_command(decision, arrived, facts):
            await self._orders.take(command, arrived, decision, posted=not facts.author_is_bot)
            return None
        if decision.if_paired:
            return await self._store.accept_paired(arrived, self._offer(facts.author))
        return await self._store.accept(arrived)

    async def _may_command(self, decision: Decision, arrived: Arrival, facts: Facts) -> bool:
        """Whoever is not approved yet is offered a code instead, as for any message."""
        if not decision.if_paired:
            return True
        since = await self._store.paired_since(self._channel, facts.author)
        return since is not None and (not arrived.missed or since <= arrived.envelope.ts.timestamp())

    async def _decide(self, envelope: Envelope, facts: Facts, *, command: bool, missed: bool) -> policy.Decision | None:
        """By the rules as they are when it begins."""
        rules = self._rules.current
        if not policy.may_trigger(rules, self._channel, facts):
            return None
        known = await access.with_groups(rules, self._channel, facts, self._platform)
        decision = policy.decide(rules, self._channel, envelope, known, command=command)
        if decision is None and not missed and policy.admission(rules, self._channel, known) is None:
            await self._note_refusal(envelope, facts)
        return decision

    def _offer(self, author: str) -> Offer:
        """A code for somebody who is not approved, and the sentence with it."""
        code = pairing.new_code()
        sentence = notices.PAIRING.format(code=pairing.written(code))
        return Offer(author, code, self._platform.render(sentence) if self._platform else ())

    async def _note_refusal(self, envelope: Envelope, facts: Facts) -> None:
        """Of people who spoke to the bot; a refusal is one whether or not it can be noted."""
        who = (facts.author, facts.room)
        now = time.monotonic()
        if facts.author_is_bot or not (facts.direct or facts.addressed) or self._noted.get(who, 0) > now:
            return
        if len(self._noted) >= REMEMBERED:
            self._noted.clear()
        self._noted[who] = now + access.REFUSED_AGAIN
        _log.info("message.refused", channel=self._channel, room=facts.room, author=facts.author)
        await access.note_refusal(self._store, self._channel, envelope.actor.id, facts.room)

    def _pass_over(self, envelope: Envelope) -> None:
        """What was not for the bot when it was said is not missed later, by other rules or in other groups."""
        self._passed_over[envelope.id] = None
        _forget_oldest(self._passed_over)

    def _limits(self, envelope: Envelope, facts: Facts, command: Asked | None) -> Limits | None:
        """Of commands only what asks the agent again counts."""
        if self._limiter is None or (command is not None and command.command is not Command.RETRY):
            return None
        return self._limiter.limits(envelope, facts, kept=command is None)


def _forget_oldest(known: dict[str, Any]) -> None:
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
