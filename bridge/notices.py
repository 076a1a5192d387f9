"""What the bridge itself says in a thread: one plain sentence each, with what to do. Pure."""

from collections.abc import Sequence

from bridge.attached import Left

EMPTY = "The agent finished without an answer. Ask again, or put it differently."
GAVE_UP = (
    "The agent could not be reached for too long, so this message was given up. "
    "When it is back, write `!retry` to ask it again."
)
BROKEN = (
    "Something went wrong in the bridge with this message; the operator finds it in the log as turn {turn}. "
    "Write `!retry` to ask it again."
)
UNREACHABLE = "The agent cannot be reached at the moment. Your message waits and is answered as soon as it is back."
UNKNOWN = (
    "The connection to the agent was cut while it worked on this, so nobody knows whether it finished. "
    "If you still need an answer, write `!retry` to ask it again."
)
DROPPED = (
    "The connection to the agent was cut while it worked on this; the question was dropped. "
    "Write `!retry` to ask it again."
)
NOTHING_TO_RETRY = "There is nothing to try again here."


def failed(detail: str | None) -> str:
    """The agent itself could not answer."""
    return f"The agent could not answer{_because(detail)} Write `!retry` to ask it again, or ask your operator."


def incomplete(detail: str | None) -> str:
    """What stands above is not the whole answer."""
    return f"The answer ends here before its end{_because(detail)} Ask the agent to go on."


def not_passed_on(left: Sequence[Left]) -> str:
    """The agent was not given these files."""
    names: dict[str, list[str]] = {}
    for one in left:
        names.setdefault(one.why, []).append("`" + one.name.replace("`", "'") + "`")
    listed = "; ".join(f"{', '.join(each)} ({why})" for why, each in names.items())
    return f"Not passed on to the agent: {listed}."


def _because(detail: str | None) -> str:
    words = " ".join((detail or "").split()).rstrip(".")
    return f": {words}." if words else "."
