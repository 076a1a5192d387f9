"""A command that a person used or a button that they pressed, and what the app answered.

https://docs.discord.com/developers/interactions/receiving-and-responding.
"""

import time
import uuid
from dataclasses import dataclass, field

from adapters.discord.simulator.guild import Message, Payload, Person

ANSWER_WITHIN = 3.0  # seconds
FOLLOW_UP_WITHIN = 15 * 60.0  # seconds


@dataclass(eq=False, slots=True)
class Interaction:
    """One use of a command, or one press."""

    id: str
    person: Person
    room: str
    """Id of the channel or thread."""
    command: str = ""
    command_id: str = ""
    pressed: Message | None = None
    """The message whose button was pressed."""
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: float = field(default_factory=time.monotonic)
    response: list[Payload] = field(default_factory=list[Payload])
    """The app's answer as it sent it; at most one."""
    followups: list[Payload] = field(default_factory=list[Payload])
    """What it sent later, as messages: edits of the answer, and further messages."""
    original: Message | None = None
    """The message that the answer shows."""
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    """What was shown for it, by id, ephemeral messages included."""

    def answered_in_time(self) -> bool:
        """Whether the first answer may still come."""
        return time.monotonic() - self.created < ANSWER_WITHIN

    def open_for_more(self) -> bool:
        """Whether it was answered and more may still come."""
        return bool(self.response) and time.monotonic() - self.created < FOLLOW_UP_WITHIN
