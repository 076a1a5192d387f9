"""Slack's `text` <-> plain text. Pure. Source: https://docs.slack.dev/messaging/formatting-message-text."""

import re
from collections.abc import Callable, Mapping

from bridge.text import label as one_line

_REFERENCE = re.compile(r"<([^<>\n]+)>")
_USER = re.compile(r"<@([A-Z][A-Z0-9]+)(?:\|([^<>\n]*))?>")
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


def to_plain(text: str, bot_user: str) -> str:
    """What a person reads, but mentions of people stay `<@U1>`; a mention of the bot at the beginning goes away."""
    text = re.sub(rf"^\s*(?:<@{re.escape(bot_user)}(?:\|[^<>\n]*)?>[\s:,]*)+", "", text)
    return _unescape(_REFERENCE.sub(_reference, text)).strip()


def users_in(text: str) -> set[str]:
    """The ids of the people that a text of `to_plain` mentions."""
    return {found[1] for found in _USER.finditer(text)}


def with_names(text: str, names: Mapping[str, str]) -> str:
    """`<@U1>` -> `@Ada`, where the name is known; no name begins a line or poses as a speaker."""
    return _USER.sub(lambda found: f"@{one_line(names[found[1]])}" if found[1] in names else found[0], text)


def escape(text: str) -> str:
    """Text that Slack shows as it is: no mention, channel call or link can be made of it."""
    for plain, escaped in _ESCAPES:
        text = text.replace(plain, escaped)
    return text


def _unescape(text: str) -> str:
    for plain, escaped in reversed(_ESCAPES):
        text = text.replace(escaped, plain)
    return text


def _reference(found: re.Match[str]) -> str:
    inside = found[1]
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return found[0] if not label else f"<{target}>"
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith("!"):
        return _command(target[1:], label)
    return _link(target, label)


def _command(command: str, label: str) -> str:
    kinds: dict[str, Callable[[], str]] = {
        "date": lambda: label or command,
        "subteam": lambda: label or "@group",
    }
    return kinds.get(command.partition("^")[0], lambda: label if label.startswith("@") else f"@{command}")()


def _link(target: str, label: str) -> str:
    address = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label == address or address.removeprefix("https://").removeprefix("http://").rstrip("/") == label:
        return address
    return f"{label} ({address})"
