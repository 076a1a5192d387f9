"""The protocol of an instance: the agent that answers a turn."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, Self, runtime_checkable

from pydantic import Field

from bridge.envelope import Envelope
from bridge.files import File
from bridge.settings import Section


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


@dataclass(frozen=True, slots=True)
class Progress:
    """The answer as far as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a turn cost, in tokens."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


Outcome = Literal["completed", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ended. `failed` is the agent's own failure, with its words in `detail`."""

    outcome: Outcome = "completed"
    detail: str | None = None
    continuation: str | None = None
    usage: Usage | None = None


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

    def run(self, turn: Turn) -> AsyncGenerator[Progress | Envelope | File | Ending, None]:
        """Asks the agent once.

        Yields the text so far any number of times, then the reply envelopes, then the files that the agent made, then
        exactly one `Ending`. Raises InstanceError. Closing the iterator hangs up on the agent.
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
