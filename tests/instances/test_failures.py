"""Every documented error, row by row."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InstanceError, InstanceRefused, InstanceUnavailable, TurnInterrupted
from bridge.instance import Ending
from bridge.instances.failures import FORGOTTEN, Stopped, failure, retry_after_seconds

JSON = "application/json"
FAILED = '{"id":"resp_0","object":"response","status":"failed","output":[],"error":{"code":"%s","message":"%s"}}'


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [  # as recorded from OpenClaw 2026.9.6
        (400, "invalid_request_error", "400 fake upstream 400"),
        (401, "authentication_error", "401 fake upstream 401"),
        (402, "api_error", "402 fake upstream 402"),
        (404, "invalid_request_error", "404 fake upstream 404"),
        (408, "api_error", "upstream provider timeout"),
        (429, "rate_limit_error", "429 fake upstream 429"),
        (500, "api_error", "internal error"),
        (502, "api_error", "upstream provider error"),
        (529, "api_error", "upstream provider overloaded"),
    ],
)
def test_a_failed_response_object_is_the_agents_failure_whatever_the_status(
    status: int, code: str, message: str
) -> None:
    assert failure(status, (FAILED % (code, message)).encode(), JSON, name="main") == Ending("failed", message)


ROWS = [
    (
        400,
        '{"error":{"message":"Invalid `model`. Use `openclaw`.","type":"invalid_request_error"}}',
        InstanceRefused,
        (
            "The gateway does not understand the request (Invalid `model`. Use `openclaw`): "
            "check model and extra of [instances.main], then `!retry` asks again."
        ),
    ),
    (
        400,
        '{"detail":"Bad request."}',
        InstanceRefused,
        "Chowder does not understand the request (Bad request): check model and extra of [instances.main], then `!retry` asks again.",
    ),
    (
        401,
        '{"detail": "Missing or invalid API key."}',
        InstanceRefused,
        "Chowder does not accept the key of [instances.main]: check api_key, then `!retry` asks again.",
    ),
    (
        401,
        '{"error":{"message":"Unauthorized","type":"unauthorized"}}',
        InstanceRefused,
        "The gateway does not accept the key of [instances.main]: check api_key, then `!retry` asks again.",
    ),
    (
        403,
        '{"detail": "Key lacks \'interact\' permission on this instance."}',
        InstanceRefused,
        (
            "Chowder does not let the key of [instances.main] write to this instance: "
            "give it the permission interact, or use another api_key, then `!retry` asks again."
        ),
    ),
    (
        404,
        '{"detail": "Instance not found."}',
        InstanceRefused,
        (
            "Chowder does not know the instance of [instances.main], or it belongs to another organisation: "
            "check instance_id and base_url, then `!retry` asks again."
        ),
    ),
    (
        422,
        (
            '{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"},'
            '{"type":"string_type","loc":["body","input"],"msg":"Input should be text","input":"hello secret"}]}'
        ),
        InstanceRefused,
        (
            "Chowder does not understand the request (model: Field required; input: Input should be text): "
            "check model and extra of [instances.main], then `!retry` asks again."
        ),
    ),
    (413, "too big", InstanceRefused, "The message is too long for main: write a shorter one."),
    (
        307,
        "",
        InstanceRefused,
        "The server points elsewhere (HTTP 307): check base_url of [instances.main], then `!retry` asks again.",
    ),
    (
        418,
        "",
        InstanceRefused,
        "The server refuses the request (HTTP 418): check [instances.main], then `!retry` asks again.",
    ),
    (409, '{"detail":"Instance is not running (status: stopped)."}', Stopped, "main is stopped (409)."),
    (
        409,
        '{"detail":"Instance is not running (status: provisioning)."}',
        InstanceUnavailable,
        "main is starting (409).",
    ),
    (409, '{"detail":"Conflict"}', InstanceUnavailable, "main is not running (409)."),
    (
        409,
        '{"detail":"Instance is not running (status: terminated)."}',
        InstanceRefused,
        "main was terminated: write another instance_id under [instances.main].",
    ),
    (429, '{"detail":"Slow down."}', InstanceUnavailable, "main takes no more requests for the moment (429)."),
    (
        502,
        '{"detail":{"error":"Gateway unavailable – connection refused"}}',
        InstanceUnavailable,
        "Chowder cannot reach main (502).",
    ),
    (
        503,
        '{"error":{"message":"Gateway is temporarily unavailable","code":"gateway_unavailable"}}',
        InstanceUnavailable,
        "main takes no requests for the moment (503).",
    ),
    (408, "", TurnInterrupted, "main took too long (408); whether it worked on the message is unknown."),
    (
        500,
        '{"detail":"Internal server error"}',
        TurnInterrupted,
        "main failed with HTTP 500; whether it worked on the message is unknown.",
    ),
    (
        502,
        "<html>Bad Gateway</html>",
        TurnInterrupted,
        "main failed with HTTP 502; whether it worked on the message is unknown.",
    ),
    (504, "", TurnInterrupted, "main failed with HTTP 504; whether it worked on the message is unknown."),
]


@pytest.mark.parametrize(("status", "body", "kind", "sentence"), ROWS)
def test_every_documented_error_has_its_reaction_and_sentence(
    status: int, body: str, kind: type[InstanceError], sentence: str
) -> None:
    error = failure(status, body.encode(), JSON, name="main")
    assert (type(error), str(error)) == (kind, sentence)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("stopped", "is stopped"),
        ("provisioning", "is starting"),
        ("error", "is in an error state, which its owner has to repair"),
        ("hibernating", "is not running"),
    ],
)
def test_an_instance_that_does_not_run_is_asked_again_and_the_thread_is_told(status: str, state: str) -> None:
    body = json.dumps({"detail": f"Instance is not running (status: {status})."}).encode()
    error = failure(409, body, JSON, name="main")
    assert isinstance(error, InstanceUnavailable)
    assert error.notice == f"main {state}; your message waits and is answered when it runs."
    assert error.retry_after == 5.0


def test_an_unreachable_sandbox_is_told_in_the_thread() -> None:
    error = failure(502, b'{"detail":{"error":"Gateway unavailable"}}', JSON, name="main")
    assert isinstance(error, InstanceUnavailable)
    assert error.notice == "main cannot be reached at the moment; your message waits and is answered when it is back."


@pytest.mark.parametrize("status", [409, 429, 502, 503])
def test_the_servers_retry_after_is_honoured(status: int) -> None:
    error = failure(status, b'{"detail":{"error":"Gateway unavailable"}}', JSON, name="main", retry_after=17.0)
    assert isinstance(error, InstanceUnavailable)
    assert error.retry_after == 17.0


@pytest.mark.parametrize("withheld", ["chd_org_secret", 'my "private"\nmessage'])
def test_a_servers_words_are_left_out_if_they_hold_the_key_or_the_message(withheld: str) -> None:
    body = json.dumps({"detail": f"cannot use {withheld}"}).encode()
    assert str(failure(400, body, JSON, name="main", withheld=("chd_org_secret", 'my "private"\nmessage'))) == (
        "Chowder does not understand the request: check model and extra of [instances.main], then `!retry` asks again."
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("1", 1.0),
        ("2.5", 2.5),
        ("0", None),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("999999", 3600.0),
        ("Sat, 21 Nov 2026 19:12:49 GMT", 9.0),
        ("Sat, 21 Nov 2026 19:12:00 GMT", None),
        ("soon", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, datetime(2026, 11, 21, 19, 12, 40, tzinfo=UTC)) == seconds


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["detail", "error", "msg", "loc"]) | st.text(), inner)
    ),
)


@given(st.integers(100, 999), st.binary() | json_values.map(lambda value: json.dumps(value).encode()), st.text())
def test_any_answer_is_one_reaction(status: int, body: bytes, content_type: str) -> None:
    assert isinstance(failure(status, body, content_type, name="main"), InstanceError | Ending)


@pytest.mark.parametrize(
    ("error", "continued", "forgotten"),
    [
        ({"code": "previous_response_not_found", "message": "x"}, True, True),
        ({"param": "previous_response_id", "message": "x"}, True, True),
        ({"code": "previous_response_not_found", "message": "x"}, False, False),
        ({"message": "x"}, True, False),
    ],
)
def test_a_conversation_that_is_forgotten_begins_anew(error: dict[str, str], continued: bool, forgotten: bool) -> None:
    said = failure(400, json.dumps({"error": error}).encode(), JSON, name="main", continued=continued)
    assert (said == Ending("failed", FORGOTTEN, continuation="")) is forgotten


def test_a_conflict_that_a_gateway_tells_of_is_no_stopped_instance() -> None:
    said = failure(409, b'{"error":{"message":"busy"}}', JSON, name="main")
    assert (type(said), str(said)) == (
        InstanceRefused,
        "The gateway refuses the request (HTTP 409) (busy): check [instances.main], then `!retry` asks again.",
    )
