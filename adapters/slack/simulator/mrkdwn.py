"""Slack's text formats between what people type, what is stored, and what people see.

https://docs.slack.dev/messaging/formatting-message-text and
https://docs.slack.dev/reference/block-kit/blocks/rich-text-block.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bridge.foreign import text_at

_CONTROL = re.compile(r"<(@[UWB][A-Z0-9]+|#C[A-Z0-9]+|![a-z^A-Z0-9]+|(?:https?|mailto):[^>|\s]+)(\|[^>]*)?>")


def escape(typed: str) -> str:
    """What Slack stores of what a person typed: `&`, `<`, `>` as entities, mentions and links kept."""
    if not any(mark in typed for mark in "&<>"):
        return typed
    parts: list[str] = []
    end = 0
    for control in _CONTROL.finditer(typed):
        parts += (_entities(typed[end : control.start()]), control[0])
        end = control.end()
    parts.append(_entities(typed[end:]))
    return "".join(parts)


def visible(stored: str, name_of: Callable[[str], str]) -> str:
    """What a person sees: names for mentions, labels for links, no entities. Formatting marks stay."""
    if "<" not in stored and "&" not in stored:
        return stored

    def seen(control: re.Match[str]) -> str:
        target, label = control[1], (control[2] or "")[1:]
        if target[0] == "@":
            return f"@{name_of(target[1:])}"
        if target[0] == "#":
            return f"#{label or name_of(target[1:])}"
        if target[0] == "!":
            return label or f"@{target[1:]}"
        return label or target

    return _plain(_CONTROL.sub(seen, stored))


def shown(text: str, blocks: Iterable[Mapping[str, Any]], name_of: Callable[[str], str]) -> str:
    """What a person sees of a message: its markdown blocks and sections where it has any, else its text.

    Formatting marks stay.

    `text` is then only for notifications: https://docs.slack.dev/reference/methods/chat.postMessage#arg_text.
    Mentions and entities in a markdown block: https://github.com/PostHog/posthog/pull/95054 (read 2026-11-22).
    """
    written = [content for block in blocks if (content := words(block))]
    return visible("\n".join(written) if written else text, name_of)


def words(block: Mapping[str, Any]) -> str:
    """What stands in a markdown block or section; other blocks' words are not looked at."""
    kind = block.get("type")
    keys = {"markdown": ("text",), "section": ("text", "text")}.get(kind if isinstance(kind, str) else "", ())
    return (text_at(block, *keys) or "") if keys else ""


def rich_text(stored: str, block_id: str) -> list[dict[str, Any]]:
    """The `blocks` of a message that was typed: one `rich_text` block, mentions and links as elements."""
    elements: list[dict[str, Any]] = []
    end = 0
    for control in _CONTROL.finditer(stored) if "<" in stored else ():
        if control.start() > end:
            elements.append({"type": "text", "text": _plain(stored[end : control.start()])})
        elements.append(_element(control[1]))
        end = control.end()
    if end < len(stored):
        elements.append({"type": "text", "text": _plain(stored[end:])})
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": block_id, "elements": [section]}]


def _element(target: str) -> dict[str, Any]:
    if target[0] == "@":
        return {"type": "user", "user_id": target[1:]}
    if target[0] == "#":
        return {"type": "channel", "channel_id": target[1:]}
    if target[0] == "!":
        return {"type": "broadcast", "range": target[1:]}
    return {"type": "link", "url": target}


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
