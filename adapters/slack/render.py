"""Markdown -> the messages that Slack takes. Pure.

Sources: https://docs.slack.dev/reference/methods/chat.postMessage;
https://docs.slack.dev/messaging/formatting-message-text: `text` shows no headings, lists, tables or rules;
https://docs.slack.dev/reference/block-kit/blocks/markdown-block (2026-11-22): a markdown block does.
"""

import re
from collections.abc import Sequence

from adapters.slack import limits
from adapters.slack.markup import escape
from bridge.channel import Payload
from bridge.dialect import Dialect, unfenced, write, write_block
from bridge.markdown import Block, Container
from bridge.parts import split

EMPTY = "(empty)"
TABLE_WIDTH = 80
"""Columns of a code block that a window of usual width shows without wrapping."""
BULLETS = ("•", "◦", "▪")
"""By the depth of the list."""

_ENTITY = re.compile(r"&(?=#?\w+;)")
_MARKUP = re.compile(r"[\\`*_~\[\]#|]")
_ESCAPED = re.compile(r"\\[*_~`]")
_CONTROL = re.compile(r"<(?=[@#!]|[A-Za-z][A-Za-z0-9+.-]*:)")
"""What Slack makes a mention or a link of, in a markdown block too: `<`, which text never has there, only code."""


def render(text: str) -> Sequence[Payload]:
    """One message each: the whole part as `text`, and where that cannot show its structure also as a markdown block.

    `text` is within Slack's limit as it is sent. Neither it nor the block mentions anybody.
    """
    return [payload for part in split(text, _size, limits.TEXT_CHARS) for payload in _payloads(part)] or [
        {"text": EMPTY}
    ]


def _payloads(part: Sequence[Block]) -> Sequence[Payload]:
    text = write(part, MRKDWN)
    if not text.strip():
        return ()
    if not any(map(_needs_block, part)):
        return ({"text": text},)
    markdown = write(part, MARKDOWN)
    if len(markdown) > limits.MARKDOWN_CHARS or _CONTROL.search(markdown):
        return ({"text": text},)
    return ({"text": text, "blocks": [{"type": "markdown", "text": markdown}]},)


def _needs_block(block: Block) -> bool:
    """Whether mrkdwn has nothing that shows it."""
    return (
        block.kind in ("heading", "table", "rule", "empty")
        or bool(block.language)
        or any(container.kind != "quote" for container in block.inside)
        or (block.kind == "text" and _ESCAPED.search(block.content) is not None)
    )


def _size(block: Block, first: Block) -> int:
    return len(write_block(block, first, MRKDWN))


def _text(text: str) -> str:
    return escape(unfenced(text))


def _link(label: str, address: str) -> str:
    return f"<{escape(address).replace('|', '%7C')}|{label}>"


def _heading(_level: int, text: str, _inside: bool) -> str:
    return f"*{text}*"


def _item(item: Container, depth: int) -> str:
    if item.done is not None:
        return "☑" if item.done else "☐"
    return item.marker or BULLETS[min(depth, len(BULLETS) - 1)]


def _fence(content: str, _language: str) -> str:
    # A language would be shown as the first line of the code.
    return f"```\n{_text(content)}\n```"


MRKDWN = Dialect(
    text=_text,
    literal=_text,
    address=escape,
    escaped=escape,
    backslash="\\",
    strong="*",
    emphasis="_",
    strike="~",
    code=escape,
    marked_labels=False,
    link=_link,
    heading=_heading,
    item=_item,
    fence=_fence,
    rule="─" * 10,
    table_width=TABLE_WIDTH,
    marks_at_words=True,
    nested_quotes=False,
    code_in_quotes=False,
    code_in_lists=False,
)


def _defused(text: str) -> str:
    """Text of a markdown block that Slack makes no mention and no link of, and shows as it is.

    It takes `<…>` for a mention there, too, and shows entities without reading them again:
    https://github.com/PostHog/posthog/pull/95054 (measured 2026-09-04).
    """
    return _ENTITY.sub("&amp;", unfenced(text)).replace("<", "&lt;").replace(">", "&gt;")


def _literal(text: str) -> str:
    return _defused(_MARKUP.sub(r"\\\g<0>", text))


def _markdown_link(label: str, address: str) -> str:
    return f"[{label}]({address.replace('(', '%28').replace(')', '%29')})"


MARKDOWN = Dialect(
    text=_defused,
    literal=_literal,
    escaped=lambda character: f"\\{_defused(character)}" if character not in "<>" else _defused(character),
    link=_markdown_link,
    hard_break="  \n",
)
