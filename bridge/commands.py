"""What is said to the bridge itself: a message's text -> the command that it is. Pure."""

from enum import Enum

KIND = "command"
"""The `kind` of an envelope whose whole text is a command: it never reaches an agent."""


class Command(Enum):
    """The word in lower case, as people write it."""

    RETRY = "!retry"
    """Asks again what was given up last in this conversation."""


_WORDS = {command.value: command for command in Command}


def read(text: str) -> Command | None:
    """The command that the whole text is, in upper or lower case, also if it was copied as code.

    None for everything that is for the agent: a command with more words, and words with `!` that are no command.
    """
    return _WORDS.get(text.strip().strip("`").strip().casefold())
