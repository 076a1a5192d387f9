"""Session ids: pure, injective, the same after a restart and on every machine.

A session id is made of `[a-z0-9._-]` and at most 128 characters. Its parts are the platform's own ids, joined by `-`.
Capital letters, digits and dots of a part stand as themselves (capitals in lower case), every other byte of its UTF-8
as `_` and two hexadecimal digits, so two different lists of parts never give the same id.
"""

import hashlib
import re

MAX_CHARS = 128
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789."
_ESCAPED = [chr(byte).lower() if byte in _PLAIN else f"_{byte:02x}" for byte in range(256)]
_TICKET_PLAIN = re.compile(r"[a-z0-9._-]")


def _part(value: str) -> str:
    return "".join([_ESCAPED[byte] for byte in value.encode()])


def _bounded(session: str) -> str:
    """The id itself, or its beginning and a digest of the whole where it would be too long."""
    if len(session) <= MAX_CHARS:
        return session
    digest = hashlib.blake2s(session.encode(), digest_size=16).hexdigest()
    return f"{session[: MAX_CHARS - 34]}-x{digest}"


def thread_session(source: str, *parts: str) -> str:
    """The session of one thread, from the parts with which its platform names it (workspace, room, thread)."""
    return _bounded("-".join([source, *map(_part, parts)]))


def user_session(source: str, workspace: str, user: str) -> str:
    """One session for everything that a person writes in a workspace."""
    return _bounded(f"{source}-{_part(workspace)}-user-{_part(user)}")


def room_session(source: str, workspace: str, room: str) -> str:
    """One session for a whole room."""
    return _bounded(f"{source}-{_part(workspace)}-room-{_part(room)}")


def direct_session(source: str, workspace: str, room: str) -> str:
    """One session for a whole direct conversation."""
    return _bounded(f"{source}-{_part(workspace)}-{_part(room)}")


def numbered(session: str, number: int) -> str:
    """The session that follows on one where people began anew: the second has the number 2."""
    return _bounded(f"{session}-{number}")


_TICKET = "ticket-"


def is_ticket(session: str) -> bool:
    """Whether it is a ticket's."""
    return session.startswith(_TICKET)


def ticket_session(ticket: str) -> str:
    """The session of a ticket, whatever platform and case it is named in: `ABC-123` -> `ticket-abc-123`."""
    lower = ticket.lower()
    escaped = "".join(c if _TICKET_PLAIN.match(c) else "".join(f"_{byte:02x}" for byte in c.encode()) for c in lower)
    return _bounded(f"{_TICKET}{escaped}")
