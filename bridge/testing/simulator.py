"""The protocol of a simulated platform: people who write, and threads that can be read.

`threadbridge demo` and the journeys drive every platform through it; each adapter brings one under the entry point
group `bridge.simulators`. A simulator speaks the platform's real wire protocol, so the adapter runs unchanged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Said:
    """One message as a person sees it."""

    id: str
    """The platform's id of the message, unique in its room."""
    thread: str
    """Opaque; the same for every message of one thread, and what `Simulator.say` takes to answer in it."""
    author: str
    """The display name of a person, or of the bot."""
    text: str
    by_bot: bool
    edited: bool = False


class Simulator(Protocol):
    """A platform on loopback. Every method but `start` and `stop` needs a running one."""

    source: str
    """The platform, as `Envelope.source` names it."""

    async def start(self) -> None:
        """Listens on a free port of 127.0.0.1."""
        ...

    async def stop(self) -> None:
        """Closes every connection and the port."""
        ...

    def settings(self) -> Mapping[str, object]:
        """The `[channels.…]` table that leads an adapter here, secrets as `env:` references."""
        ...

    def secrets(self) -> Mapping[str, str]:
        """The environment that `settings` refers to."""
        ...

    async def say(self, person: str, text: str, *, thread: str | None = None) -> Said:
        """Writes as that person: with a mention of the bot at the top of a room, or into that thread as it is."""
        ...

    async def redeliver(self) -> None:
        """Delivers the newest event once more, as the platform does when it saw no acknowledgement."""
        ...

    def refuse_posts(self, refuse: bool) -> None:
        """While true, the platform answers every post of the bot with a failure and shows nothing."""
        ...

    def read(self, thread: str) -> Sequence[Said]:
        """The thread's messages, oldest first."""
        ...

    def watch(self, seen: Callable[[Said], None]) -> None:
        """Calls `seen` with every message from now on, people's and the bot's, in the order they appear."""
        ...

    async def connected(self) -> None:
        """Returns once a bot is connected and would be given an event."""
        ...
