"""What people changed of what they had said, as the store is told, and what became of that."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bridge.envelope import Envelope


@dataclass(frozen=True, slots=True)
class MessageChange:
    """A message as it is now, or that it is gone."""

    channel: str
    """The name under `[channels]`."""
    envelope_id: str
    envelope: Envelope | None
    """Its conversation does not count. None: it was deleted."""
    edited_at: float | None = None
    """By the platform's clock: what is older than what the store has changes nothing."""


class Changed(Enum):
    """What became of a change."""

    REPLACED = "replaced"
    DROPPED = "dropped"
    TOO_LATE = "too late"
    """The agent was asked what stood there before, or may have been."""
    NOTHING = "nothing new"
    UNKNOWN = "unknown"


class ChangeStore(Protocol):
    """Raises StoreError when it cannot commit."""

    async def change(self, change: MessageChange) -> Changed:
        """Replaces a message that waits by what it is now, or closes its turn as `skipped` if it was deleted.

        A message waits until an attempt to answer it begins, and while it waits for the next one because the agent was
        not asked. Only a message to the agent is replaced, and only by another one of the same author. The turn keeps
        its place, its session, its instance and where its answer goes.
        """
        ...
