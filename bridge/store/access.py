"""What the store knows of who may talk: who is approved, and what is noted of it. Part of the protocol of the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bridge.channel import Payload
from bridge.store.audit import Entry
from bridge.store.protocol import Accepted, Arrival, Store


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody is told who is not approved yet."""

    author: str
    """Their id as rules list it."""
    code: str
    payloads: Sequence[Payload]
    """The sentence with it, as the channel posts it."""


class Pairing(Enum):
    """Why a message of somebody who has to be approved is no turn."""

    ASKED = "a code was sent"
    WAITS = "a code was sent within the hour"
    FULL = "too many codes wait for approval"
    TOO_EARLY = "it was said before the approval"


class AccessStore(Protocol):
    """Every method is one transaction, as in `Store`."""

    async def accept_paired(self, arrival: Arrival, offer: Offer) -> Accepted | Pairing:
        """`Store.accept` for whoever is approved. Anybody else is told the code, at most once in the time that it is
        valid, and nothing that they said is stored.
        """
        ...

    async def paired_since(self, channel: str, author: str) -> float | None:
        """When somebody was approved, in seconds since the epoch; None: they are not."""
        ...

    async def take_once(self, channel: str, name: str) -> bool:
        """Whether no process took what the platform calls that, within the last hour."""
        ...

    async def note(self, entries: Sequence[Entry]) -> None:
        """Writes these into the audit."""
        ...


@dataclass(frozen=True, slots=True)
class ReloadAsked:
    """Somebody wants the rules read again."""

    seq: int
    by: str
    """Who, as the audit names it."""


class ProcessStore(Protocol):
    """How the processes on one store are spoken to. Every method is one transaction, as in `Store`."""

    async def reloads_asked(self) -> Sequence[ReloadAsked]:
        """The requests since the first call of this process that it has not answered. Also its sign of life."""
        ...

    async def answer_reload(self, asked: ReloadAsked, report: str, *, done: bool) -> None:
        """Tells whoever asked what came of it, and notes it in the audit."""
        ...

    async def note_reload(self, by: str, *, done: bool) -> None:
        """Notes in the audit one that nobody waits for."""
        ...


class GuardedStore(Store, AccessStore, Protocol):
    """What those ask who decide who may talk."""
