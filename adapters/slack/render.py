"""Text -> the messages that Slack takes. Pure. Source: https://docs.slack.dev/reference/methods/chat.postMessage."""

from collections.abc import Sequence

from adapters.slack import limits
from adapters.slack.markup import escape
from bridge.channel import Payload
from bridge.text import split


def render(text: str) -> Sequence[Payload]:
    """One `text` for each message, escaped, each within Slack's limit as it is sent."""
    parts = [part for part in split(text, limits.TEXT_CHARS, lambda part: len(escape(part))) if part.strip()]
    return [{"text": escape(part)} for part in parts] or [{"text": "(empty)"}]
