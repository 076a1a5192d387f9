"""Markdown -> the messages that Slack takes. Pure.

Sources: https://docs.slack.dev/reference/methods/chat.postMessage;
https://docs.slack.dev/messaging/formatting-message-text: `text` shows no headings, lists, tables or rules;
https://docs.slack.dev/reference/block-kit/blocks/markdown-block (2026-11-22): a markdown block does.
"""

import re
from collections.abc import Sequence

from adapters.slack import limits
from adapters.slack.markup import escape
from bridge.actions import Button
from bridge.channel import Payload
from bridge.dialect import Dialect, unfenced, write, write_block
from bridge.markdown import Block, Container
from bridge.parts import split

EMPTY = "(empty)"
QUESTION = "How was this answer?"
"""Stands over buttons that have a message of their own."""
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


def mention(parts: Sequence[Payload], user: str) -> Sequence[Payload]:
    """The same messages, the first of which notifies that user; by a message of its own if it has no room for it."""
    first, *others = parts
    text = f"<@{user}>\n{first['text']}"
    blocks = [_mentioning(block, user) for block in first.get("blocks", ())]
    written = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if len(text) > limits.TEXT_CHARS or written > limits.MARKDOWN_CHARS:
        return [{"text": f"<@{user}>"}, *parts]
    return [{**first, "text": text, **({"blocks": blocks} if blocks else {})}, *others]


def _mentioning(block: Payload, user: str) -> Payload:
    return {**block, "text": f"<@{user}>\n\n{block['text']}"} if block["type"] == "markdown" else block


def render_with_buttons(text: str, buttons: Sequence[Button]) -> Sequence[Payload]:
    """The same with a row of buttons under the last message.

    A message that has blocks shows nothing else, so its text stands in a block, too; where it cannot, the buttons are
    in a message of their own.
    """
    parts = [(part, payload) for part in split(text, _size, limits.TEXT_CHARS) for payload in _payloads(part)]
    payloads = [payload for _, payload in parts] or [{"text": EMPTY}]
    shown = payloads[-1].get("blocks") or (_markdown(parts[-1][0]) if parts else [])
    if shown:
        return [*payloads[:-1], {**payloads[-1], "blocks": [*shown, _row(buttons)]}]
    question = {"type": "section", "text": {"type": "plain_text", "text": QUESTION}}
    return [*payloads, {"text": QUESTION, "blocks": [question, _row(buttons)]}]


def _row(buttons: Sequence[Button]) -> Payload:
    """Slack's own pair for good and bad, or plain buttons.

    https://docs.slack.dev/reference/block-kit/blocks/context-actions-block,
    https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element,
    https://docs.slack.dev/reference/block-kit/block-elements/button-element (2026-11-22)
    """
    rated = {button.says: _button(button) for button in buttons}
    if len(buttons) == 2 and rated.keys() == {"good", "bad"}:
        pair = {"positive_button": rated["good"], "negative_button": rated["bad"]}
        return {"type": "context_actions", "elements": [{"type": "feedback_buttons", "action_id": "feedback", **pair}]}
    plain = [{"type": "button", "action_id": button.id, **_button(button)} for button in buttons]
    return {"type": "actions", "elements": plain}


def _button(button: Button) -> Payload:
    return {"text": {"type": "plain_text", "text": button.label}, "value": button.id}


def _payloads(part: Sequence[Block]) -> Sequence[Payload]:
    text = write(part, MRKDWN)
    if not text.strip():
        return ()
    if not any(map(_needs_block, part)):
        return ({"text": text},)
    blocks = _markdown(part)
    return ({"text": text, "blocks": blocks} if blocks else {"text": text},)


def _markdown(part: Sequence[Block]) -> list[Payload]:
    """The block that shows it; none where Slack would refuse it or make more of it than it says."""
    markdown = write(part, MARKDOWN)
    if len(markdown) > limits.MARKDOWN_CHARS or _CONTROL.search(markdown):
        return []
    return [{"type": "markdown", "text": markdown}]


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
