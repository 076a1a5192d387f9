"""What Discord says of the files that are attached to a message. Pure.

Source: https://docs.discord.com/developers/resources/message#attachment-object
"""

from collections.abc import Iterator

from bridge.abilities import Attachment
from bridge.foreign import dig, items_at, text_at
from bridge.text import label

NAMELESS = "a file"


def files(message: object) -> Iterator[Attachment]:
    """What is attached to a message, or to those that it forwards."""
    for snapshot in items_at(message, "message_snapshots"):
        yield from files(dig(snapshot, "message"))
    for file in items_at(message, "attachments"):
        yield described(file)


def described(file: object) -> Attachment:
    """One attachment object, which may be anything."""
    size = dig(file, "size")
    return Attachment(
        name=label(text_at(file, "filename") or "") or NAMELESS,
        media_type=label(text_at(file, "content_type") or "").partition(";")[0].strip().lower(),
        size=size if type(size) is int and size >= 0 else None,
        id=text_at(file, "id") or "",
        address=text_at(file, "url") or "",
    )


def line(file: object) -> str:
    """What the agent reads of it."""
    one = described(file)
    return f"(attached: {one.name}{f', {one.media_type}' if one.media_type else ''})"
