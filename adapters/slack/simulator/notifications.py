"""Whom a message notifies: by mentions in its text, its markdown blocks and its sections.

https://docs.slack.dev/messaging/formatting-message-text (mentioning users, groups and everyone; automatic parsing by
`link_names` and `parse`). A markdown block reads the same `<…>`, and shows entities without reading them again:
https://github.com/PostHog/posthog/pull/95054 (measured there, 2026-09-04; the block's own page does not say).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bridge.foreign import dig, text_at

_MENTION = re.compile(r"<(?:@([UW][A-Z0-9]+)|!(here|channel|everyone|group)|!subteam\^([A-Z0-9]+))(?:\|[^<>]*)?>")
_NAME = re.compile(r"(?<![\w@])@(here|channel|everyone|group|[\w.-]+)")


def notified(text: str, blocks: Iterable[Mapping[str, Any]], *, names: bool = False) -> list[str]:
    """Ids of people and groups, and `here`, `channel` or `everyone`. With `names` an `@name` counts as well.

    It counts text beside blocks and mentions in code, too, which the documentation does not exclude.
    """
    shown = [text]
    for block in blocks:
        kind, text_object = block.get("type"), dig(block, "text", "type")
        if kind == "markdown" or (kind == "section" and text_object == "mrkdwn"):
            shown.append(text_at(block, "text") or text_at(block, "text", "text") or "")
    found = [next(filter(None, mention.groups())) for each in shown for mention in _MENTION.finditer(each)]
    if names:
        found += [name[1] for each in shown for name in _NAME.finditer(each)]
    return list(dict.fromkeys(found))
