"""What Slack says of the files that are attached to a message. Pure.

Source: https://docs.slack.dev/reference/objects/file-object
"""

from collections.abc import Mapping
from typing import Any

from bridge.abilities import Attachment
from bridge.foreign import dig, items_at, text_at
from bridge.text import label

NAMELESS = "a file"
DELETED = "it was deleted"
ELSEWHERE = "it is not on Slack itself; download it and attach it"
UNSEEN = "Slack does not show it to the bot; attach it to a message here"

_NEVER: Mapping[str, str] = {  # `mode` or `file_access` -> why its content cannot be had
    "external": ELSEWHERE,
    "tombstone": DELETED,
    "hidden_by_limit": "Slack hides it because of the limits of the workspace's plan; attach it again",
    "access_denied": UNSEEN,
    "file_not_found": DELETED,
}
"""Those that the object's page does not explain are as Zulip's import of Slack reads them
(https://github.com/zulip/zulip/blob/main/zerver/data_import/slack.py, read 2026-11-22)."""
_ASK = "check_file_info"
"""`file_access` of a file of another organisation: its description has to be asked for.
https://docs.slack.dev/reference/events/message/file_share (Slack Connect files)"""


def files(raw: Mapping[str, Any]) -> list[object]:
    """The file objects of an event, or of a message of the history."""
    return items_at(raw, "event", "files") or items_at(raw, "files")


def must_be_asked_for(file: object) -> str | None:
    """The id of a file whose description is not in the message; None if it is."""
    return text_at(file, "id") if dig(file, "file_access") == _ASK else None


def described(file: object) -> Attachment:
    """One file object, which may be anything."""
    size, is_external = dig(file, "size"), dig(file, "is_external") is True
    said = (text_at(file, "mode") or "", text_at(file, "file_access") or "")
    why = next((_NEVER[one] for one in said if one in _NEVER), ELSEWHERE if is_external else None)
    return Attachment(
        name=label(text_at(file, "name") or text_at(file, "title") or "") or NAMELESS,
        media_type=label(text_at(file, "mimetype") or "").partition(";")[0].strip().lower(),
        size=size if type(size) is int and size >= 0 else None,
        id=text_at(file, "id") or "",
        address=text_at(file, "url_private") or "",
        unavailable=why,
    )


def line(file: object) -> str:
    """What the agent reads of it."""
    one = described(file)
    return f"(attached: {one.name}{f', {one.media_type}' if one.media_type else ''})"
