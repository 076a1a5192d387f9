"""An edited or deleted message -> policy -> what becomes of it, committed, before the platform is acknowledged."""

from collections.abc import Sequence

import structlog

from bridge import commands, policy
from bridge.abilities import Change
from bridge.errors import StoreError
from bridge.intake import Intake, Taken
from bridge.log import about
from bridge.rules import Rule
from bridge.store.changed import Changed, ChangeStore, MessageChange

_log = structlog.get_logger(__name__)


class Changes:
    """The one door for what people change of what they said in a channel."""

    def __init__(
        self, store: ChangeStore, rules: Sequence[Rule], intake: Intake, channel: str, too_late: Taken = lambda _: None
    ) -> None:
        """`intake` is where the channel's messages come in; `too_late` is told of edits that come too late."""
        self._store = store
        self._rules = rules
        self._intake = intake
        self._channel = channel
        self._too_late = too_late

    async def take(self, change: Change) -> None:
        """The channel's `TakeChange`. Whoever no rule admits changes nothing, and no change makes a turn.

        Raises StoreError when it could not be committed, or when its message is not yet, so that it comes again.
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
            if policy.admits(self._rules, self._channel, facts) is None:
                log.debug("change.refused", room=facts.room, author=facts.author)
                return
            if commands.read(envelope.text) is not None:
                envelope = envelope.model_copy(update={"kind": commands.KIND})
            edited_at = facts.edited_at
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
