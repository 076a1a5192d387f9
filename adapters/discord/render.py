"""Text -> the messages that Discord takes. Pure.

Source: https://docs.discord.com/developers/resources/message#create-message. Discord reads Markdown itself, so text
goes out as it is; that nobody is notified is a matter of `allowed_mentions`, which `client.py` sets on everything.
"""

from collections.abc import Sequence

from adapters.discord import limits
from bridge.channel import Payload
from bridge.text import split


def render(text: str) -> Sequence[Payload]:
    """One `content` for each message, within Discord's limit."""
    parts = [part for part in split(text, limits.MESSAGE_CHARS, _units) if part.strip()]
    return [{"content": part} for part in parts] or [{"content": "(empty)"}]


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)
