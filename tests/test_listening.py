"""What is known of a channel: whether it is connected, whether it hears, and why not."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.backfill import Backfill
from bridge.channel import Accept, Facts, Hearing
from bridge.envelope import Envelope
from bridge.errors import ConfigError, NotSent
from bridge.intake import Intake
from bridge.listening import DEAF, LOST, NOT_YET, Listening
from bridge.rules import Rules
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival
from tests.scripted import ScriptedChannel, orders

FACTS = Facts("T", "C", "u", ("T", "C", "1"), direct=False, addressed=True, in_thread=False, author_is_bot=False)
HEARS = Hearing(connected=True, hears=True, problem=None)


class AwayChannel(ScriptedChannel):
    """Cannot listen for that reason; without one it waits for `connect`."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.failure = failure
        self.is_connected = False
        self.tried = asyncio.Event()
        self.accept: Accept | None = None

    async def listen(self, accept: Accept) -> None:
        self.accept = accept
        self.tried.set()
        if self.failure is not None:
            raise self.failure
        await asyncio.Event().wait()


class OutspokenChannel(AwayChannel):
    """Knows itself why it is away."""

    def why_away(self) -> str | None:
        return "the bot was thrown out: invite it again"


@asynccontextmanager
async def listening(channel: AwayChannel, tmp_path: Path) -> AsyncIterator[tuple[Listening, Backfill]]:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    intake = Intake(store, Rules(), channel.name, orders(store))
    backfill = Backfill(channel, store, intake, answer_within=60)
    one = Listening(channel, intake.accept, backfill)
    task = asyncio.create_task(one.run())
    await asyncio.wait_for(channel.tried.wait(), 5)
    yield one, backfill
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()


def away(problem: str) -> Hearing:
    return Hearing(connected=False, hears=False, problem=problem)


@pytest.mark.parametrize(
    ("channel", "problem"),
    [
        (AwayChannel, NOT_YET),
        (OutspokenChannel, "the bot was thrown out: invite it again"),
        (lambda: AwayChannel(NotSent("auth: the token was revoked")), "auth: the token was revoked"),
        (lambda: AwayChannel(ConfigError(["a: wrong", "b: wrong"])), "a: wrong; b: wrong"),
        (lambda: AwayChannel(KeyError("s3cret")), "the bridge itself failed (KeyError): see the log"),
    ],
)
async def test_why_a_channel_is_away(tmp_path: Path, channel: type[AwayChannel], problem: str) -> None:
    async with listening(channel(), tmp_path) as (one, _):
        assert one.hearing() == away(problem)


async def test_what_kept_it_away_is_no_reason_any_more_once_it_was_connected(tmp_path: Path) -> None:
    channel = AwayChannel()
    async with listening(channel, tmp_path) as (one, _):
        channel.is_connected = True
        assert one.hearing() == HEARS
        channel.is_connected = False
        assert one.hearing() == away(LOST)


async def test_a_history_that_cannot_be_read_is_told_of_a_channel_that_hears(tmp_path: Path) -> None:
    channel = AwayChannel()
    channel.is_connected = True
    async with listening(channel, tmp_path) as (one, backfill):
        backfill.problem = "what was missed cannot be read: refused"
        assert one.hearing() == Hearing(connected=True, hears=True, problem="what was missed cannot be read: refused")


async def test_what_a_connection_brings_shows_that_it_is_not_deaf(tmp_path: Path) -> None:
    channel = AwayChannel()
    channel.is_connected = True
    async with listening(channel, tmp_path) as (one, backfill):
        backfill.deaf_until = math.inf
        assert one.hearing() == Hearing(connected=True, hears=False, problem=DEAF)
        assert channel.accept is not None
        message: Envelope = arrival(1).envelope
        await channel.accept(message, FACTS)
        assert one.hearing() == HEARS
