"""An edited or deleted message -> policy -> what becomes of it, committed, before the platform is acknowledged."""

from typing import Protocol

import structlog

from bridge import access, commands
from bridge.actions import Change
from bridge.channel import Channel
from bridge.errors import StoreError
from bridge.intake import Intake, Taken
from bridge.log import about
from bridge.rules import Rules
from bridge.store.access import AccessStore
from bridge.store.changed import Changed, ChangeStore, MessageChange


class _Store(ChangeStore, AccessStore, Protocol):
    """What changes ask of a store."""


_log = structlog.get_logger(__name__)


class Changes:
    """The one door for what people change of what they said in a channel."""

    def __init__(
        self,
        store: _Store,
        rules: Rules,
        intake: Intake,
        channel: str,
        too_late: Taken = lambda _: None,
        *,
        platform: Channel | None = None,
    ) -> None:
        """`intake` is where the channel's messages come in; `too_late` is told of edits that come too late.

        `platform`: the channel of that name, to be asked what the rules and the facts do not say.
        """
        self._platform = platform
        self._store = store
        self._rules = rules
        self._intake = intake
        self._channel = channel
        self._too_late = too_late

    async def take(self, change: Change) -> None:
        """The channel's `TakeChange`. Whoever no rule admits changes nothing, and no change makes a turn.

        Raises StoreError when it could not be committed, or when its message is not yet, so that it comes again, and
        ChannelError when nobody knows whether it may be.
        """
        with about(change.envelope_id):
            await self._take(change)

    async def _take(self, change: Change) -> None:
        log = _log.bind(envelope=change.envelope_id, channel=self._channel)
        if self._intake.awaits(change.envelope_id):
            raise StoreError("the message that was changed is not stored yet")
        envelope, edited_at = None, None
        if change.said is not None:
            envelope, facts = change.said
            rules = self._rules.current
            if not await access.admits(rules, self._channel, facts, self._platform, self._store):
                log.debug("change.refused", room=facts.room, author=facts.author)
                return
            edited_at = facts.edited_at
            if commands.read(envelope.text) is not None:
                envelope = envelope.model_copy(update={"kind": commands.KIND})
        try:
            outcome = await self._store.change(MessageChange(self._channel, change.envelope_id, envelope, edited_at))
        except StoreError as error:
            log.error("change.not_accepted", reason=str(error))  # noqa: TRY400 - the reason says it all
            raise
        match outcome:
            case Changed.REPLACED:
                log.info("message.edited")
            case Changed.DROPPED:
                log.info("message.deleted")
            case Changed.TOO_LATE:
                log.info("change.too_late", deleted=envelope is None)
                if envelope is not None and envelope.actor.type == "human":
                    self._too_late(envelope)
            case _:
                log.debug("change.passed_over", because=outcome.value)
