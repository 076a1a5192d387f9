"""Tells everybody what appeared in the workspace: the app by events, the watchers by `Said`."""

import json
from collections.abc import Callable

from adapters.slack.simulator import events, mrkdwn
from adapters.slack.simulator.delivery import Event, Journal, Transport
from adapters.slack.simulator.workspace import Message, Payload, Whisper, Workspace
from bridge.testing.simulator import Said


class Publisher:
    """Sends events for what the bot can see: rooms it is a member of. Watchers see every room."""

    def __init__(self, workspace: Workspace, transport: Transport, journal: Journal) -> None:
        self.workspace = workspace
        self.newest: Event | None = None
        self.watchers: list[Callable[[Said], None]] = []
        self.post_watchers: list[Callable[[Message], None]] = []
        self._transport = transport
        self._journal = journal
        self._sequence = 0

    def said(self, message: Message) -> Said:
        """The message as a person sees it."""
        return Said(
            id=message.ts,
            thread=f"{message.room}/{message.root_ts}",
            author=self.workspace.display_name(message),
            text=mrkdwn.shown(message.text, message.blocks, self._name_of),
            by_bot=message.user == self.workspace.bot.id,
            edited=message.edited is not None,
        )

    def posted(self, message: Message, *, mention_first: bool = False) -> Said:
        """A new message: one `message` event, and an `app_mention` besides where it mentions the bot."""
        workspace, room = self.workspace, self.workspace.rooms[message.room]
        if workspace.bot.id in room.members:
            kinds = [events.message_event]
            if self.mentions_bot(message):
                kinds.insert(0 if mention_first else 1, events.app_mention)
            for kind in kinds:
                self._emit(kind(workspace, room, message), message.ts)
        said = self._seen(message)
        if said.by_bot:
            for seen in self.post_watchers:
                seen(message)
        return said

    def changed(self, message: Message, previous: Message, *, mention_again: bool = False) -> None:
        """An edit, an unfurl or a tombstone. Slack sends a mention again where an edit leaves or adds one.

        Watchers see it only where the text changed.
        """
        workspace, room = self.workspace, self.workspace.rooms[message.room]
        if workspace.bot.id in room.members:
            event_ts = workspace.timestamps.next()
            self._emit(events.message_changed(workspace, room, message, previous, event_ts), message.ts)
            if mention_again and self.mentions_bot(message):
                self._emit(events.app_mention(workspace, room, message, event_ts), message.ts)
        if message.text != previous.text:
            self._seen(message)

    def grew(self, message: Message) -> None:
        """More was written of a message that is written bit by bit. Only watchers see it."""
        self._seen(message)

    def touched(self) -> None:
        """Something that is no message and no text changed; the app is told nothing of it."""
        self._journal.changes.notify()

    def deleted(self, previous: Message) -> None:
        """A message went away."""
        workspace, room = self.workspace, self.workspace.rooms[previous.room]
        if workspace.bot.id in room.members:
            event_ts = workspace.timestamps.next()
            self._emit(events.message_deleted(workspace, room, previous, event_ts), previous.ts)

    def whispered(self, whisper: Whisper) -> None:
        """Somebody was shown something; it causes no event."""
        self.workspace.whispers.append(whisper)
        self._journal.changes.notify()

    def redeliver(self, *, new_event_id: bool = False) -> None:
        """The newest event once more; Slack's retries keep the event id, `new_event_id` is the rarer case."""
        newest = self.newest
        if newest is None:
            raise LookupError("there is no event to deliver again: nothing was said in a room of the bot")
        if new_event_id:
            payload: Payload = json.loads(newest.payload)
            newest = self._event(payload["event"], newest.ts)
        self._transport.redeliver(newest)

    def mentions_bot(self, message: Message) -> bool:
        """Whether Slack would send an `app_mention`: not in direct conversations, and not for the bot's own."""
        if message.user == self.workspace.bot.id or f"<@{self.workspace.bot.id}>" not in message.text:
            return False
        return self.workspace.rooms[message.room].kind != "im"

    def _emit(self, inner: Payload, ts: str) -> None:
        event = self.newest = self._event(inner, ts)
        self._journal.emitted(event)
        self._transport.publish(event)

    def _event(self, inner: Payload, ts: str) -> Event:
        self._sequence += 1
        event_id = f"Ev{self._sequence:09d}"
        payload = events.event_callback(self.workspace, inner, event_id)
        return Event(event_id, ts, json.dumps(payload, separators=(",", ":")), self._sequence)

    def _seen(self, message: Message) -> Said:
        said = self.said(message)
        for seen in self.watchers:
            seen(said)
        self._journal.changes.notify()
        return said

    def _name_of(self, target: str) -> str:
        person = self.workspace.people.get(target)
        if person:
            return person.real_name
        room = self.workspace.rooms.get(target)
        return room.name if room else target
