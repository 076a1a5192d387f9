"""`threadbridge trace` as a person types it, and the stages of a turn."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.channel import MessageRef
from bridge.cli.trace import Stage, stages
from bridge.envelope import Conversation
from bridge.feedback import Vote
from bridge.store.protocol import Arrival, TurnResult
from bridge.store.records import DeliveryRecord, TurnRecord
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, result
from bridge.trace import trace_id
from tests.cli.typed import configured, typed

ENVELOPE = "slack:T1:C1:1800000000.000100"
ASKED = "https://acme.slack.com/archives/C1/p1800000000000100"
ANSWERED = "https://acme.slack.com/archives/C1/p1800000009000200?thread_ts=1800000000.000100&cid=C1"


def message(envelope: str = ENVELOPE, thread: str = "t", **changes: Any) -> Arrival:
    made = arrival(1, thread, channel="slack", **changes)
    written = datetime.fromtimestamp(1_800_000_000.0001, UTC)
    place = Conversation(source="slack", ref=f"T1/C1/1800000000.000100{'' if thread == 't' else thread}")
    update = {"id": envelope, "ts": written, "conversation": place}
    return replace(made, envelope=made.envelope.model_copy(update=update))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """One message with two parts of an answer, of which the second waits, and another message of the session."""
    clock = Clock()
    opened = await SqlStore.open(configured(tmp_path), clock=clock, steady=clock)
    clock.now += 0.012
    await opened.accept(message())
    clock.now += 0.5
    (turn,) = await opened.lease_turns("main", 1)
    clock.now += 2
    await opened.finish_turn(turn, result("one", "two"))
    (posted,) = await opened.lease_deliveries("slack", 1)
    clock.now += 0.25
    await opened.delivered(posted, MessageRef("C1/1800000009.000200"))
    (waiting,) = await opened.lease_deliveries("slack", 1)
    await opened.retry_delivery(waiting, 60, "unreachable", in_doubt=False)
    clock.now += 60
    await opened.accept(message("slack:T1:C1:1800000060.000100"))
    yield opened
    await opened.close()


def traced(folder: Path, what: str) -> dict[str, Any]:
    done = typed(folder, "trace", what, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def delivery_ids(found: dict[str, Any]) -> list[str]:
    return [one["id"] for one in found["turns"][0]["deliveries"]]


@pytest.mark.usefixtures("store")
async def test_every_stage_has_its_time_and_how_long_after_the_first(tmp_path: Path) -> None:
    found = traced(tmp_path, ENVELOPE)
    first, second = delivery_ids(found)
    assert {key: found[key] for key in ("trace", "envelope", "by", "conversation")} == {
        "trace": trace_id(ENVELOPE), "envelope": ENVELOPE, "by": "p:u", "conversation": "T1/C1/1800000000.000100",
    }  # fmt: skip
    (turn,) = found["turns"]
    assert {key: turn[key] for key in ("id", "session", "channel", "instance", "status", "attempts", "error")} == {
        "id": "t1", "session": "s-t", "channel": "slack", "instance": "main", "status": "answered", "attempts": 1,
        "error": None,
    }  # fmt: skip
    told = [(one["stage"], one["at"], one["after_ms"], one["delivery"]) for one in turn["stages"]]
    assert told == [
        ("written", "2027-01-15T08:00:00.000Z", 0, None),
        ("accepted", "2027-01-15T08:00:00.012Z", 12, None),
        ("started", "2027-01-15T08:00:00.512Z", 512, None),
        ("ended", "2027-01-15T08:00:02.512Z", 2512, None),
        ("created", "2027-01-15T08:00:02.512Z", 2512, first),
        ("created", "2027-01-15T08:00:02.512Z", 2512, second),
        ("posted", "2027-01-15T08:00:02.762Z", 2762, first),
    ]
    assert [(one["status"], one["attempts"], one["error"], one["message_ref"]) for one in turn["deliveries"]] == [
        ("delivered", 1, None, "C1/1800000009.000200"),
        ("pending", 1, "unreachable", None),
    ]


@pytest.mark.usefixtures("store")
async def test_it_reads_as_a_story_and_shows_nobodys_words(tmp_path: Path) -> None:
    first, second = delivery_ids(traced(tmp_path, ENVELOPE))
    printed = typed(tmp_path, "trace", ENVELOPE).stdout
    assert [" ".join(line.split()) for line in printed.splitlines()] == [
        f"trace {trace_id(ENVELOPE)}",
        f"message {ENVELOPE} by p:u in T1/C1/1800000000.000100",
        "t1 session s-t, channel slack, instance main: answered",
        "",
        "time (UTC) after stage",
        "2027-01-15T08:00:00.000Z 0 ms written",
        "2027-01-15T08:00:00.012Z 12 ms accepted",
        "2027-01-15T08:00:00.512Z 512 ms started attempt 1",
        "2027-01-15T08:00:02.512Z 2,512 ms ended answered, attempt 1",
        f"2027-01-15T08:00:02.512Z 2,512 ms created reply 1 {first}",
        f"2027-01-15T08:00:02.512Z 2,512 ms created reply 2 {second}",
        f"2027-01-15T08:00:02.762Z 2,762 ms posted reply 1 {first}, as C1/1800000009.000200, attempt 1",
        f"{second} waits to be posted, tried 1 times: unreachable",
    ]


async def test_what_people_said_of_the_answer_is_told(store: SqlStore, tmp_path: Path) -> None:
    await store.vote(Vote(1, "bad", "slack:U7", "slack", MessageRef("C1/1800000009.000200")))
    (turn,) = traced(tmp_path, ENVELOPE)["turns"]
    assert turn["votes"] == [{"by": "slack:U7", "value": "bad", "at": "2027-01-15T08:01:02.762Z"}]
    assert " called bad by slack:U7 at 2027-01-15T08:01:02.762Z\n" in typed(tmp_path, "trace", ENVELOPE).stdout


@pytest.mark.usefixtures("store")
async def test_a_message_is_found_by_everything_that_names_it(tmp_path: Path) -> None:
    found = traced(tmp_path, ENVELOPE)
    for what in (ASKED, ANSWERED, "t1", *delivery_ids(found), trace_id(ENVELOPE), f" {ENVELOPE} "):
        assert traced(tmp_path, what) == found, what


@pytest.mark.usefixtures("store")
async def test_a_session_stands_for_its_newest_turn(tmp_path: Path) -> None:
    found = traced(tmp_path, "s-t")
    assert (found["envelope"], found["turns"][0]["id"]) == ("slack:T1:C1:1800000060.000100", "t2")
    assert [one["stage"] for one in found["turns"][0]["stages"]] == ["written", "accepted"]


async def test_a_message_that_two_sessions_have_is_shown_in_both(tmp_path: Path, store: SqlStore) -> None:
    await store.accept(message(thread="u"))
    assert [turn["session"] for turn in traced(tmp_path, ASKED)["turns"]] == ["s-t", "s-u"]
    assert [turn["session"] for turn in traced(tmp_path, "t1")["turns"]] == ["s-t"]


async def test_a_dead_letter_says_when_and_why(tmp_path: Path, store: SqlStore) -> None:
    (turn,) = await store.lease_turns("main", 1)
    await store.finish_turn(turn, TurnResult("failed", result("sorry").deliveries, error="it broke"))
    for why in ("too late", "the thread is locked"):
        (lease,) = await store.lease_deliveries("slack", 1)
        await store.bury(lease, why)
    told = {one["stage"]: (one["status"], one["error"]) for one in traced(tmp_path, "t2")["turns"][0]["stages"]}
    assert (told["ended"], told["died"]) == (("failed", "it broke"), ("dead_letter", "the thread is locked"))


@pytest.mark.usefixtures("store")
async def test_what_is_not_there_is_said_with_what_was_looked_for(tmp_path: Path) -> None:
    for what, said in {
        "https://acme.slack.com/archives/C9/p1800000000000100": (
            'the store has neither a message whose id ends with ":C9:1800000000.000100" nor an answer '
            '"C9/1800000000.000100": no rule let it in, or the bridge did not hear it'
        ),
        "https://example.com/1": 'no channel of the configuration (slack) knows "https://example.com/1": copy the link of one message',
        "t99": 'the store has no message, delivery, turn, trace or session "t99"',
        "0" * 32: f'the store has no message, delivery, turn, trace or session "{"0" * 32}"',
    }.items():
        done = typed(tmp_path, "trace", what)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"threadbridge: {said}\n")


async def test_a_message_that_this_version_cannot_read_still_has_its_stages(tmp_path: Path, store: SqlStore) -> None:
    (turn,) = await store.lease_turns("main", 1)
    unreadable = turn.envelope.model_copy(update={"ts": "soon"})
    with pytest.warns(UserWarning, match="serializ"):
        await store.finish_turn(turn, TurnResult("answered", envelope=unreadable))
    found = traced(tmp_path, "t2")
    assert (found["envelope"], found["by"]) == ("slack:T1:C1:1800000060.000100", "unknown")
    assert [one["stage"] for one in found["turns"][0]["stages"]] == ["written", "accepted", "started", "ended"]


def test_stages_are_in_the_order_of_time_whatever_ran_again() -> None:
    def delivery(name: str, run: int, created: float, posted: float | None, died: float | None) -> DeliveryRecord:
        return DeliveryRecord(
            id=name, kind="notice", part=0, status="", attempts=1, message_ref=None, error=None, created_at=created,
            delivered_at=posted, dead_at=died, in_doubt=False, run=run, payload={},
        )  # fmt: skip

    turn = TurnRecord(
        seq=1, session="s", channel="c", instance="main", envelope=message().envelope, status="answered", attempts=2,
        accepted_at=1.0, started_at=20.0, finished_at=21.0, error=None, replies=(), usage=None,
        deliveries=[delivery("d1", 1, 5.0, None, 6.0), delivery("d2", 0, 21.0, 22.0, None)],
    )  # fmt: skip
    told = stages(turn)
    assert [(one.stage, one.delivery) for one in told] == [
        ("written", None), ("accepted", None), ("created", "d1"), ("died", "d1"), ("started", None),
        ("ended", None), ("created", "d2"), ("posted", "d2"),
    ]  # fmt: skip
    assert told[4] == Stage("started", 20.0, attempts=2)
