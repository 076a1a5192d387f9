"""An instance that answers every message with its own text: for trying out channels and rules without an agent."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import ClassVar, Self

from bridge.envelope import Actor, Envelope
from bridge.instance import Ending, Instance, InstanceSettings, Step, Turn


class EchoInstance:
    """Answers at once and keeps nothing. The reply's id follows from the message's, so asking again changes nothing."""

    Settings: ClassVar[type[InstanceSettings]] = InstanceSettings
    name: str
    repeatable: bool = True

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def create(cls, name: str, settings: InstanceSettings) -> Self:  # noqa: ARG003 (the protocol's)
        """An instance that has nothing to connect to."""
        return cls(name)

    async def run(self, turn: Turn) -> AsyncGenerator[Step, None]:
        """Yields one reply and the ending."""
        yield Envelope(
            id=f"echo:{turn.envelope.id}",
            source="echo",
            actor=Actor(id=f"echo:{self.name}", display=self.name, type="agent"),
            conversation=turn.envelope.conversation,
            text=turn.envelope.text if turn.envelope.text.strip() else turn.prompt,
            ts=datetime.now(UTC),
        )
        yield Ending(continuation=turn.continuation)

    async def close(self) -> None:
        """There is nothing to let go of."""


_is_instance: type[Instance] = EchoInstance
