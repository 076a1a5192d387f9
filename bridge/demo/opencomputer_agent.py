"""The demo's agent in a durable session: a message -> the steps of its turn. Pure.

`[[name:argument]]` in the message steers it. Besides what `instance_agent.agent` knows (`sleep`, `drip`, `tool`,
`fail`, `http`, `empty`, `hang`, `big`, `markdown`), `ask` ends with a question, `yield:REASON` for that reason,
`progress:WORDS` tells what it does, `aside` says something before the answer, `quiet` says the answer only as the
turn's result, `stall` keeps the event streams silent and `cut` breaks them before the answer, `unasked:WORDS` makes it
say something by itself after the turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.demo.instance_agent import agent, directives_of, message

EMPTY = "No response from OpenClaw."


@dataclass(frozen=True, slots=True)
class Says:
    """An event that the agent appends to the log."""

    type: str
    level: str
    body: dict[str, Any]
    after: float = 0
    """Seconds before it."""


@dataclass(frozen=True, slots=True)
class Play:
    """What the agent does with the messages of one turn."""

    says: tuple[Says, ...]
    reason: str = "completed"
    hang: bool = False
    fault: str = ""
    """`stall` or `cut`: what happens to the event streams before the last of `says`."""
    unasked: str = ""


def play(prompt: str, earlier: Sequence[str]) -> Play:
    """The turn that answers `prompt` in a session in which `earlier` was said."""
    directives = directives_of(message(prompt))
    script = agent(prompt, earlier)
    begins: list[Says] = []
    if "progress" in directives:
        begins.append(_says("agent.progress", "progress", directives["progress"][0]))
    if script.tool:
        begins += [
            Says("tool.call", "internal", {"tool": script.tool, "args_summary": "{}"}),
            _says("agent.progress", "progress", f"using {script.tool}"),
        ]
    if "aside" in directives:
        begins.append(_says("agent.message", "user", "Let me see."))
    wait = sum(script.pauses)
    reason = directives["yield"][0] if "yield" in directives else "needs_input" if "ask" in directives else "completed"
    if script.code != 200 or reason == "error":
        words = {
            "code": "api_error",
            "message": f"{script.code if script.code != 200 else 500} from the model provider",
        }
        return Play((*begins, Says("error.model", "internal", words, wait)), "error")
    if script.text == EMPTY:
        return Play(tuple(begins), reason)
    text = "Which one do you mean?" if "ask" in directives else script.text
    answer = _says("agent.message", "internal" if "quiet" in directives else "user", text, wait)
    fault = next((one for one in ("stall", "cut") if one in directives), "")
    return Play((*begins, answer), reason, script.hang, fault, "".join(directives.get("unasked", [])[:1]))


def _says(kind: str, level: str, text: str, after: float = 0) -> Says:
    return Says(kind, level, {"text": text}, after)
