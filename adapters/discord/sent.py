"""Which messages of a history may be the post of a delivery: Discord shows no nonce there. Pure."""

from collections.abc import Iterable, Iterator

from adapters.discord.parse import SAID
from bridge.foreign import dig, text_at


def looking_like(content: str, messages: Iterable[object], bot: str, *, answers: str | None = None) -> Iterator[str]:
    """The ids of those that the bot wrote with this content, and as replies to `answers` where that is given.

    White space is not compared: Discord takes it away at both ends, which is not documented.
    """
    words = content.split()
    for message in messages:
        own = text_at(message, "id")
        if (
            own is not None
            and own.isdecimal()
            and dig(message, "type") in SAID
            and dig(message, "author", "id") == bot
            and (answers is None or dig(message, "message_reference", "message_id") == answers)
            and (text_at(message, "content") or "").split() == words
        ):
            yield own
