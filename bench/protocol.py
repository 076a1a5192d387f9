"""What the benchmark needs of a platform: a simulator that both bots take for it, and people who write there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.testing.simulator import Simulator


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message that somebody wrote."""

    thread: str
    """Opaque; what `Platform.say` takes to answer in it."""
    emitted: float
    """When its first event was handed to the simulator's transport; `time.monotonic`, as all times."""


@dataclass(frozen=True, slots=True)
class Known:
    """A thread as the bridge's store knows it."""

    session: str
    conversation: str
    """As `Conversation.ref` names it."""


class Platform(Protocol):
    """One platform on loopback, without rate limits and without a record of its calls."""

    name: str
    """As `[channels.…]` names it, and the type of its adapter."""
    bare: str
    """The file of the bot written by hand, in this folder."""
    redelivers: bool
    """Whether the platform sends an event again that was not acknowledged."""

    @property
    def simulator(self) -> Simulator:
        """What the bots are pointed at."""
        ...

    async def connected(self, count: int) -> None:
        """Returns once so many bots are connected and would be given events."""
        ...

    def bare_environment(self) -> Mapping[str, str]:
        """What leads the bot written by hand here, besides the simulator's secrets."""
        ...

    def say(self, person: str, text: str, thread: str | None) -> Spoken:
        """Writes plainly into the thread, or with a mention of the bot at the top of a room."""
        ...

    def old_threads(self, count: int) -> list[str]:
        """Threads that are there already and in which the bot answered before; nobody is told of them now."""
        ...

    def known(self, thread: str) -> Known:
        """That thread in the bridge's store."""
        ...

    def on_answer(self, seen: Callable[[str, str], None]) -> None:
        """Calls `seen` with the thread and text of whatever the bot says, before its call is answered."""
        ...

    def delivered(self) -> int:
        """Message events that the bot was given until now, repetitions and those of its own messages included."""
        ...


class Limited(Platform, Protocol):
    """A platform that refuses calls over its limits, and keeps a record of them."""

    def refused(self) -> Sequence[str]:
        """The calls that it answered with HTTP 429, by their names."""
        ...

    def edited(self) -> int:
        """How many messages of the bot were changed after they were posted."""
        ...


class Beating(Platform, Protocol):
    """A platform that ends a connection whose heartbeats do not come."""

    def worst_heartbeat_delay(self) -> float:
        """The longest time by which any heartbeat was late, in seconds."""
        ...

    def heartbeats(self) -> int:
        """How many came over the connections that are open."""
        ...

    def connections_lost(self) -> int:
        """How many connections ended."""
        ...
