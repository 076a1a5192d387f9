"""One turn that grows step by step as a test says, over a real store, and a channel that shows it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bridge.channel import Delivery, MessageRef, Payload
from bridge.deliveries import Deliveries
from bridge.errors import ChannelError, Rejected
from bridge.instance import Ending, InstanceSettings, Turn
from bridge.rules import Rule, Rules
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival
from bridge.turns import Shows, Turns
from tests.scripted import Item, ScriptedChannel, ScriptedInstance, reply

MESSAGE = arrival(1).envelope


class EditingChannel(ScriptedChannel):
    """A scripted channel whose messages can be edited; `shown` is what stands there now."""

    edit_seconds = 0.0
    previews_at_once = 1

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, str] = {}
        self.edits: list[str] = []
        self.edit_errors: list[ChannelError] = []

    async def send(self, delivery: Delivery) -> MessageRef:
        ref = await super().send(delivery)
        self.shown[ref] = delivery.payload["text"]
        return ref

    async def edit(self, ref: MessageRef, payload: Payload) -> None:
        if self.edit_errors:
            raise self.edit_errors.pop(0)
        if ref not in self.shown:
            raise Rejected("it was deleted")
        self.shown[ref] = payload["text"]
        self.edits.append(payload["text"])
        async with self.changed:
            self.changed.notify_all()

    async def until(self, true: Callable[[], bool]) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(true), 5)


class Story:
    """One turn that grows step by step as the test says."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.channel: EditingChannel = EditingChannel()
        self.steps: asyncio.Queue[Item | None] = asyncio.Queue()
        self.instance = _Told(self.steps)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SqlStore]:
        store = await SqlStore.open(self.url)
        settings = InstanceSettings.model_validate({"type": "scripted"})
        shows = {"c": Shows.of(self.channel, store)}
        rules = Rules([Rule(channel="c", instance="main")])
        turns = Turns(self.instance, settings, store, {"c": self.channel}, rules, shows=shows).crew()
        posts = Deliveries(self.channel, store).crew()
        loops = [asyncio.create_task(crew.claim_for_ever()) for crew in (turns, posts)]
        yield store
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await turns.finish(5)
        await posts.finish(5)
        await store.close()

    def says(self, *items: Item) -> None:
        for item in items:
            self.steps.put_nowait(item)

    def ends(self, text: str) -> None:
        self.says(reply(MESSAGE, text), Ending())


class _Told(ScriptedInstance):
    def __init__(self, steps: "asyncio.Queue[Item | None]") -> None:
        super().__init__()
        self._steps = steps

    async def run(self, turn: Turn):  # type: ignore[no-untyped-def,override]
        self.asked.append(turn)
        while True:
            item = await self._steps.get()
            if isinstance(item, Exception):
                raise item
            yield item
            if isinstance(item, Ending):
                return


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0.01)
