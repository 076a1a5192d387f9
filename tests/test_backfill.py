"""Reading what nobody heard, whatever the channel does meanwhile."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge import backfill
from bridge.backfill import Backfill
from bridge.channel import Facts
from bridge.envelope import Conversation, Envelope
from bridge.intake import Intake
from bridge.rules import Rule
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, turn
from tests.scripted import ScriptedChannel

FACTS = Facts("T", "C", "u", ("T", "C", "1"), direct=False, addressed=True, in_thread=False, author_is_bot=False)


class ReadableChannel(ScriptedChannel):
    """Its history breaks so often before it can be read."""

    def __init__(self, *failures: Exception, messages: Sequence[Envelope] = ()) -> None:
        super().__init__()
        self.failures = list(failures)
        self.messages = messages

    async def missed(
        self, since: float, known: Sequence[Conversation], *, everywhere: bool
    ) -> Sequence[tuple[Envelope, Facts]]:
        if self.failures:
            raise self.failures.pop(0)
        return [(message, FACTS) for message in self.messages]


async def test_a_history_that_cannot_be_understood_takes_nothing_down_and_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "PERIOD", 0.01)
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    message = arrival(1).envelope
    channel = ReadableChannel(ValueError("not a place of this platform"), messages=[message])
    intake = Intake(store, [Rule(channel="c", instance="main")], "c")
    reading = asyncio.create_task(Backfill(channel, store, intake, answer_within=10**12).run())
    assert (await turn(store)).envelope.id == message.id
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await store.close()
