"""Webhooks of OpenComputer: the key of each kind of secret, what is forged, and both forms of an event."""

import json
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from bridge.errors import Forged
from bridge.instances.opencomputer_webhooks import keys, read, verify

BODY = '{"a": "ü"}'
EVENT = {"id": "evt_1", "seq": 3, "type": "agent.message", "level": "user", "body": {"text": "hi"}}


def headers(key: bytes, at: float | None = None, body: str = BODY) -> dict[str, str]:
    moment = datetime.fromtimestamp(int(at or time.time()), UTC)
    signature = Webhook(key).sign("evt_1", moment, body)
    return {
        "webhook-id": "evt_1", "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("secret", "signed_with"),
    [
        ("whsec_c2VjcmV0IGJ5dGVz", [b"secret bytes"]),
        ("whsec_not base64!", [b"whsec_not base64!"]),
        ("a plain one", [b"a plain one"]),
        ("c2VjcmV0IGJ5dGVz", [b"secret bytes", b"c2VjcmV0IGJ5dGVz"]),
        ("testsecret", [b"testsecret"]),
    ],
)
def test_the_key_follows_from_how_the_secret_is_written(secret: str, signed_with: list[bytes]) -> None:
    assert keys(secret) == signed_with
    for key in signed_with:
        verify(secret, BODY.encode(), headers(key))


def test_one_of_several_signatures_is_enough() -> None:
    both = headers(b"secret bytes")
    both["webhook-signature"] = f"v1,AAAA v2,x {both['webhook-signature']}"
    verify("whsec_c2VjcmV0IGJ5dGVz", BODY.encode(), both)


SENT = BODY.encode()
FORGED = {  # what is changed of the headers, the key, the age in seconds, the body -> why it is refused
    "unsigned": ({"webhook-signature": ""}, b"secret bytes", 0, SENT, "missing required headers"),
    "without an id": ({"webhook-id": ""}, b"secret bytes", 0, SENT, "missing required headers"),
    "another key": ({}, b"other", 0, SENT, "no matching signature"),
    "another body": ({}, b"secret bytes", 0, b"{}", "no matching signature"),
    "another id": ({"webhook-id": "evt_2"}, b"secret bytes", 0, SENT, "no matching signature"),
    "too old": ({}, b"secret bytes", 301, SENT, "too old"),
    "too new": ({}, b"secret bytes", -3600, SENT, "too new"),
    "no time": ({"webhook-timestamp": "now"}, b"secret bytes", 0, SENT, "invalid signature headers"),
    "no signature": ({"webhook-signature": "nonsense"}, b"secret bytes", 0, SENT, "cannot be read"),
    "no base64": ({"webhook-signature": "v1,a"}, b"secret bytes", 0, SENT, "cannot be read"),
    "no text": ({}, b"secret bytes", 0, b"\xff", "cannot be read"),
}


@pytest.mark.parametrize("case", FORGED)
def test_whatever_is_not_proven_is_refused(case: str) -> None:
    changed, key, age, body, why = FORGED[case]
    with pytest.raises(Forged, match=why):
        verify("whsec_c2VjcmV0IGJ5dGVz", body, {**headers(key, time.time() - age), **changed})


def test_both_forms_of_an_event_are_read() -> None:
    wrapped = {
        "type": "agent.message",
        "sessionId": "ses_1",
        "eventId": "evt_1",
        "metadata": {"session": "s"},
        "event": EVENT,
    }
    bare = {**EVENT, "session": "ses_1", "body": {"id": "evt_1", "source": "agent", "text": "hi"}}
    for value, ours in ((wrapped, "s"), (bare, None), ({**wrapped, "metadata": None}, None)):
        found = read(json.dumps(value).encode())
        assert (found.session, found.ours, found.event.text, found.event.said) == ("ses_1", ours, "hi", True)


@pytest.mark.parametrize("value", [None, [], {}, {"event": {}}, EVENT, {"sessionId": "ses_1"}, {"event": EVENT}])
def test_what_names_no_event_or_no_session_is_not_read(value: object) -> None:
    with pytest.raises(ValueError, match="event"):
        read(json.dumps(value).encode())
