"""The events of a durable session, read leniently; whatever comes, nothing breaks and nothing is told twice."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.instance import Activity, Ending, Progress
from bridge.instances.opencomputer_events import Done, Event, Place, Transcript, event, message_id, place


def one(seq: int, kind: str, body: object = None, level: str = "internal", **fields: Any) -> Event:
    read = event({"id": f"evt_{seq}", "seq": seq, "type": kind, "level": level, "body": body, **fields})
    assert read is not None
    return read


def started(seq: int, first: int, last: int, turn: str = "trn_1") -> Event:
    return one(seq, "turn.started", {"turn_id": turn, "input_from_seq": first, "input_to_seq": last})


def said(seq: int, text: str, **fields: Any) -> Event:
    return one(seq, "agent.message", {"text": text}, "user", actor={"id": "agent", "type": "agent"}, **fields)


def completed(seq: int, turn: str = "trn_1", reason: str = "completed", **body: Any) -> Event:
    return one(seq, "turn.completed", {"turn_id": turn, "yield_reason": reason, **body}, "user")


def told(transcript: Transcript, *events: Event) -> list[object]:
    return [step for step in map(transcript.feed, events) if step is not None]


def test_the_turn_whose_range_holds_the_message_ends_it() -> None:
    transcript = Transcript(4, 7)
    steps = told(
        transcript,
        started(5, 2, 4, "trn_0"), completed(6, "trn_0"), started(8, 5, 7), started(9, 8, 9, "trn_2"),
        completed(10, "trn_2"), said(11, "hi"), completed(12, result_event_id="evt_11"),
    )  # fmt: skip
    assert steps == [Progress("hi"), Done(Ending("completed"), 12, "evt_11")]


def test_a_turn_whose_range_is_not_known_is_none_of_ours() -> None:
    assert told(Transcript(0, 7), one(1, "turn.started", {"turn_id": "trn_1"}), completed(2)) == []
    assert told(Transcript(0, 7), one(1, "turn.completed", {}), one(2, "turn.completed")) == []


def test_what_was_fed_before_adds_nothing() -> None:
    transcript = Transcript(0, None)
    events = [started(1, 1, 1), said(2, "hi"), completed(3)]
    assert len(told(transcript, *events[:2], *events)) == 2
    assert [message.text for message in transcript.messages] == ["hi"]


@pytest.mark.parametrize("key", ["yield_reason", "outcome"])
def test_the_reason_has_either_name(key: str) -> None:
    end = one(2, "turn.completed", {"turn_id": "trn_1", key: "max_turns"})
    assert told(Transcript(0, None), started(1, 1, 1), end) == [Done(Ending("incomplete", "max_turns"), 2, None)]


@pytest.mark.parametrize(
    ("events", "detail"),
    [
        ([completed(3, reason="error", error={"code": "x", "message": "no credit"})], "no credit"),
        ([one(2, "error.model", {"code": "overloaded", "message": "busy"}), completed(3, reason="error")], "busy"),
        ([one(2, "error.task", {"code": "bad_task"}), completed(3, reason="error")], "bad_task"),
        ([completed(3, reason="error")], None),
    ],
)
def test_a_failure_is_told_in_the_agents_words(events: list[Event], detail: str | None) -> None:
    assert told(Transcript(0, None), started(1, 1, 1), *events) == [Done(Ending("failed", detail), 3, None)]


@pytest.mark.parametrize(
    ("event", "step"),
    [
        (said(1, "hi"), Progress("hi")),
        (said(1, "  "), None),
        (one(1, "agent.message", {"text": "hi"}, "internal"), None),
        (one(1, "agent.message", {"text": "step"}, "progress"), Activity("step")),
        (one(1, "user.message", {"text": "hi"}, "user"), None),
        (one(1, "agent.message", {"text": "hi"}, "user"), Progress("hi")),
        (one(1, "github.pr.comment", {"summary": "hi"}, "user"), None),
        (one(1, "step", {"summary": "running  tests"}, "progress"), Activity("running tests")),
        (one(1, "step", {"text": "<!channel> *x* " + "y" * 99}, "progress"), Activity("channel x " + "y" * 50)),
        (one(1, "step", {"text": "<>"}, "progress"), None),
        (one(1, "tool.call", {"tool": "x"}, "internal"), None),
        (one(1, "new.thing", None, "new level"), None),
    ],
)  # fmt: skip
def test_a_level_says_whom_an_event_is_for(event: Event, step: object) -> None:
    assert Transcript(0, 1).feed(event) == step


@pytest.mark.parametrize(
    "body", [{"text": "x", "raw": {"threadbridge": "m1"}}, {"id": "m1", "text": "x"}, {"id": "m1", "raw": None}]
)
def test_a_message_of_ours_is_known_again(body: object) -> None:
    assert message_id(one(1, "user.message", body, "user")) == "m1"


@pytest.mark.parametrize(
    ("content", "text"),
    [(b'{"text":"all of it"}', "all of it"), (b"all of it", "all of it"), (b'{"a":1}', '{"a":1}'), (b"\xff", "�")],
)
def test_a_large_body_is_what_was_fetched(content: bytes, text: str) -> None:
    cut = said(1, "all", content_ref="blob_1")
    assert cut.offloaded
    assert (cut.whole(content).text, cut.whole(content).offloaded) == (text, False)


def test_a_time_is_read_with_its_zone_or_not_at_all() -> None:
    assert said(1, "x", ts="2026-06-18T12:00:00Z").at == datetime(2026, 6, 18, 12, tzinfo=UTC)
    assert [said(1, "x", ts=ts).at for ts in ("2026-06-18T12:00:00", "now", None, 5)] == [None] * 4


@pytest.mark.parametrize(
    "value",
    [None, [], "x", {}, {"id": "e", "type": "t"}, {"id": "e", "type": "t", "seq": "1"}, {"seq": 1, "type": "t"}],
)
def test_what_is_no_event_is_none(value: object) -> None:
    assert event(value) is None


@pytest.mark.parametrize("text", [None, "", "resp_1", "[]", "null", '{"id":"s"}', '{"id":"","seq":1}', "{" * 9999])
def test_what_another_instance_left_is_no_place(text: str | None) -> None:
    assert place(text) is None


@given(st.text(min_size=1), st.integers(min_value=0))
def test_a_place_survives_the_store(session: str, seq: int) -> None:
    assert place(Place(session, seq).written()) == Place(session, seq)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.lists(st.tuples(st.sampled_from(["turn.started", "turn.completed", "agent.message", "error.x"]), _JSON)))
def test_nothing_that_is_sent_breaks_a_transcript(sent: list[tuple[str, object]]) -> None:
    transcript = Transcript(0, None)
    for seq, (kind, body) in enumerate(sent, 1):
        transcript.feed(one(seq, kind, body, "user"))


def test_what_is_kept_of_an_event_can_be_stored() -> None:
    value = json.loads('{"id":"e","seq":1,"type":"agent.message","level":"user","body":{"text":"a\\ud83d\\u0000"}}')
    read = event(value)
    assert read is not None
    json.dumps(read.raw, ensure_ascii=False).encode()
    assert "\ud83d" not in read.text
