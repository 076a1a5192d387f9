"""What the bridge itself says in a thread: one plain sentence each, with what to do. Pure."""

from collections.abc import Sequence

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
FILE_REFUSED = "The file `{name}` could not be posted here. It is kept: whoever runs this bot finds it in the store."
NOTHING_TO_RETRY = "There is nothing to try again here."


def failed(detail: str | None) -> str:
    """The agent itself could not answer."""
    return f"The agent could not answer{_because(detail)} Write `!retry` to ask it again, or ask your operator."


def incomplete(detail: str | None) -> str:
    """What stands above is not the whole answer."""
    return f"The answer ends here before its end{_because(detail)} Ask the agent to go on."


def attached(length: int, names: Sequence[str]) -> str:
    """What stands above is the beginning of an answer that was too long for messages."""
    return f"The answer goes on: it has {length:,} characters, and the whole of it is attached as {_listed(names)}."


def brought(names: Sequence[str]) -> str:
    """The agent answered with files alone."""
    return f"The agent answered with {_listed(names)}."


def left_out(reasons: Sequence[tuple[str, str]]) -> str:
    """Files of the agent that are not posted: the name of each, and why."""
    listed = "; ".join(f"`{name}` {why}" for name, why in reasons)
    return f"Not everything that the agent made could be posted: {listed}. Ask the agent for it in another way."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _because(detail: str | None) -> str:
    words = " ".join((detail or "").split()).rstrip(".")
    return f": {words}." if words else "."
