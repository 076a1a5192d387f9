"""Which messages of a history may be the post of a delivery: Discord shows no nonce there. Pure."""

import re
from collections.abc import Iterable, Iterator

from adapters.discord.parse import SAID
from bridge.files import File
from bridge.foreign import dig, items_at, text_at


def looking_like(content: str, messages: Iterable[object], bot: str, *, answers: str | None = None) -> Iterator[str]:
    """The ids of those that the bot wrote with this content, and as replies to `answers` where that is given.

    White space is not compared: Discord takes it away at both ends, which is not documented.
    """
    words = content.split()
    for own, message in _ours(messages, bot, answers):
        if (text_at(message, "content") or "").split() == words:
            yield own


def holding(file: File, messages: Iterable[object], bot: str, *, answers: str | None = None) -> Iterator[str]:
    """The ids of those that the bot posted with this file alone, and as replies to `answers` where that is given.

    Of names only Latin letters and digits are compared: Discord replaces or leaves out the rest
    (https://docs.discord.com/developers/resources/message#attachment-object, `title`). The size is compared too, except
    that of images, which need not stay as they were.
    """
    for own, message in _ours(messages, bot, answers):
        attached = items_at(message, "attachments")
        if len(attached) == 1 and _is(attached[0], file):
            yield own


def _is(attached: object, file: File) -> bool:
    same_size = file.media_type.startswith("image/") or dig(attached, "size") == len(file.content)
    return same_size and _plain(text_at(attached, "filename") or "") == _plain(file.name)


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _ours(messages: Iterable[object], bot: str, answers: str | None) -> Iterator[tuple[str, object]]:
    for message in messages:
        own = text_at(message, "id")
        if (
            own is not None
            and own.isdecimal()
            and dig(message, "type") in SAID
            and dig(message, "author", "id") == bot
            and (answers is None or dig(message, "message_reference", "message_id") == answers)
        ):
            yield own, message
