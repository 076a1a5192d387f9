"""A webhook of OpenComputer: whether it is genuine, and the event in it.

Source: https://docs.opencomputer.dev/agent-sessions/webhooks (read 2026-11-22): signed as
https://www.standardwebhooks.com says where the destination has a secret; `{type, sessionId, eventId, metadata, event}`,
in an earlier version the event alone. The key is what follows `whsec_` in base64; a secret that is not written so is
taken as its UTF-8 bytes, or, where all of it is base64, as that too, as the vendor's own verifier does
(https://github.com/diggerhq/opencomputer, sdks/typescript/src/agents/webhooks.ts).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from standardwebhooks import Webhook, WebhookVerificationError

from bridge.errors import Forged
from bridge.foreign import dig, text_at
from bridge.instances import openresponses
from bridge.instances.opencomputer_events import Event, event

_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Delivered:
    """An event as a webhook brings it."""

    session: str
    """Its id at OpenComputer."""
    ours: str | None
    """Our session's id, where the webhook repeats the session's metadata."""
    event: Event


def keys(secret: str) -> list[bytes]:
    """What deliveries of a destination with that secret may be signed with."""
    decoded = _decoded(secret.removeprefix(_PREFIX))
    plain = [] if secret.startswith(_PREFIX) and decoded else [secret.encode()]
    return [*([decoded] if decoded else []), *plain]


def verify(secret: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Raises Forged unless it is signed with the secret and at most five minutes old."""
    why = "it is not signed"
    for key in keys(secret):
        try:
            Webhook(key).verify(body, dict(headers), json_parse=False)
        except WebhookVerificationError as error:
            why = str(error).lower()
        except ValueError:  # a signature or a body that is none
            why = "its signature cannot be read"
        else:
            return
    raise Forged(f"the webhook is refused: {why}")


def read(body: bytes) -> Delivered:
    """The event in a genuine webhook. Raises ValueError if there is none."""
    value = openresponses.load(body)
    found = event(dig(value, "event")) or event(value)
    if found is None:
        raise ValueError("there is no event in it")
    session = text_at(value, "sessionId") or text_at(found.raw, "session")
    if session is None:
        raise ValueError("the event names no session")
    return Delivered(session, text_at(value, "metadata", "session"), found)


def _decoded(text: str) -> bytes | None:
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if decoded and base64.b64encode(decoded).rstrip(b"=") == text.rstrip("=").encode() else None
