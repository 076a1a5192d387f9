"""The demo's agent: a message and what was said before it -> what it answers, and how slowly. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.demo.document import document
from bridge.demo.instance_input import Received

_DIRECTIVE = re.compile(r"\[\[(\w+)((?::[^:\]]+)*)\]\]")
_SPEAKER = re.compile(r"^\[(?!\[)[^\[\]\n]+\] ")
_CONTEXT_END = "[End of the earlier messages.]"
_RECALL = re.compile(r"\brecall\b|what did i say", re.IGNORECASE)
_MARKDOWN = """# A heading

Some **bold**, *italic*, ~~struck~~ and `code`, a [link](https://example.com/a?b=c&d=e), and <tags> & ampersands.

- one
  - nested
1. first

```python
print("a fence")
```

| name | value |
|------|-------|
| α    | 1     |

> A quotation with emoji 🦞 and 日本語."""

IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A PNG of one pixel, as base64."""


@dataclass(frozen=True, slots=True)
class Script:
    """What the agent does with one message."""

    text: str
    code: int = 200
    status: str = "completed"
    pauses: tuple[float, ...] = ()
    """Seconds before the answer begins, then before each of the words that are dripped after it."""
    garbage: bool = False
    hang: bool = False
    refused: bool = False
    tool: str = ""
    """Which tool it uses before the answer begins, for as long as the first of `pauses`."""
    cut: bool = False
    image: bool = False
    """An image comes with the text."""


def agent(prompt: str, earlier: Sequence[str], files: Sequence[Received] = ()) -> Script:
    """The agent: what it answers to `prompt` in a session in which `earlier` was said. Pure.

    It names the `files` that came with it.

    `[[name:argument]]` in the message steers it: `sleep:N` and `drip:N:S` (N words, S seconds apart) take time,
    `tool:NAME` tells of a tool while it sleeps, `http:CODE` and `fail` fail as a model provider does, `empty`,
    `length`, `big:N`, `document:N` and `markdown` answer so, `image` adds an image as a tool makes it and `inline` one
    in the text itself, `refuse` declines, `garbage` answers no JSON, `hang` never answers, `cut` closes the connection
    midway.
    """
    said = message(prompt)
    directives = directives_of(said)
    dripped = directives.get("drip", ["0", "0"])
    words = int(dripped[0])
    seen = f"\nI was given: {', '.join(map(str, files))}." if files else ""
    text = _answer(said, earlier, directives) + seen + "".join(f" w{number}" for number in range(words))
    code = int(directives["http"][0]) if "http" in directives else 500 if "fail" in directives else 200
    return Script(
        text="" if code != 200 else text,
        code=code,
        status="failed" if code != 200 else "incomplete" if "length" in directives else "completed",
        pauses=(float(directives.get("sleep", ["0"])[0]), *[float(dripped[1])] * words),
        garbage="garbage" in directives,
        hang="hang" in directives,
        refused="refuse" in directives,
        tool="".join(directives.get("tool", [])[:1]),
        cut="cut" in directives,
        image="image" in directives,
    )


def directives_of(said: str) -> dict[str, list[str]]:
    """The directives in a message, each with its arguments."""
    return {name: arguments.split(":")[1:] for name, arguments in _DIRECTIVE.findall(said)}


def message(prompt: str) -> str:
    """What the person wrote: the prompt without the context before it and without the speaker's name."""
    return _SPEAKER.sub("", prompt.rpartition(_CONTEXT_END)[2].strip())


def _answer(said: str, earlier: Sequence[str], directives: dict[str, list[str]]) -> str:
    if "empty" in directives:
        return "No response from OpenClaw."
    if "markdown" in directives:
        return _MARKDOWN
    if "inline" in directives:
        return f"Here it is: ![a dot](data:image/png;base64,{IMAGE}) and that is all."
    if "document" in directives:
        return document(int(directives["document"][0]))
    if "big" in directives:
        return ("All work and no play makes Jack a dull boy.\n" * (int(directives["big"][0]) // 44 + 1))[
            : int(directives["big"][0])
        ]
    if _RECALL.search(said):
        rows = [f"{number}. {message(one)}" for number, one in enumerate(earlier, 1)]
        return "\n".join(["Before this you said:", *rows]) if rows else "You have not said anything before."
    counted = f" (message {len(earlier) + 1} of this session)" if earlier else ""
    return f"You said: {said}{counted}"


def chunks(script: Script, chars: int, pause: float) -> list[tuple[float, str]]:
    """The deltas of the answer, each with the seconds before it; dripped words are a delta each."""
    dripped = len(script.pauses) - 1
    words = script.text.rsplit(" ", dripped)[1:] if dripped else []
    begun = script.text[: len(script.text) - sum(len(word) + 1 for word in words)]
    whole = [(pause, begun[at : at + chars]) for at in range(0, len(begun), chars)]
    return whole + [(seconds, f" {word}") for seconds, word in zip(script.pauses[1:], words, strict=False)]
