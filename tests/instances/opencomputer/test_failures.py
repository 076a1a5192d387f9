"""Every documented error of OpenComputer, row by row: what the thread is told, and whether it is asked again by itself."""

import json

import pytest

from bridge.errors import InstanceRefused, InstanceUnavailable
from bridge.instances.opencomputer_failures import failure


def body(message: str = "words", **more: str) -> bytes:
    return json.dumps({"error": {"type": "some_error", "message": message, "request_id": "req_1", **more}}).encode()


TOLD = InstanceRefused
ASKED_AGAIN = InstanceUnavailable
ROWS = [
    (400, body(), TOLD, "OpenComputer does not take the request (words): check agent of [instances.main], then `!retry` asks again."),
    (401, body(), TOLD, "OpenComputer does not accept the key of [instances.main]: check api_key, then `!retry` asks again."),
    (403, body(), TOLD, "OpenComputer does not let the key of [instances.main] do this (words): use another api_key, then `!retry` asks again."),
    (404, body(), TOLD, "OpenComputer does not know the agent or the session of [instances.main], or it belongs to another organisation: check agent, api_key and base_url, then `!retry` asks again."),
    (408, body(), ASKED_AGAIN, "main took too long (408)."),
    (409, body(), TOLD, "OpenComputer does not take the message into this session (words): it may be closed. Ask in a new thread, or open the session again at OpenComputer and write `!retry`."),
    (413, b"", TOLD, "The message is too long for main: write a shorter one."),
    (422, body("no_credential"), TOLD, "OpenComputer does not take the request (no_credential): check agent of [instances.main], then `!retry` asks again."),
    (429, body(), ASKED_AGAIN, "main takes no more requests for the moment (429)."),
    (307, b"", TOLD, "main points elsewhere (HTTP 307): check base_url of [instances.main], then `!retry` asks again."),
    (418, b"<html>", TOLD, "OpenComputer refuses the request (HTTP 418): check [instances.main], then `!retry` asks again."),
    (500, body(), ASKED_AGAIN, "main failed with HTTP 500."),
    (503, b"{", ASKED_AGAIN, "main failed with HTTP 503."),
]  # fmt: skip


@pytest.mark.parametrize(("status", "content", "kind", "sentence"), ROWS)
def test_an_error_is_one_sentence_and_one_reaction(
    status: int, content: bytes, kind: type[Exception], sentence: str
) -> None:
    error = failure(status, content, name="main")
    assert isinstance(error, kind)
    assert str(error) == sentence


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b'{"error":"x"}', b'{"error":[]}', b'{"detail":"x"}', b"\xff"]
)
def test_whatever_the_body_is_there_is_a_sentence(content: bytes) -> None:
    assert "check agent" in str(failure(422, content, name="main"))


def test_a_key_used_with_another_body_is_a_conflict_whatever_its_status() -> None:
    assert str(failure(422, body(code="idempotency_conflict"), name="main")).startswith(
        "OpenComputer does not take the message"
    )


def test_a_wait_is_as_long_as_it_says() -> None:
    error = failure(429, body(), name="main", retry_after=17.0)
    assert isinstance(error, InstanceUnavailable)
    assert error.retry_after == 17.0


@pytest.mark.parametrize("secret", ["osb_secret", "what the person wrote"])
def test_neither_the_key_nor_the_message_is_quoted(secret: str) -> None:
    told = str(
        failure(422, body(f"cannot use {secret} here"), name="main", withheld=["osb_secret", "what the person wrote"])
    )
    assert secret not in told
