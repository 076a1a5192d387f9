"""An item that an agent begins -> what people read that it is doing. Pure.

Sources, read 2026-11-22: https://www.openresponses.org (item types, `slug:name` for vendors' own) and
https://platform.openai.com/docs/api-reference/responses/object.
"""

import re

from bridge.foreign import text_at
from bridge.instance import Activity

_WORDS = {
    "reasoning": "thinking",
    "web_search_call": "searching the web",
    "file_search_call": "searching files",
    "code_interpreter_call": "running code",
    "image_generation_call": "making an image",
    "computer_call": "using a computer",
    "local_shell_call": "using a shell",
    "shell_call": "using a shell",
}
_NAMED = ("function_call", "mcp_call", "custom_tool_call")
_STRANGE = re.compile(r"[^\w.: -]+")
MAX_NAME_CHARS = 40


def activity(item: object) -> Activity | None:
    """What the item means for whoever waits; None if it says nothing about that."""
    kind = text_at(item, "type") or ""
    if kind in _WORDS:
        return Activity(_WORDS[kind])
    if kind in _NAMED:
        return _using(text_at(item, "name") or "a tool")
    return _using(kind.partition(":")[2]) if ":" in kind else None


def _using(tool: str) -> Activity | None:
    name = " ".join(_STRANGE.sub(" ", tool).split())[:MAX_NAME_CHARS]
    return Activity(f"using {name}") if name else None
