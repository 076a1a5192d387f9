from datetime import UTC, datetime

import jsonschema
import pytest
from pydantic import ValidationError

from bridge.envelope import Actor, Conversation, Envelope, json_schema

SEED = {
    "id": "client:abc123",
    "source": "client",
    "kind": "message",
    "actor": {"id": "client:user-7", "display": "Ada", "type": "human"},
    "conversation": {"source": "client", "ref": "thread-42"},
    "text": "also check the CI config",
    "refs": {},
    "ts": "2026-06-18T12:00:00Z",
    "raw": {},
}


def test_the_documented_envelope_goes_in_and_comes_out_unchanged() -> None:
    assert Envelope.model_validate(SEED).model_dump(mode="json") == SEED


def test_the_documented_envelope_is_valid_under_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(SEED, json_schema())


@pytest.mark.parametrize("key", ["id", "source", "actor", "conversation", "text", "ts"])
def test_a_missing_field_is_refused_by_model_and_schema(key: str) -> None:
    without = {name: value for name, value in SEED.items() if name != key}
    with pytest.raises(ValidationError):
        Envelope.model_validate(without)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(without, json_schema())


def test_a_field_beyond_the_core_is_refused() -> None:
    with pytest.raises(ValidationError):
        Envelope.model_validate(SEED | {"channel": "C1"})


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError):
        Envelope.model_validate(SEED | {"ts": "2026-06-18T12:00:00"})


def test_kind_refs_and_raw_have_defaults() -> None:
    envelope = Envelope(
        id="a:1",
        source="a",
        actor=Actor(id="a:u", display="Ada", type="human"),
        conversation=Conversation(source="a", ref="t"),
        text="",
        ts=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert (envelope.kind, envelope.refs, envelope.raw) == ("message", {}, {})
