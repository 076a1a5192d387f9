"""Mentions in a message's text: whom they notify, and how people read them.

https://docs.discord.com/developers/reference#message-formatting and
https://docs.discord.com/developers/resources/message#allowed-mentions-object.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"<(@!?|@&|#|a?:\w+:)(\d+)>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")
_CODE = re.compile(r"```.*?```|``.*?``|`[^`]*`", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom a message notifies, as ids."""

    users: list[str] = field(default_factory=list[str])
    roles: list[str] = field(default_factory=list[str])
    everyone: bool = False


def notified(content: str, allowed: Mapping[str, Any] | None, *, replied_to: str = "") -> Mentions:
    """Whom the text mentions as far as `allowed_mentions` lets it; without that object, everybody.

    `replied_to` is the author of the message that this one answers. Code never mentions.
    """
    parse, users, roles, replied_user = _allowed(allowed)
    found_users: dict[str, None] = {}
    found_roles: dict[str, None] = {}
    everyone = False
    if "@" in content:
        text = _CODE.sub("", content) if "`" in content else content
        for mark, target in _TOKEN.findall(text):
            if mark in ("@", "@!") and ("users" in parse or target in users):
                found_users[target] = None
            elif mark == "@&" and ("roles" in parse or target in roles):
                found_roles[target] = None
        everyone = "everyone" in parse and _EVERYONE.search(text) is not None
    if replied_to and replied_user:
        found_users[replied_to] = None
    return Mentions(list(found_users), list(found_roles), everyone)


def visible(content: str, name_of: Callable[[str], str]) -> str:
    """What a person reads: names for mentions and emojis. Formatting marks stay."""
    if "<" not in content:
        return content

    def seen(token: re.Match[str]) -> str:
        mark, target = token[1], token[2]
        if mark.startswith("@"):
            return f"@{name_of(target)}"
        if mark == "#":
            return f"#{name_of(target)}"
        return mark.removeprefix("a")

    return _TOKEN.sub(seen, content)


def _allowed(allowed: Mapping[str, Any] | None) -> tuple[frozenset[str], frozenset[str], frozenset[str], bool]:
    """What may be parsed, users and roles that may be mentioned, and whether an answer notifies its author."""
    if allowed is None:
        return frozenset({"everyone", "roles", "users"}), frozenset(), frozenset(), True
    users = frozenset(str(each) for each in allowed.get("users") or ())
    roles = frozenset(str(each) for each in allowed.get("roles") or ())
    return frozenset(allowed.get("parse") or ()), users, roles, bool(allowed.get("replied_user", False))
