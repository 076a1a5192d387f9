"""The stand-in for an instance that turns still wait for, but that the configuration does not name any more."""

from collections.abc import AsyncGenerator
from typing import ClassVar, Self

from bridge.errors import InstanceRefused
from bridge.instance import Ending, Instance, InstanceSettings, Step, Turn


class AbsentInstance:
    """Refuses every turn, so that its thread is told and goes on."""

    Settings: ClassVar[type[InstanceSettings]] = InstanceSettings
    repeatable: bool = True

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def create(cls, name: str, settings: InstanceSettings) -> Self:  # noqa: ARG003 - there is nothing to set
        return cls(name)

    async def run(self, turn: Turn) -> AsyncGenerator[Step, None]:  # noqa: ARG002
        raise InstanceRefused(
            "The agent that this message was meant for was removed. Write `!retry` to ask the one that is here now."
        )
        yield Ending()  # which makes this a generator

    async def close(self) -> None:
        """There is nothing to close."""


_proof: type[Instance] = AbsentInstance
