"""What is said to the bridge itself: a message's text -> the command that it is. Pure."""

from dataclasses import dataclass
from enum import Enum

KIND = "command"
"""The `kind` of an envelope whose whole text is a command: it never reaches an agent."""


class Command(Enum):
    """The word in lower case, as people write it."""

    HELP = "!help"
    """Says what can be written to the bridge itself."""
    NEW = "!new"
    """A fresh session in the same place."""
    STOP = "!stop"
    """Stops what the agent does here."""
    STATUS = "!status"
    """Says what the agent does here, and what waits."""
    RETRY = "!retry"
    """Asks again what was given up last in this conversation."""
    LINK = "!link"
    """Makes the thread one of a ticket's, which it names."""
    UNLINK = "!unlink"
    """The thread has a session of its own again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as somebody wrote it."""

    command: Command
    argument: str | None = None
    """The ticket, as it was written; None if none was."""


_WORDS = {command.value: command for command in Command}


def read(text: str) -> Asked | None:
    """The command that the whole text is, in upper or lower case, also if it was copied as code.

    None for everything that is for the agent: a command with more words than it takes, and words with `!` that are no
    command.
    """
    words = text.strip().strip("`").split()
    command = _WORDS.get(words[0].casefold()) if words else None
    if command is None or len(words) > (2 if command is Command.LINK else 1):
        return None
    return Asked(command, words[1] if len(words) > 1 else None)


def invoked(words: str) -> Asked | None:
    """The same for a command of the platform's own: its words with or without `!`; without any it is `!help`."""
    wanted = words.strip().removeprefix("!")
    return read(f"!{wanted}") if wanted else Asked(Command.HELP)
