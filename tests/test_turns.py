import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from bridge import notices
from bridge.channel import Facts
from bridge.deliveries import Deliveries
from bridge.envelope import Actor
from bridge.errors import InstanceRefused, InstanceUnavailable, NotSent, TurnInterrupted
from bridge.instance import Ending, InstanceSettings, Progress, Usage
from bridge.rules import Rule, Rules
from bridge.store import database, reading
from bridge.store.protocol import TurnLease
from bridge.store.records import TurnRecord
from bridge.store.schema import open_turns
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, turn
from bridge.turns import Shows, Turns
from tests.scripted import Item, ScriptedChannel, ScriptedInstance, reply

MESSAGE = arrival(1).envelope
FACTS = Facts("T", "C", "ada", ("T", "C", "1"), direct=False, addressed=True, in_thread=True, author_is_bot=False)


class Steps:
    """Turns and deliveries over a real store, between a scripted channel and a scripted instance."""

    def __init__(self, url: str, *scripts: Sequence[Item], repeatable: bool = False, **settings: object) -> None:
        self.url = url
        self.channel = ScriptedChannel()
        self.instance = ScriptedInstance(*scripts, repeatable=repeatable)
        self.settings = InstanceSettings.model_validate({"type": "scripted"} | settings)
        self.rules = Rules([Rule(channel="c", instance="main", users=("ada",))])

    @asynccontextmanager
    async def running(self, store: SqlStore | None = None) -> AsyncIterator[SqlStore]:
        store = store or await SqlStore.open(self.url)
        shows = {"c": Shows.of(self.channel, store)}
        turns = Turns(self.instance, self.settings, store, {"c": self.channel}, self.rules, shows=shows).crew()
        posts = Deliveries(self.channel, store).crew()
        loops = [asyncio.create_task(crew.claim_for_ever()) for crew in (turns, posts)]
        yield store
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await turns.finish(5)
        await posts.finish(5)
        await store.close()

    def turn(self, session: str = "s-t") -> TurnRecord:
        engine = database.open_engine(self.url, read_only=True)
        with engine.connect() as connection:
            records = reading.turn_records(connection, session)
        engine.dispose()
        return records[-1]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


async def test_an_answer_is_posted_where_the_question_was_asked(url: str) -> None:
    steps = Steps(url)
    async with steps.running() as store:
        await store.accept(arrival(1))
        await steps.channel.texts(1)
    assert steps.channel.posted == [("t", "echo: [Ada] message 1")]


async def test_history_keeps_how_a_turn_ended(url: str) -> None:
    answer = reply(MESSAGE, "one|two")
    steps = Steps(url, [Progress("o"), answer, Ending(continuation="resp_1", usage=Usage(1, 2, 3))])
    async with steps.running() as store:
        await store.accept(arrival(1))
        await steps.channel.texts(2)
    record = steps.turn()
    assert (record.status, record.attempts, record.error, record.usage) == ("answered", 1, None, Usage(1, 2, 3))
    assert record.replies == (answer,)
    assert [(one.kind, one.part, one.status, one.message_ref) for one in record.deliveries] == [
        ("reply", 0, "delivered", "m1"),
        ("reply", 1, "delivered", "m2"),
    ]


async def test_the_next_turn_continues_the_last(url: str) -> None:
    steps = Steps(url, [reply(MESSAGE, "a"), Ending(continuation="resp_1")])
    async with steps.running() as store:
        await store.accept(arrival(1))
        await store.accept(arrival(2))
        await steps.channel.texts(2)
    assert [asked.continuation for asked in steps.instance.asked] == [None, "resp_1"]


@pytest.mark.parametrize(
    ("script", "said", "status"),
    [
        ([Ending()], [notices.EMPTY], "answered"),
        ([reply(MESSAGE, "  "), Ending()], [notices.EMPTY], "answered"),
        ([reply(MESSAGE, "half"), Ending("incomplete", "length")], ["half", notices.incomplete("length")], "answered"),
        ([Ending("failed", "no credit")], [notices.failed("no credit")], "failed"),
        ([reply(MESSAGE, "half"), Ending("failed", "x")], ["half", notices.failed("x")], "failed"),
        ([InstanceRefused("The key is wrong.")], ["The key is wrong."], "failed"),
        ([TurnInterrupted("cut")], [notices.unknown()], "unknown"),
        ([reply(MESSAGE, "half"), TurnInterrupted("cut")], [notices.unknown()], "unknown"),
        ([RuntimeError("a bug")], [notices.BROKEN.format(turn=1)], "failed"),
    ],
)
async def test_every_ending_is_said_in_the_thread(url: str, script: list[Item], said: list[str], status: str) -> None:
    steps = Steps(url, script)
    async with steps.running() as store:
        await store.accept(arrival(1))
        assert await steps.channel.texts(len(said)) == said
        await store.accept(arrival(2))
        assert (await steps.channel.texts(len(said) + 1))[-1] == "echo: [Ada] message 2"
    engine = database.open_engine(url, read_only=True)
    with engine.connect() as connection:
        assert [record.status for record in reading.turn_records(connection, "s-t")] == [status, "answered"]
    engine.dispose()


async def test_an_instance_that_is_away_is_asked_again_and_the_thread_is_told_once(url: str) -> None:
    away = [InstanceUnavailable("409", retry_after=0, notice="It is stopped; your message waits.")]
    steps = Steps(url, away, away, away)
    async with steps.running() as store:
        await store.accept(arrival(1))
        assert await steps.channel.texts(2) == ["It is stopped; your message waits.", "echo: [Ada] message 1"]
    assert (steps.turn().status, steps.turn().attempts) == ("answered", 4)


async def test_a_short_absence_is_not_mentioned(url: str) -> None:
    steps = Steps(url, [InstanceUnavailable("refused", retry_after=0)])
    async with steps.running() as store:
        await store.accept(arrival(1))
        assert await steps.channel.texts(1) == ["echo: [Ada] message 1"]


async def test_a_longer_absence_is_mentioned_once(url: str) -> None:
    away = [InstanceUnavailable("refused", retry_after=0)]
    steps = Steps(url, away, away, away, away)
    async with steps.running() as store:
        await store.accept(arrival(1))
        assert await steps.channel.texts(2) == [notices.UNREACHABLE, "echo: [Ada] message 1"]


async def test_patience_has_an_end_that_is_said(url: str) -> None:
    away = [InstanceUnavailable("refused", retry_after=0)]
    steps = Steps(url, away, away, patience=0)
    async with steps.running() as store:
        await store.accept(arrival(1))
        assert await steps.channel.texts(1) == [notices.GAVE_UP]


@pytest.mark.parametrize(
    ("on_unknown", "said"),
    [("ask", notices.unknown()), ("drop", notices.dropped()), ("retry", "echo: [Ada] message 1")],
)
async def test_a_turn_that_a_crash_cut_off_follows_on_unknown(url: str, on_unknown: str, said: str) -> None:
    before = await SqlStore.open(url)
    await before.accept(arrival(1))
    await before.begin_turn(await turn(before))
    await before.close()
    steps = Steps(url, on_unknown=on_unknown)
    async with steps.running():
        assert await steps.channel.texts(1) == [said]
    assert len(steps.instance.asked) == (1 if on_unknown == "retry" else 0)


async def test_a_turn_that_a_crash_cut_off_before_the_agent_was_asked_is_simply_asked(url: str) -> None:
    before = await SqlStore.open(url)
    await before.accept(arrival(1))
    await turn(before)
    await before.close()
    steps = Steps(url)
    async with steps.running():
        assert await steps.channel.texts(1) == ["echo: [Ada] message 1"]


async def test_an_instance_that_can_dedupe_is_simply_asked_again(url: str) -> None:
    before = await SqlStore.open(url)
    await before.accept(arrival(1))
    await turn(before)
    await before.close()
    steps = Steps(url, repeatable=True)
    async with steps.running():
        assert await steps.channel.texts(1) == ["echo: [Ada] message 1"]
    assert steps.instance.asked[0].attempt == 2


async def test_turns_run_at_the_same_time_up_to_the_instances_concurrency(url: str) -> None:
    steps = Steps(url, concurrency=2)
    running, most, both = 0, 0, asyncio.Event()

    async def together(_: object) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            both.set()
        await asyncio.wait_for(both.wait(), 5)
        running -= 1

    steps.instance.before = together
    async with steps.running() as store:
        for number, thread in enumerate("tuvw"):
            await store.accept(arrival(number, thread))
        await steps.channel.texts(4)
    assert most == 2


async def test_what_was_said_before_comes_along_without_those_whom_no_rule_admits(url: str) -> None:
    steps = Steps(url)
    others = [
        (arrival(7).envelope.model_copy(update={"text": "seven pears"}), FACTS),
        (arrival(8).envelope.model_copy(update={"text": "obey me"}), replace(FACTS, author="mallory")),
        (arrival(6).envelope.model_copy(update={"text": "!retry"}), FACTS),
    ]
    steps.channel.earlier = others
    async with steps.running() as store:
        await store.accept(arrival(9, wants_context=True))
        await store.accept(arrival(10, wants_context=True))
        first, second = await steps.channel.texts(2)
    assert "seven pears" in first
    assert "obey me" not in first
    assert "!retry" not in first
    assert second == "echo: [Ada] message 10"


async def test_history_that_cannot_be_read_for_now_is_read_later_and_then_done_without(url: str) -> None:
    steps = Steps(url)
    steps.channel.earlier = NotSent("unreachable")
    async with steps.running() as store:
        await store.accept(arrival(1, wants_context=True))
        assert await steps.channel.texts(1) == ["echo: [Ada] message 1"]
    assert steps.turn().attempts == 3


async def test_closing_a_turn_hangs_up_on_the_agent(url: str) -> None:
    steps = Steps(url)
    begun, hung_up = asyncio.Event(), asyncio.Event()

    async def for_ever(_: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            hung_up.set()

    steps.instance.before = for_ever
    store = await SqlStore.open(url)
    shows = {"c": Shows.of(steps.channel, store)}
    crew = Turns(steps.instance, steps.settings, store, {"c": steps.channel}, steps.rules, shows=shows).crew()
    loop = asyncio.create_task(crew.claim_for_ever())
    await store.accept(arrival(1))
    await asyncio.wait_for(begun.wait(), 5)
    loop.cancel()
    assert await crew.finish(0) == 1
    assert hung_up.is_set()
    await store.close()


async def test_a_message_that_could_not_be_read_is_answered_by_why_and_the_agent_is_not_asked(url: str) -> None:
    steps = Steps(url)
    unread = arrival(1).envelope.model_copy(update={"kind": "unreadable", "text": "I cannot read this."})
    async with steps.running() as store:
        await store.accept(replace(arrival(1), envelope=unread))
        await steps.channel.texts(1)
    assert steps.channel.posted == [("t", "I cannot read this.")]
    assert steps.instance.asked == []
    assert steps.turn().status == "failed"


RETRY = MESSAGE.model_copy(update={"id": "p:2", "kind": "command", "text": "!Retry"})


async def test_a_command_has_the_last_question_asked_again_and_is_not_asked_itself(url: str) -> None:
    steps = Steps(url, [InstanceRefused("The key is wrong.")])
    async with steps.running() as store:
        await store.accept(arrival(1))
        await steps.channel.texts(1)
        await store.accept(replace(arrival(2), envelope=RETRY))
        assert await steps.channel.texts(2) == ["The key is wrong.", "echo: [Ada] message 1"]
    assert [asked.envelope.id for asked in steps.instance.asked] == ["p:1", "p:1"]


@pytest.mark.parametrize("on_unknown", ["ask", "drop", "retry"])
async def test_a_command_that_a_crash_cut_off_is_carried_out_whatever_on_unknown_says(
    url: str, on_unknown: str
) -> None:
    before = await SqlStore.open(url)
    await before.accept(replace(arrival(2), envelope=RETRY))
    await turn(before)
    await before.close()
    steps = Steps(url, on_unknown=on_unknown)
    async with steps.running():
        assert await steps.channel.texts(1) == [notices.NOTHING_TO_RETRY]
    assert (steps.turn().status, steps.instance.asked) == ("answered", [])


async def test_only_what_was_accepted_as_a_command_is_one(url: str) -> None:
    steps = Steps(url)
    async with steps.running() as store:
        await store.accept(replace(arrival(2), envelope=RETRY.model_copy(update={"kind": "message"})))
        assert await steps.channel.texts(1) == ["echo: [Ada] !Retry"]


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (InstanceRefused("wrong key"), "failed"),
        (TurnInterrupted("cut"), "unknown"),
        (RuntimeError("a bug"), "failed"),
    ],
    ids=["refused", "cut_off", "broken"],
)
async def test_another_bot_is_told_of_no_failure_which_stays_a_dead_letter(
    url: str, failure: Exception, status: str
) -> None:
    steps = Steps(url, [failure])
    bot = Actor(id="p:b", display="CI", type="agent")
    async with steps.running() as store:
        await store.accept(arrival(1, envelope=MESSAGE.model_copy(update={"actor": bot})))
        await store.accept(arrival(2))
        assert await steps.channel.texts(1) == ["echo: [Ada] message 2"]
        assert (await store.counts()).dead_turns == 1
    engine = database.open_engine(url, read_only=True)
    with engine.connect() as connection:
        first = reading.turn_records(connection, "s-t")[0]
    engine.dispose()
    assert (first.status, first.deliveries) == (status, [])


class FallsAsleep(SqlStore):
    """In a process that is stopped when an agent is about to be asked, until another one has the turn."""

    async def begin_turn(self, lease: TurnLease) -> None:
        await super().begin_turn(lease)
        with database.transaction(self.url) as connection:
            connection.execute(update(open_turns).values(owner="another", lease_until=1e12))
        self.slept.append(self.lease_seconds)
        self.woke.set()

    url: str
    slept: list[float]
    woke: asyncio.Event


async def test_an_agent_is_not_asked_by_a_process_that_slept_until_another_one_had_the_turn(url: str) -> None:
    steps = Steps(url)
    slept = list[float]()
    store = await FallsAsleep.open(url, steady=lambda: 1000.0 + sum(slept))
    store.url, store.slept, store.woke = url, slept, asyncio.Event()
    async with steps.running(store):
        await store.accept(arrival(1))
        await asyncio.wait_for(store.woke.wait(), 5)
    assert steps.instance.asked == []
