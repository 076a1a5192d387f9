"""Response objects and event streams, as recorded and worse."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.envelope import Actor, Conversation, Envelope
from bridge.instance import Ending, Progress, Usage
from bridge.instances.openresponses import Answer, Transcript, answer, ending, load, reply

SAID: dict[str, Any] = {
    "id": "resp_da3b155b",
    "object": "response",
    "created_at": 1795288357,
    "status": "completed",
    "model": "openclaw",
    "output": [
        {
            "type": "message",
            "id": "msg_1e157579",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "ECHO[hello] users=1"}],
            "phase": "final_answer",
            "status": "completed",
        }
    ],
    "usage": {"input_tokens": 22, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 3, "total_tokens": 25},
}


def with_output(*output: object, **fields: object) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": "completed", "output": list(output), **fields}


def said(*texts: object) -> dict[str, object]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": one} for one in texts]}


def test_a_recorded_response_is_read_whole() -> None:
    assert answer(SAID) == Answer(
        id="resp_da3b155b",
        text="ECHO[hello] users=1",
        outcome="completed",
        detail=None,
        usage=Usage(22, 3, 25),
        raw=SAID,
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (with_output(said("Hello, ", "world")), "Hello, world"),
        (with_output(said("Look:"), {"type": "function_call"}, said("A README.")), "Look:\n\nA README."),
        (with_output(said("Hello, "), said("world")), "Hello, world"),
        (with_output({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]}, said("yes")), "yes"),
        (with_output({"type": "acme:widget", "text": "no"}, said("yes")), "yes"),
        (with_output({"type": "message", "content": [{"type": "refusal", "refusal": "I will not."}]}), "I will not."),
        (with_output({"type": "message", "content": "a plain string"}), "a plain string"),
        (with_output({"type": "message", "content": ["plain", " strings"]}), "plain strings"),
        (with_output({"role": "assistant", "content": [{"text": "no types"}]}), "no types"),
        (with_output({"type": "output_text", "text": "no message around it"}), "no message around it"),
        (with_output({"type": "message", "role": "user", "content": "not the agent's"}, said("yes")), "yes"),
        (with_output({"type": "message", "content": [{"type": "output_image", "url": "x"}]}), ""),
        (with_output(said("half", None)), "half"),
        (with_output(said("No response from OpenClaw.")), ""),
        (with_output(said("No response from OpenClaw."), status="incomplete"), "No response from OpenClaw."),
        (with_output(), ""),
        ({"object": "response", "output": None}, ""),
        ({"output": [said("nothing but output")]}, "nothing but output"),
        ({"id": "r", "output_text": "the convenience field"}, "the convenience field"),
        (with_output(said("nul \0 and \ud83d\ude00 and \ud83d")), "nul \ufffd and 😀 and \ufffd"),
    ],
)  # fmt: skip
def test_the_text_is_all_that_the_agent_wrote(body: object, text: str) -> None:
    read = answer(body)
    assert read is not None
    assert read.text == text


@pytest.mark.parametrize(
    "body",
    [
        None, 1, "text", [], {}, {"status": "completed"}, {"output": "text"}, {"output": {}},
        {"object": "response", "output": 7}, {"error": {"message": "no"}}, {"detail": "no"}, {"id": "x"},
        with_output(said(5)), with_output({"type": "message", "content": [None]}),
    ],
)  # fmt: skip
def test_what_is_no_response_is_no_answer(body: object) -> None:
    assert answer(body) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"1" * 5000])
def test_what_is_no_json_is_nothing(body: bytes) -> None:
    assert load(body) is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "completed"}, ("completed", None)),
        ({"status": None}, ("completed", None)),
        ({"status": "something new"}, ("completed", None)),
        ({"status": "incomplete", "incomplete_details": {"reason": "length"}}, ("incomplete", "length")),
        ({"status": "incomplete"}, ("incomplete", None)),
        ({"status": "cancelled"}, ("incomplete", "cancelled")),
        ({"status": "in_progress"}, ("incomplete", "in_progress")),
        ({"status": "failed", "error": {"code": "x", "message": "internal error"}}, ("failed", "internal error")),
        ({"status": "failed", "error": {"code": "api_error"}}, ("failed", "api_error")),
        ({"status": "failed", "error": "broken"}, ("failed", "broken")),
        ({"status": "failed"}, ("failed", None)),
        ({"status": None, "error": {"message": "broken"}}, ("failed", "broken")),
    ],
)  # fmt: skip
def test_the_status_becomes_an_outcome(fields: dict[str, object], expected: tuple[str, str | None]) -> None:
    read = answer(with_output(**fields))
    assert read is not None
    assert (read.outcome, read.detail) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 42, "output_tokens": 38, "total_tokens": 80}, Usage(42, 38, 80)),
        ({"input_tokens": 42, "output_tokens": 38}, Usage(42, 38, 80)),
        ({"total_tokens": 80}, Usage(0, 0, 80)),
        ({"input_tokens": "42", "output_tokens": True, "total_tokens": -1}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
def test_usage_is_what_can_be_read_of_it(usage: object, expected: Usage | None) -> None:
    read = answer(with_output(usage=usage))
    assert read is not None
    assert read.usage == expected


ACTOR = Actor(id="chowder:inst-1", display="main", type="agent")
WHERE = Conversation(source="slack", ref="T1/C1/17.5")
NOW = datetime(2026, 11, 21, 19, 12, 39, tzinfo=UTC)


def test_a_reply_is_an_envelope_with_the_response_as_raw() -> None:
    read = answer(SAID)
    assert read is not None
    assert reply(read, source="chowder", actor=ACTOR, conversation=WHERE, now=NOW) == Envelope(
        id="resp_da3b155b", source="chowder", kind="message", actor=ACTOR, conversation=WHERE,
        text="ECHO[hello] users=1", ts=NOW, raw=SAID,
    )  # fmt: skip


def test_a_blank_answer_has_no_reply() -> None:
    read = answer(with_output(said(" \n")))
    assert read is not None
    assert reply(read, source="chowder", actor=ACTOR, conversation=WHERE, now=NOW) is None


def test_replies_without_an_id_get_different_ones() -> None:
    read = answer({"output": [said("hi")]})
    assert read is not None
    replies = [reply(read, source="chowder", actor=ACTOR, conversation=WHERE, now=NOW) for _ in range(2)]
    assert replies[0] is not None
    assert replies[1] is not None
    assert replies[0].id != replies[1].id


@pytest.mark.parametrize(
    ("body", "continuation"),
    [
        (with_output(said("x")), "resp_1"),
        (with_output(said("x"), id=None), "resp_0"),
        (with_output(status="failed"), "resp_0"),
        (with_output(status="incomplete"), "resp_1"),
    ],
)
def test_the_continuation_is_the_last_response_that_can_be_continued(body: object, continuation: str) -> None:
    read = answer(body)
    assert read is not None
    assert ending(read, "resp_0") == Ending(read.outcome, None, continuation, None)


def feed(*events: tuple[str, object]) -> list[Progress | Answer]:
    transcript = Transcript()
    steps = [transcript.feed(kind, data if isinstance(data, str) else json.dumps(data)) for kind, data in events]
    return [step for step in steps if step is not None]


def delta(text: object, item: int = 0, part: int = 0) -> tuple[str, object]:
    kind = "response.output_text.delta"
    return kind, {"type": kind, "item_id": "msg", "output_index": item, "content_index": part, "delta": text}


def done(text: str) -> tuple[str, object]:
    kind = "response.output_text.done"
    return kind, {"type": kind, "item_id": "msg", "output_index": 0, "content_index": 0, "text": text}


def last(kind: str, response: object) -> tuple[str, object]:
    return f"response.{kind}", {"type": f"response.{kind}", "response": response}


CREATED = last("created", {"id": "resp_1", "object": "response", "status": "in_progress", "output": []})


def test_a_recorded_stream_grows_and_ends() -> None:
    assert feed(
        CREATED,
        last("in_progress", {"id": "resp_1"}),
        ("response.output_item.added", {"type": "response.output_item.added", "item": {"type": "message"}}),
        ("response.content_part.added", {"type": "response.content_part.added", "part": {"text": ""}}),
        delta("ECHO[hello]"),
        delta(" users=1"),
        done("ECHO[hello] users=1"),
        ("response.content_part.done", {"type": "response.content_part.done"}),
        ("response.output_item.done", {"type": "response.output_item.done"}),
        last("completed", SAID),
    ) == [
        Progress("ECHO[hello]"),
        Progress("ECHO[hello] users=1"),
        Answer("resp_da3b155b", "ECHO[hello] users=1", "completed", None, Usage(22, 3, 25), SAID),
    ]


def test_the_final_text_is_the_response_objects_not_the_streams() -> None:
    steps = feed(delta("draft"), done("draft two"), last("completed", with_output(said("final"))))
    assert [step.text for step in steps] == ["draft", "draft two", "final"]


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([delta("a"), delta("b"), last("completed", {"id": "r"})], "ab"),
        ([delta("a"), done("ab"), last("completed", with_output())], "ab"),
        ([done("only done"), last("completed", None)], "only done"),
        ([delta("one"), delta("two", item=1), last("completed", None)], "one\n\ntwo"),
        ([delta("one"), delta("two", part=1), last("completed", None)], "onetwo"),
        ([done("text"), ("", "[DONE]")], "text"),
        ([("", {"type": "response.refusal.done", "refusal": "no"}), last("completed", None)], "no"),
        ([done("No response from OpenClaw."), last("completed", None)], ""),
        ([delta("\ud83d"), delta("\ude00"), last("completed", None)], "😀"),
        ([last("completed", None)], ""),
    ],
)
def test_without_output_the_answer_is_what_was_streamed(events: list[tuple[str, object]], text: str) -> None:
    step = feed(*events)[-1]
    assert isinstance(step, Answer)
    assert (step.text, step.outcome) == (text, "completed")


def test_half_a_character_is_not_shown() -> None:
    assert feed(delta("a\ud83d"), delta("\ude00")) == [Progress("a"), Progress("a😀")]


def test_the_word_for_an_empty_reply_is_not_shown_as_progress() -> None:
    assert feed(delta("No response"), delta(" from OpenClaw.")) == []


def test_a_stream_that_fails_after_some_text_keeps_the_text_and_the_reason() -> None:
    failed = {"id": "resp_2", "object": "response", "status": "failed", "output": [], "error": {"message": "timeout"}}
    assert feed(CREATED, delta("Let me"), last("failed", failed)) == [
        Progress("Let me"),
        Answer("resp_2", "Let me", "failed", "timeout", None, failed),
    ]


@pytest.mark.parametrize("kind", ["incomplete", "failed"])
def test_the_last_event_gives_the_status_if_its_response_has_none(kind: str) -> None:
    step = feed(delta("x"), last(kind, {}))[-1]
    assert isinstance(step, Answer)
    assert step.outcome == kind


@pytest.mark.parametrize(
    "error", [{"type": "error", "message": "overloaded"}, {"type": "error", "error": {"message": "overloaded"}}]
)
def test_an_error_event_is_the_agents_failure_when_the_stream_ends(error: object) -> None:
    transcript = Transcript()
    assert transcript.feed("error", json.dumps(error)) is None
    read = transcript.failed()
    assert read is not None
    assert (read.outcome, read.detail) == ("failed", "overloaded")


@pytest.mark.parametrize(
    "event",
    [
        ("response.reasoning.delta", {"type": "response.reasoning.delta", "delta": "hm"}),
        ("ping", {}),
        ("", "not json"),
        ("", "[]"),
        ("", "null"),
        delta(None),
        delta(5),
        delta(""),
        ("", "[DONE]"),
        ("", {"type": 7}),
        ("", {"type": ["response.completed"]}),
    ],
)
def test_unknown_events_and_rubbish_add_nothing(event: tuple[str, object]) -> None:
    assert feed(event) == []


def test_the_sse_event_name_counts_where_the_data_has_no_type() -> None:
    assert feed(("response.output_text.delta", {"delta": "hi"})) == [Progress("hi")]


surrogate_text = st.text(st.characters(exclude_categories=())) | st.text()
keys = st.sampled_from(
    ["id", "object", "status", "output", "output_text", "type", "role", "content", "text", "refusal", "usage", "error",
     "input_tokens", "delta", "response", "output_index", "incomplete_details", "reason"]
)  # fmt: skip
words = st.sampled_from(
    ["response", "completed", "failed", "message", "output_text", "assistant", "response.completed"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | surrogate_text | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | surrogate_text, inner, max_size=6),
)


@given(json_values)
def test_any_value_is_an_answer_that_can_be_stored_or_none(value: object) -> None:
    read = answer(value)
    if read is not None:
        json.dumps(read.raw, ensure_ascii=False).encode()
        envelope = reply(read, source="chowder", actor=ACTOR, conversation=WHERE, now=NOW)
        assert envelope is None or (envelope.text.encode() and "\0" not in envelope.text)


@given(st.lists(st.tuples(st.sampled_from(["", "error", "response.output_text.delta", "response.completed"]),
                          json_values.map(json.dumps) | st.text())))  # fmt: skip
def test_any_events_are_steps_whose_progress_grows(events: list[tuple[str, str]]) -> None:
    steps = feed(*events)
    lengths = [len(step.text) for step in steps if isinstance(step, Progress)]
    assert lengths == sorted(set(lengths))
