"""A pressed button -> policy -> what it means, committed, before the platform is acknowledged."""

import structlog

from bridge import access, feedback, handles, notices
from bridge.actions import Press
from bridge.arrival import taken_once
from bridge.channel import Channel
from bridge.errors import StoreError
from bridge.feedback import Value, Vote
from bridge.orders import Orders
from bridge.rules import Rules
from bridge.store.access import GuardedStore

_log = structlog.get_logger(__name__)

_VOTED: dict[Value, str] = {"good": notices.VOTED_GOOD, "bad": notices.VOTED_BAD}


class Presses:
    """The one door for what is pressed in a channel. Without `rated` nobody's vote is kept, on old buttons either."""

    def __init__(
        self,
        store: GuardedStore,
        rules: Rules,
        channel: str,
        orders: Orders,
        *,
        rated: bool,
        platform: Channel | None = None,
    ) -> None:
        """`platform`: the channel of that name, to be asked what the rules and the facts do not say."""
        self._orders = orders
        self._platform = platform
        self._store = store
        self._rules = rules
        self._channel = channel
        self._rated = rated

    async def take(self, press: Press) -> str:
        """The channel's `TakePress`. Whom no rule admits where the button stands changes nothing.

        Raises StoreError when it could not be committed, ChannelError when nobody knows whether it may be, and
        TakenElsewhere.
        """
        await taken_once(self._store, self._channel, press.told_to_all)
        rules = self._rules.current
        if not await access.admits(rules, self._channel, press.facts, self._platform, self._store):
            _log.info("press.refused", channel=self._channel, room=press.facts.room, author=press.facts.author)
            await access.note_refusal(self._store, self._channel, press.actor, press.facts.room)
            return notices.BUTTON_IS_NOT_FOR_YOU
        handle = handles.read(press, self._channel)
        if handle is not None:
            return await self._orders.pull(handle)
        read = feedback.read(press.button) if self._rated else None
        if read is None:
            _log.info("press.unknown", channel=self._channel, room=press.facts.room)
            return notices.BUTTON_DOES_NOTHING
        turn, value = read
        vote = Vote(turn, value, press.actor, self._channel, press.message)
        log = _log.bind(turn=turn, channel=self._channel)
        try:
            kept = await self._store.vote(vote)
        except StoreError as error:
            log.error("vote.not_kept", reason=str(error))  # noqa: TRY400 - the reason says it all
            raise
        if not kept:
            log.info("press.unknown", room=press.facts.room)
            return notices.BUTTON_DOES_NOTHING
        log.info("vote.kept", value=value)
        return _VOTED[value]
