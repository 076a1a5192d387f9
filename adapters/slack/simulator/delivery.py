"""What both transports of events share: the event, the record of what became of it, the rules of retrying."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bridge.testing.changes import Changes

SLACK_RETRY_SCHEDULE = (0.0, 60.0, 300.0)
"""Seconds before the retries 1, 2, 3. https://docs.slack.dev/apis/events-api#retries."""

RETRY_SCHEDULE = (0.0, 5.0, 30.0)
"""The same, shortened, so that demo and tests see the last retry; pass `SLACK_RETRY_SCHEDULE` for the real one."""

ACK_TIMEOUT = 3.0
"""Seconds an app has for its acknowledgement. https://docs.slack.dev/apis/events-api#responding."""


@dataclass(slots=True)
class Event:
    """One event of the Events API on its way to the app."""

    id: str
    ts: str
    """The message that the event is about."""
    payload: str
    """The `event_callback` object as JSON."""
    sequence: int
    acked: bool = False


class Transport(Protocol):
    """A way to the app: Socket Mode or signed HTTP."""

    def publish(self, event: Event) -> None:
        """Starts to deliver the event, and retries it until it is acknowledged or the schedule is used up."""
        ...

    def redeliver(self, event: Event) -> None:
        """Delivers an event once more, marked as the first retry, acknowledged before or not."""
        ...

    async def interact(self, payload: str) -> bool:
        """Delivers an interaction, once: whether it was acknowledged in time.

        Where it is not, the person is shown an error; a retry is not documented.
        https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response
        """
        ...

    async def command(self, fields: Mapping[str, str]) -> object:
        """Delivers a slash command, once: the JSON that it was acknowledged with, or its text, or None.

        None: it was not acknowledged in time. Slack does not send it again.
        https://docs.slack.dev/interactivity/implementing-slash-commands
        """
        ...

    def unacked(self) -> int:
        """How many events wait for an acknowledgement, a retry or a connection."""
        ...


@dataclass(slots=True)
class Journal:
    """What became of the events; times are `time.monotonic` seconds."""

    changes: Changes = field(default_factory=Changes)
    emitted_at: dict[str, float] = field(default_factory=dict[str, float])
    """`ts` of a message -> when its first event was handed to the transport."""
    acked_at: dict[str, float] = field(default_factory=dict[str, float])
    """`ts` of a message -> when the newest acknowledgement of one of its events came."""
    deliveries: int = 0
    """Attempts that were written to a socket or posted to the URL, retries included."""
    acked: int = 0
    """Events that were acknowledged, each once."""
    dropped: list[Event] = field(default_factory=list[Event])
    """Events that were given up after the last retry."""

    def emitted(self, event: Event) -> None:
        """The event was handed to the transport."""
        self.emitted_at.setdefault(event.ts, time.monotonic())

    def delivered(self) -> None:
        """One attempt went out."""
        self.deliveries += 1
        self.changes.notify()

    def acknowledged(self, event: Event) -> None:
        """The app acknowledged the event, perhaps not for the first time."""
        self.acked_at[event.ts] = time.monotonic()
        if not event.acked:
            event.acked = True
            self.acked += 1
        self.changes.notify()

    def gave_up(self, event: Event) -> None:
        """The last retry failed."""
        self.dropped.append(event)
        self.changes.notify()


def next_attempt(attempt: int, schedule: Sequence[float]) -> tuple[int, float] | None:
    """The number of the attempt after this one and the seconds before it; None after the last retry."""
    if attempt >= len(schedule):
        return None
    return attempt + 1, schedule[attempt]
