"""What the bridge itself says in a thread: one plain sentence each, with what to do. Pure."""

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

VOTED_GOOD = "Noted: a good answer. Press the other button if you change your mind."
VOTED_BAD = "Noted: a bad answer. Press the other button if you change your mind."
BUTTON_IS_NOT_FOR_YOU = "That button is not for you here: whoever runs this bot decides who may use it."
BUTTON_DOES_NOTHING = "That button does nothing any more."


def failed(detail: str | None) -> str:
    """The agent itself could not answer."""
    return f"The agent could not answer{_because(detail)} Write `!retry` to ask it again, or ask your operator."


def incomplete(detail: str | None) -> str:
    """What stands above is not the whole answer."""
    return f"The answer ends here before its end{_because(detail)} Ask the agent to go on."


def _because(detail: str | None) -> str:
    words = " ".join((detail or "").split()).rstrip(".")
    return f": {words}." if words else "."
