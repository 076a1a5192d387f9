"""What a rule asks of an instance: written and read again."""

import pytest
from pydantic import ValidationError

from bridge.route import AS_CONFIGURED, Route
from bridge.rules import Rule


@pytest.mark.parametrize(
    "route",
    [
        AS_CONFIGURED,
        Route("gpt-oss"),
        Route(extra={"temperature": 0.5}),
        Route(tell_room=True),
        Route("ü", {"tools": [{"type": "x"}], "n": None}),
    ],
)
def test_a_route_is_read_as_it_was_written(route: Route) -> None:
    assert Route.read(route.written()) == route


def test_nothing_is_written_where_nothing_is_asked() -> None:
    assert AS_CONFIGURED.written() is None


def test_what_another_version_wrote_in_another_way_asks_for_nothing() -> None:
    assert Route.read('["model"]') == AS_CONFIGURED
    with pytest.raises(ValueError, match="Expecting"):
        Route.read("{")


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"model": ""}, "must be the name of a model"),
        ({"model": "модель"}, "must be the name of a model"),
        ({"extra": {"model": "x"}}, "model cannot stand in extra"),
        ({"extra": {"stream": True, "input": "x"}}, "input, stream cannot stand in extra"),
        ({"extra": {"temperature": float("inf")}}, "a number that JSON has not"),
    ],
)
def test_a_rule_cannot_ask_for_what_cannot_be_sent(keys: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Rule.model_validate({"channel": "c", "instance": "main"} | keys)
