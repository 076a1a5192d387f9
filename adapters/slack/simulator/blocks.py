"""What Slack checks of a message's blocks, and the buttons in them.

https://docs.slack.dev/reference/block-kit/blocks and the pages below it and below
https://docs.slack.dev/reference/block-kit/block-elements (read 2026-11-22); how it says what is wrong is as seen in
answers of `invalid_blocks`, and is not documented.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from adapters.slack.simulator.arguments import ApiError
from adapters.slack.simulator.workspace import Payload
from bridge.foreign import dig, items_at, text_at

MAX_BLOCKS = 50
"""https://docs.slack.dev/reference/block-kit/blocks."""

MAX_BLOCKS_TEXT = 13_200
"""All blocks together. https://github.com/slackapi/bolt-js/issues/2509, read 2026-11-21."""

MAX_MARKDOWN_BLOCKS = 12_000
"""All markdown blocks of a message together. https://docs.slack.dev/reference/block-kit/blocks/markdown-block."""

MAX_TEXT_OBJECT = 3_000
"""https://docs.slack.dev/reference/block-kit/composition-objects/text-object."""

MAX_CONTEXT_ACTIONS = 5
"""Elements. https://docs.slack.dev/reference/block-kit/blocks/context-actions-block."""

MAX_ACTIONS = 25
"""Elements. https://docs.slack.dev/reference/block-kit/blocks/actions-block."""

MAX_LABEL, MAX_VALUE, MAX_ACTION_ID = 75, 2_000, 255
"""https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element and
https://docs.slack.dev/reference/block-kit/block-elements/button-element."""

TYPES = frozenset({
    "actions", "alert", "card", "carousel", "context", "context_actions", "divider", "file", "header", "image", "input",
    "markdown", "plan", "rich_text", "section", "table", "task_card", "video",
})  # fmt: skip


def check(blocks: Sequence[Payload]) -> None:
    """Raises ApiError where Slack refuses the message for them; otherwise each has a `block_id` afterwards."""
    if len(blocks) > MAX_BLOCKS:
        raise _invalid("no more than 50 items allowed", "/blocks")
    for number, block in enumerate(blocks):
        _check_block(block, f"/blocks/{number}")
    if blocks and len(json.dumps(blocks, ensure_ascii=False)) > MAX_BLOCKS_TEXT:
        raise ApiError("msg_blocks_too_long")
    if sum(len(block["text"]) for block in blocks if block.get("type") == "markdown") > MAX_MARKDOWN_BLOCKS:
        raise ApiError("msg_too_long")
    for block in blocks:
        block.setdefault("block_id", uuid.uuid4().hex[:5])


def buttons(blocks: Sequence[Payload]) -> Iterator[tuple[str, Payload]]:
    """Each button with what stands on it, and what an interaction tells of it: its `actions` item without a time.

    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload; for feedback buttons
    https://docs.slack.dev/tools/bolt-js/reference/interfaces/FeedbackButtonsAction.
    """
    for block in blocks:
        for element in items_at(block, "elements"):
            kind = text_at(element, "type")
            named = {"type": kind, "action_id": text_at(element, "action_id"), "block_id": block.get("block_id")}
            pair = ("positive_button", "negative_button") if kind == "feedback_buttons" else ()
            for one in [dig(element, name) for name in pair] or ([element] if kind == "button" else []):
                label = text_at(one, "text", "text") or ""
                text = {"type": "plain_text", "text": label, "emoji": True}
                yield label, named | {"text": text, "value": text_at(one, "value")}


def _check_block(block: Payload, at: str) -> None:
    kind = block.get("type")
    if kind not in TYPES:
        raise _invalid(f"unsupported type: {kind}", f"{at}/type")
    if kind == "markdown":
        text: object = block.get("text")
        if not (isinstance(text, str) and text):
            raise _invalid("missing required field: text", "/blocks")
    elif kind == "section" and "text" in block:
        _check_text(block["text"], f"{at}/text", MAX_TEXT_OBJECT)
    elif kind == "context_actions":
        for element in _elements(block, at, MAX_CONTEXT_ACTIONS, ("feedback_buttons", "icon_button")):
            if element["type"] == "feedback_buttons":
                for name in ("positive_button", "negative_button"):
                    _check_button(element.get(name), f"{at}/elements/{name}")
    elif kind == "actions":
        for element in _elements(block, at, MAX_ACTIONS, None):
            if element["type"] == "button":
                _check_button(element, f"{at}/elements", needs_value=False)


def _elements(block: Payload, at: str, most: int, types: Sequence[str] | None) -> list[Any]:
    """The elements of a block, whose `action_id`s are unique in it."""
    found: list[Any] = items_at(block, "elements")
    if not found:
        raise _invalid("missing required field: elements", at)
    if len(found) > most:
        raise _invalid(f"no more than {most} items allowed", f"{at}/elements")
    names: list[str] = []
    for element in found:
        kind, name = text_at(element, "type"), dig(element, "action_id")
        if kind is None or (types is not None and kind not in types):
            raise _invalid(f"unsupported type: {kind}", f"{at}/elements")
        if name is not None and (not isinstance(name, str) or len(name) > MAX_ACTION_ID or name in names):
            raise _invalid("invalid action_id", f"{at}/elements")
        names += [name] if name else []
        element.setdefault("action_id", uuid.uuid4().hex[:5])
    return found


def _check_button(button: object, at: str, *, needs_value: bool = True) -> None:
    _check_text(dig(button, "text"), f"{at}/text", MAX_LABEL, only_plain=True)
    value = text_at(button, "value")
    if (value is None and needs_value) or len(value or "") > MAX_VALUE:
        raise _invalid("missing or too long: value", f"{at}/value")


def _check_text(text: object, at: str, most: int, *, only_plain: bool = False) -> None:
    content = text_at(text, "text")
    if dig(text, "type") not in ({"plain_text"} if only_plain else {"plain_text", "mrkdwn"}) or content is None:
        raise _invalid("missing required field: text", at)
    if len(content) > most:
        raise _invalid(f"must be less than {most + 1} characters", f"{at}/text")


def _invalid(detail: str, pointer: str) -> ApiError:
    return ApiError("invalid_blocks", response_metadata={"messages": [f"[ERROR] {detail} [json-pointer:{pointer}]"]})
