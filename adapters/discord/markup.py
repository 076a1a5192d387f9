"""Discord's `content` <-> plain text. Pure. Source: https://docs.discord.com/developers/reference#message-formatting."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from adapters.discord.limits import THREAD_NAME_CHARS
from bridge.text import label

_USER = r"<@!?([0-9]+)>"
_ROLE = r"<@&([0-9]+)>"
_ROOM = r"<#([0-9]+)>"
_TIME = r"<t:(-?[0-9]{1,15})(?::[a-zA-Z])?>"
_EMOJI_OR_COMMAND = r"<a?(:\w+:)[0-9]+>|<(/[^:<>]+):[0-9]+>"
NAMELESS_THREAD = "Conversation"
"""The name of a thread whose beginning gives none."""

NameOf = Callable[[str], str | None]
"""The id of a room or role -> its name, if it is known."""


def to_plain(content: str, bot: Mapping[str, str], users: Mapping[str, str], name_of: NameOf) -> str:
    """What a person reads; a mention of the bot at the beginning goes away.

    `bot` and `users` map the ids under which the bot and the people in `content` are mentioned to their names.
    """
    if bot:
        own = "|".join(map(re.escape, bot))
        content = re.sub(rf"^\s*(?:<@[!&]?(?:{own})>[\s:,]*)+", "", content)
    known = {**users, **bot}
    content = re.sub(_USER, lambda found: f"@{known[found[1]]}" if found[1] in known else found[0], content)
    content = re.sub(_ROLE, lambda found: _role(found, known, name_of), content)
    content = re.sub(_ROOM, lambda found: _room(found, name_of), content)
    content = re.sub(_TIME, _time, content)
    return re.sub(_EMOJI_OR_COMMAND, lambda found: found[1] or found[2], content).strip()


def mentions(content: str, ids: Mapping[str, str]) -> bool:
    """Whether one of these users or roles is mentioned."""
    return any(found[1] in ids for found in re.finditer(r"<@[!&]?([0-9]+)>", content))


def thread_name(text: str) -> str:
    """A thread named after what was said: its first line, at most 100 characters."""
    line = next((" ".join(line.split()) for line in text.splitlines() if line.strip()), NAMELESS_THREAD)
    return line if len(line) <= THREAD_NAME_CHARS else f"{line[: THREAD_NAME_CHARS - 1].rstrip()}…"


def _role(found: "re.Match[str]", known: Mapping[str, str], name_of: NameOf) -> str:
    name = known.get(found[1]) or name_of(found[1])
    return f"@{label(name)}" if name else found[0]


def _room(found: "re.Match[str]", name_of: NameOf) -> str:
    name = name_of(found[1])
    return f"#{label(name)}" if name else found[0]


def _time(found: "re.Match[str]") -> str:
    try:
        return f"{datetime.fromtimestamp(int(found[1]), UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return found[0]
