"""The protocol of an instance: the agent that answers a turn."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, Self, runtime_checkable

from pydantic import Field

from bridge.envelope import Envelope
from bridge.files import File
from bridge.room import Room
from bridge.route import AS_CONFIGURED, Route
from bridge.settings import Section


@dataclass(frozen=True, slots=True)
class Takes:
    """The files that an instance takes with a message."""

    types: Mapping[str, int]
    """Media type, or `text/*` for every other one that begins so -> the most bytes of one file."""
    together: int
    """The most bytes of all files of a message."""
    called: str
    """What these types are called, for people."""

    def most(self, media_type: str) -> int | None:
        """The most bytes of a file of that type; None if it is not taken."""
        return self.types.get(media_type, self.types.get(f"{media_type.partition('/')[0]}/*"))


@dataclass(frozen=True, slots=True)
class Turn:
    """One question to an agent."""

    session: str
    envelope: Envelope
    """The message, names resolved."""
    prompt: str
    """What the agent reads: the message with its speaker and, once, the context. Never blank."""
    continuation: str | None = None
    """What the session's previous `Ending` gave, opaque to the core."""
    attempt: int = 1
    files: Sequence[File] = ()
    """What is attached to the message and taken by the instance."""
    route: Route = AS_CONFIGURED
    """What the rule asks of the instance. One that has no model, or takes no further fields, does without."""
    room: Room | None = None
    """Where it is asked, if the agent is to be told. An instance that has no place for it does without."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The answer as far as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Activity:
    """What the agent is doing, in a few words on one line: people see it while they wait."""

    what: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a turn cost, in tokens."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


Outcome = Literal["completed", "refused", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ended. `refused`: the agent says why it does not answer; `incomplete`: its text stops before its end,
    with the reason in `detail`; `failed` is the agent's own failure, with its words in `detail`.
    """

    outcome: Outcome = "completed"
    detail: str | None = None
    continuation: str | None = None
    usage: Usage | None = None


Step = Progress | Activity | Envelope | File | Ending
"""What an instance yields."""


class InstanceSettings(Section):
    """The keys that every instance takes."""

    type: str
    concurrency: int = Field(default=8, ge=1, le=1000)
    """Turns at once on this instance."""
    on_unknown: Literal["ask", "retry", "drop"] = "ask"
    """What becomes of a turn that was cut off midway where the instance cannot dedupe."""
    patience: float = Field(default=3600, ge=0, allow_inf_nan=False)
    """Seconds that a message waits, from its first failure, for an instance that cannot be reached, before its thread
    is told to ask again."""
    longest: float = Field(default=3600, gt=0, allow_inf_nan=False)
    """Seconds after which a turn counts as cut off, however lively it is."""
    files: bool = True
    """Whether the files that people attach are passed on, as far as the instance takes them."""


class Instance(Protocol):
    """One agent. `Settings` is the section of `config.toml` it takes; `name` is the section's name."""

    Settings: ClassVar[type[InstanceSettings]]
    name: str
    repeatable: bool
    """Asking again with the same turn never runs it twice."""

    @classmethod
    def create(cls, name: str, settings: InstanceSettings) -> Self:
        """An instance that has not connected yet."""
        ...

    def run(self, turn: Turn) -> AsyncGenerator[Step, None]:
        """Asks the agent once.

        Yields the text so far and what is being done any number of times, then the reply envelopes, then the files that
        the agent made, then exactly one `Ending`. Raises InstanceError. Closing the iterator hangs up on the agent.
        """
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...


@runtime_checkable
class CanProbe(Protocol):
    """Can be asked beforehand whether it would take a turn."""

    async def probe(self) -> str | None:
        """One sentence that says what is wrong and what to do, or None if nothing is known to be wrong."""
        ...


@runtime_checkable
class CanStop(Protocol):
    """Works on when nobody listens, and can be told to stop."""

    async def stop(self, turn: Turn) -> None:
        """Asks the agent to stop working on a turn; its `run` says when it did. Raises InstanceError."""
        ...


UNASKED = "unasked"
"""The `kind` of an envelope by which an agent says something by itself."""


@runtime_checkable
class CanSpeakUnasked(Protocol):
    """Tells over HTTP what the agent says by itself, and says what of it nobody has been told yet."""

    listens: bool
    """Whether it is set up for that."""

    async def overheard(self, body: bytes, headers: Mapping[str, str]) -> tuple[str, Envelope] | None:
        """A call of the agent's side -> the session and the message, of the kind `UNASKED`; `headers` in lower case.

        None if nothing follows from it. Raises Forged, ValueError if it is nothing that can be read, and
        InstanceUnavailable if it should come again later.
        """
        ...

    async def unasked(self, envelope: Envelope, continuation: str | None) -> tuple[Sequence[Envelope], str | None]:
        """What the agent said up to that message and was not told yet, oldest first, and the session's continuation."""
        ...


@runtime_checkable
class CanTakeFiles(Protocol):
    """Takes files with a message; an instance that does not say so takes none."""

    takes: Takes


@runtime_checkable
class CanAdvise(Protocol):
    """Settings that may be good and still not what somebody wants."""

    def advice(self) -> Sequence[str]:
        """One sentence each, beginning with the key."""
        ...
