"""A channel and an instance that do what a test tells them: implementations of the protocols, nothing of ours replaced."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Self

from bridge.channel import Accept, Delivery, Facts, MessageRef, Payload
from bridge.envelope import Actor, Envelope
from bridge.instance import Ending, InstanceSettings, Step, Turn
from bridge.orders import Orders
from bridge.settings import Section
from bridge.store.orders import ObeysOrders

Item = Step | Exception


class ScriptedChannel:
    """Posts into a list. `sends` are the outcomes of the next calls: None posts, an error is raised instead."""

    Settings: ClassVar[type[Section]] = Section
    source: ClassVar[str] = "p"
    posts_at_once = 4

    def __init__(self, name: str = "c") -> None:
        self.name = name
        self.posted: list[tuple[str, str]] = []
        self.sends: list[Exception | None] = []
        self.found: list[Sequence[MessageRef] | Exception] = []
        self.looked_for: list[str] = []
        self.earlier: Sequence[tuple[Envelope, Facts]] | Exception = ()
        self.is_connected = True
        self.changed = asyncio.Condition()

    @classmethod
    def create(cls, name: str, settings: Section) -> Self:
        return cls(name)

    async def verify(self) -> None: ...

    async def listen(self, accept: Accept) -> None: ...

    def connected(self) -> bool:
        return self.is_connected

    @classmethod
    def render(cls, text: str) -> Sequence[Payload]:
        return [{"text": part} for part in text.split("|")]

    async def send(self, delivery: Delivery) -> MessageRef:
        outcome = self.sends.pop(0) if self.sends else None
        if outcome is not None:
            raise outcome
        self.posted.append((delivery.conversation.ref, delivery.payload["text"]))
        async with self.changed:
            self.changed.notify_all()
        return MessageRef(f"m{len(self.posted)}")

    async def find_sent(self, delivery: Delivery) -> Sequence[MessageRef]:
        self.looked_for.append(delivery.id)
        outcome = self.found.pop(0) if self.found else ()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def earlier_in_thread(self, envelope: Envelope) -> Sequence[tuple[Envelope, Facts]]:
        if isinstance(self.earlier, Exception):
            raise self.earlier
        return self.earlier

    async def resolve_names(self, envelope: Envelope) -> Envelope:
        return envelope

    async def close(self) -> None: ...

    async def texts(self, count: int) -> list[str]:
        """What was posted, once it is so much."""
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: len(self.posted) >= count), 5)
        return [text for _, text in self.posted]


class ScriptedInstance:
    """Answers each turn with the next script; without one, with `echo: {prompt}`."""

    Settings: ClassVar[type[InstanceSettings]] = InstanceSettings

    def __init__(self, *scripts: Sequence[Item], repeatable: bool = False) -> None:
        self.name = "main"
        self.repeatable = repeatable
        self.scripts = list(scripts)
        self.asked: list[Turn] = []
        self.before: Callable[[Turn], Awaitable[None]] | None = None

    @classmethod
    def create(cls, name: str, settings: InstanceSettings) -> Self:
        return cls()

    async def run(self, turn: Turn) -> AsyncGenerator[Step, None]:
        self.asked.append(turn)
        if self.before is not None:
            await self.before(turn)
        script = self.scripts.pop(0) if self.scripts else [reply(turn.envelope, f"echo: {turn.prompt}"), Ending()]
        for item in script:
            if isinstance(item, Exception):
                raise item
            yield item

    async def close(self) -> None: ...


def reply(to: Envelope, text: str) -> Envelope:
    """An agent's answer."""
    return Envelope(
        id=f"reply to {to.id}",
        source="scripted",
        actor=Actor(id="scripted:agent", display="agent", type="agent"),
        conversation=to.conversation,
        text=text,
        ts=datetime(2026, 1, 1, tzinfo=UTC),
    )


def orders(store: ObeysOrders, channel: ScriptedChannel | None = None) -> Orders:
    """The door for commands of a channel; nobody waits to stop anything."""
    return Orders(store, channel or ScriptedChannel(), stop_wanted=lambda: None)
