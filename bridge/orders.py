"""What people's commands mean where they are written: the effect and its answer, committed together."""

import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from bridge import notices, replies
from bridge.channel import Channel
from bridge.commands import Asked, Command
from bridge.handles import Grip, Handle
from bridge.policy import Decision, ticket_named
from bridge.store.orders import ObeysOrders, Order, Outcome, Standing
from bridge.store.protocol import Arrival, NewDelivery

_log = structlog.get_logger(__name__)

_STOPPED: Mapping[Outcome, str] = {
    Outcome.BEGUN: notices.WILL_STOP,
    Outcome.DONE: notices.DROPPED,
    Outcome.NOTHING: notices.NOTHING_RUNS,
}
_PULLED: Mapping[Grip, Mapping[Outcome, str]] = {
    "stop": {**_STOPPED, Outcome.NOTHING: notices.RUNS_NO_MORE, Outcome.REFUSED: notices.BUTTON_DOES_NOTHING},
    "retry": {
        Outcome.DONE: notices.ASKED_AGAIN,
        Outcome.NOTHING: notices.NOTHING_TO_RETRY,
        Outcome.REFUSED: notices.BUTTON_DOES_NOTHING,
    },
}
_SENTENCES: Mapping[Command, Mapping[Outcome, str]] = {
    Command.NEW: {Outcome.DONE: notices.BEGUN_ANEW},
    Command.STOP: _STOPPED,
    Command.UNLINK: {Outcome.DONE: notices.UNLINKED, Outcome.NOTHING: notices.NOT_LINKED},
    Command.RETRY: {Outcome.DONE: notices.ASKED_AGAIN, Outcome.NOTHING: notices.NOTHING_TO_RETRY},
}
_INVOKED: Mapping[Outcome, str] = {
    # What a message is not answered for is said to whoever used a command of the platform's own.
    Outcome.DUPLICATE: notices.DONE_BEFORE,
    Outcome.NOT_TAKING_PART: notices.NOTHING_YET,
}


class Orders:
    """The one door for commands in a channel that take effect at once, also while the agent works."""

    def __init__(
        self,
        store: ObeysOrders,
        channel: Channel,
        *,
        stop_wanted: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`stop_wanted` is told when a turn that runs is to be stopped; `clock`: seconds since the epoch."""
        self._store = store
        self._channel = channel
        self._stop_wanted = stop_wanted
        self._clock = clock

    async def take(self, asked: Asked, arrival: Arrival, decision: Decision, *, posted: bool = True) -> None:
        """A message: the sentence that answers it is posted where it was written, if nothing else will be said there.
        Without `posted` it is not.

        Nothing is said or done if it was taken before, or the bot does not take part there. Raises StoreError when
        nothing was committed.
        """
        ticket = _ticket(asked, decision)
        sentences = await self._sentences(asked, arrival, ticket)
        answers = self._answers(arrival, sentences) if posted else {}
        await self._obey(Order(arrival, asked.command, answers, ticket))

    async def answer(self, asked: Asked, arrival: Arrival, decision: Decision, *, everywhere: bool) -> str:
        """A command of the platform's own: the sentence for whoever invoked it. Raises StoreError like `take`.

        Where nothing was asked yet it changes nothing, unless it links. `everywhere`: `!retry` means the whole session,
        because it was not invoked where something of it is answered.
        """
        ticket = _ticket(asked, decision)
        sentences = await self._sentences(asked, arrival, ticket)
        links = asked.command is Command.LINK
        if asked.command in (Command.HELP, Command.STATUS) or (links and ticket is None):
            return sentences[Outcome.DONE]
        order = Order(arrival, asked.command, {}, ticket, only_if_begun=not links, everywhere=everywhere)
        outcome = await self._obey(order)
        return _INVOKED.get(outcome) or sentences[outcome]

    async def pull(self, handle: Handle) -> str:
        """The same for a button: the sentence for whoever pressed it. Raises StoreError when nothing was committed."""
        outcome = await self._store.pull(handle)
        _log.info("handle.pulled", turn=handle.turn, channel=handle.channel, grip=handle.grip, outcome=outcome.value)
        if outcome is Outcome.BEGUN:
            self._stop_wanted()
        return _PULLED[handle.grip][outcome]

    async def _obey(self, order: Order) -> Outcome:
        outcome = await self._store.obey(order)
        arrival = order.arrival
        log = _log.bind(envelope=arrival.envelope.id, channel=arrival.channel, command=order.command.value)
        if outcome in _INVOKED:
            log.debug("command.passed_over", because=outcome.value)
        else:
            log.info("command.taken", outcome=outcome.value)
        if outcome is Outcome.BEGUN:
            self._stop_wanted()
        return outcome

    def _answers(self, arrival: Arrival, sentences: Mapping[Outcome, str]) -> dict[Outcome, Sequence[NewDelivery]]:
        place = arrival.envelope.conversation
        return {
            outcome: replies.said_in(place, self._channel, "notice", sentence)
            for outcome, sentence in sentences.items()
            if outcome is not Outcome.BEGUN
        }

    async def _sentences(self, asked: Asked, arrival: Arrival, ticket: str | None) -> Mapping[Outcome, str]:
        """What is said for each outcome."""
        match asked.command:
            case Command.HELP:
                return {Outcome.DONE: notices.HELP.format(instance=arrival.instances[0])}
            case Command.STATUS:
                return {Outcome.DONE: _standing(await self._store.standing(arrival), self._clock())}
            case Command.LINK if ticket is not None:
                return {
                    Outcome.DONE: notices.linked(ticket),
                    Outcome.NOTHING: notices.ALREADY_LINKED,
                    Outcome.REFUSED: notices.OTHER_TEAMS_TICKET,
                }
            case Command.LINK:
                said = notices.no_ticket(asked.argument) if asked.argument else notices.WHICH_TICKET
                return {Outcome.DONE: said}
            case command:
                return _SENTENCES[command]


def _ticket(asked: Asked, decision: Decision) -> str | None:
    return ticket_named(decision, asked.argument) if asked.argument else None


def _standing(standing: Standing | None, now: float) -> str:
    if standing is None:
        return notices.NOTHING_YET
    if standing.begun_at is None:
        state = notices.IDLE
    else:
        since = max(0.0, now - standing.begun_at)
        state = notices.works(since) if standing.runs else notices.waits(since)
    return notices.standing(standing.session, standing.instance, state, standing.waiting)
