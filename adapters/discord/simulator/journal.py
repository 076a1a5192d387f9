"""The record of what was dispatched."""

import time
from dataclasses import dataclass, field

from bridge.testing.changes import Changes


@dataclass(slots=True)
class Journal:
    """What became of the events; times are `time.monotonic` seconds."""

    changes: Changes = field(default_factory=Changes)
    emitted_at: dict[str, float] = field(default_factory=dict[str, float])
    """Message id -> when its MESSAGE_CREATE was first dispatched, or would have been."""
    deliveries: int = 0
    """MESSAGE_CREATE events that were given to a connection, duplicates and replays included."""
    dropped: list[str] = field(default_factory=list[str])
    """Ids of messages whose MESSAGE_CREATE was dropped on purpose."""
    close_codes: list[int] = field(default_factory=list[int])
    """How gateway connections ended, oldest first: the close code, or 1006 where there was none."""

    def emitted(self, message_id: str) -> None:
        """The event about that message is on its way."""
        self.emitted_at.setdefault(message_id, time.monotonic())

    def delivered(self, events: int = 1) -> None:
        """So many MESSAGE_CREATE events went out."""
        self.deliveries += events
        self.changes.notify()
