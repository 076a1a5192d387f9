"""The sign on a message that was taken."""

import asyncio
from collections.abc import Callable

import pytest

from bridge import acknowledge
from bridge.acknowledge import Acknowledging
from bridge.envelope import Envelope
from bridge.errors import ChannelError, NotSent, RateLimited, Rejected
from bridge.testing.store_examples import arrival
from tests.scripted import ScriptedChannel


class ReactingChannel(ScriptedChannel):
    reaction = "eyes"
    not_taken = "no_entry"
    react_seconds = 0.0

    def __init__(self, *outcomes: ChannelError | None) -> None:
        super().__init__()
        self.outcomes = list(outcomes)
        self.reacted: list[str] = []
        self.signs: list[str] = []

    async def react(self, envelope: Envelope, sign: str) -> None:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        self.reacted.append(envelope.id)
        self.signs.append(sign)
        async with self.changed:
            self.changed.notify_all()
        if outcome is not None:
            raise outcome

    async def until(self, true: Callable[[], bool]) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(true), 5)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledge, "AFTER", 0.0)


async def turns_of_the_loop() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_message_that_was_taken_gets_the_sign() -> None:
    channel = ReactingChannel()
    Acknowledging(channel).taken(arrival(1).envelope)
    await channel.until(lambda: channel.reacted == ["p:1"])


async def test_a_message_that_is_not_taken_gets_another_sign() -> None:
    channel = ReactingChannel()
    Acknowledging(channel).not_taken(arrival(1).envelope)
    await channel.until(lambda: channel.signs == ["no_entry"])


async def test_without_a_sign_there_is_none() -> None:
    channel = ReactingChannel()
    channel.reaction = ""
    Acknowledging(channel).taken(arrival(1).envelope)
    Acknowledging(ScriptedChannel()).taken(arrival(2).envelope)
    await turns_of_the_loop()
    assert channel.reacted == []


async def test_under_load_most_messages_get_none() -> None:
    channel = ReactingChannel()
    channel.react_seconds = 60.0
    acknowledging = Acknowledging(channel)
    for number in range(50):
        acknowledging.taken(arrival(number).envelope)
    await channel.until(lambda: channel.reacted == ["p:0"])
    await turns_of_the_loop()
    assert channel.reacted == ["p:0"]


@pytest.mark.parametrize("failure", [NotSent("away"), Rejected("no right"), RateLimited("wait", retry_after=0.0)])
async def test_a_failure_matters_to_nobody(failure: ChannelError) -> None:
    channel = ReactingChannel(failure)
    acknowledging = Acknowledging(channel)
    acknowledging.taken(arrival(1).envelope)
    await channel.until(lambda: channel.reacted == ["p:1"])
    acknowledging.taken(arrival(2).envelope)
    await channel.until(lambda: channel.reacted == ["p:1", "p:2"])


async def test_what_never_works_is_left_for_a_while() -> None:
    now = [100.0]
    channel = ReactingChannel(*[Rejected("no right")] * 3)
    acknowledging = Acknowledging(channel, clock=lambda: now[0])
    for number in (1, 2, 3):
        acknowledging.taken(arrival(number).envelope)
        await channel.until(lambda number=number: len(channel.reacted) == number)  # type: ignore[misc]
        await turns_of_the_loop()
    acknowledging.taken(arrival(4).envelope)
    await turns_of_the_loop()
    assert channel.reacted == ["p:1", "p:2", "p:3"]
