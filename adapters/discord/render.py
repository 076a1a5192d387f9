"""Markdown -> the messages that Discord takes. Pure.

Sources: https://docs.discord.com/developers/resources/message#create-message; for the dialect, as Discord has no page
for programs about it, https://paradoxv5.github.io/Discord-Markdown (2026-11-22): headings up to ###, lists, quotes,
masked links; no tables, images or rules. That nobody is notified is up to `allowed_mentions`, which `client.py` sets.
"""

import re
from collections.abc import Sequence

from adapters.discord import limits
from bridge.actions import Button
from bridge.channel import Payload
from bridge.dialect import Dialect, write, write_block
from bridge.markdown import Block, Container
from bridge.parts import split

EMPTY = "(empty)"
ACTION_ROW, BUTTON = 1, 2
"""Types of components."""
GREY = 2
"""The style of a button that does not stand out."""
TABLE_WIDTH = 60
"""Columns of a code block that a narrow window still shows without wrapping."""

_MARKS = re.compile(r"\*{2,}|_{2,}|~{2,}|\|{2,}|`+|(?m:^)-(?=# )")
"""What is text in CommonMark and markup in Discord, where marks need no words beside them."""

_ANY_MARK = re.compile(r"[*_~|`]|-# ")


def render(text: str) -> Sequence[Payload]:
    """One `content` for each message, within Discord's limit."""
    parts = (write(part, DIALECT) for part in split(text, _size, limits.MESSAGE_CHARS))
    contents = [part for part in parts if part.strip()]
    return [{"content": content} for content in contents or [EMPTY]]


def mention(parts: Sequence[Payload], user: str) -> Sequence[Payload]:
    """The same messages, the first of which notifies that user; by a message of its own if it has no room for it."""
    first, *others = parts
    content = f"<@{user}>\n{first['content']}"
    notified = {"allowed_mentions": {"parse": [], "users": [user], "replied_user": False}}
    if units(content) > limits.MESSAGE_CHARS:
        return [{"content": f"<@{user}>", **notified}, *parts]
    return [{**first, "content": content, **notified}, *others]


def render_with_buttons(text: str, buttons: Sequence[Button]) -> Sequence[Payload]:
    """The same with a row of buttons, at most five, under the last message.

    https://docs.discord.com/developers/components/reference#action-row and #button (2026-11-22)
    """
    row = [{"type": BUTTON, "style": GREY, "label": button.label, "custom_id": button.id} for button in buttons]
    *before, last = render(text)
    return [*before, {**last, "components": [{"type": ACTION_ROW, "components": row}]}]


def units(text: str) -> int:
    """The length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _size(block: Block, first: Block) -> int:
    return units(write_block(block, first, DIALECT))


def _text(text: str) -> str:
    if _ANY_MARK.search(text) is None:
        return text
    return _MARKS.sub(lambda found: "".join(f"\\{mark}" for mark in found[0]), text)


def _link(label: str, address: str) -> str:
    return f"[{label}]({address.replace('(', '%28').replace(')', '%29')})"


def _heading(level: int, text: str, inside: bool) -> str:
    return f"**{text}**" if inside or level > 3 else f"{'#' * level} {text}"


def _item(item: Container, _depth: int) -> str:
    mark = item.marker or "-"
    return mark if item.done is None else f"{mark} {'☑' if item.done else '☐'}"


DIALECT = Dialect(
    text=_text,
    literal=_text,
    link=_link,
    heading=_heading,
    item=_item,
    rule="─" * 10,
    table_width=TABLE_WIDTH,
    nested_quotes=False,
    code_in_lists=False,
)
