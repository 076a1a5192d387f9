"""What people do in a channel besides writing: press buttons, change what they wrote, use the platform's commands."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from bridge.channel import Facts, MessageRef, Payload
from bridge.envelope import Conversation, Envelope


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message of ours."""

    id: str
    """Comes back in a `Press`: opaque to the channel, at most 100 characters."""
    label: str
    """A few words, at most 75 characters."""
    says: Literal["good", "bad"] | None = None
    """What somebody says of the message by pressing it."""


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody pressed a button."""

    button: str
    """Its id as the platform told it, which may be anything."""
    message: MessageRef
    """The message that it stands under."""
    actor: str
    """`Actor.id` of whoever pressed it."""
    facts: Facts
    """Where the message stands and who pressed; nobody is `addressed`."""
    conversation: Conversation | None = None
    """What is answered where the message stands has this conversation, or `facts.unthreaded`."""
    told_to_all: str | None = None
    """Its id, if the platform tells of it over all connections that the bot has, in whichever processes."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """Somebody used a command of the platform's own, as it shows them behind a `/`."""

    envelope: Envelope
    """`text` is the words as they were typed or chosen, as in "link ABC-123"; `id` is this invocation's alone."""
    facts: Facts
    """Where and by whom, as of a message; `addressed`."""
    beside_threads: bool
    """It was invoked in a room where each message may begin a thread, so `thread` is none that a message could have."""
    told_to_all: str | None = None
    """As of a press."""


TakeCommand = Callable[[Invocation], Awaitable[str]]
"""Commits what a command means and returns a sentence for whoever invoked it. If it raises, nothing is acknowledged;
TakenElsewhere: because somebody else does.
"""
TakePress = Callable[[Press], Awaitable[str]]
"""Commits what a press means and returns a sentence for whoever pressed. Raises as `TakeCommand` does."""


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody changed or deleted what they had said."""

    envelope_id: str
    said: tuple[Envelope, Facts] | None
    """The message as its author wants it now; None: it was deleted, by whomever."""


TakeChange = Callable[[Change], Awaitable[None]]
"""Commits what becomes of a change. If it raises, nothing is acknowledged."""


@runtime_checkable
class CanShowButtons(Protocol):
    """Can put buttons under a message and tell who presses them."""

    @classmethod
    def render_with_buttons(cls, text: str, buttons: Sequence[Button]) -> Sequence[Payload]:
        """`render`, with the buttons once, under the last message or in a small one after it. Pure."""
        ...

    def on_press(self, take: TakePress) -> None:
        """From the next `listen` on every press is given to `take`.

        The platform is acknowledged after it returned, and what it returned is shown to that person alone, as far as
        the platform can. If it raises, or takes longer than the platform waits, the platform says so by itself.
        """
        ...


@runtime_checkable
class CanTellChanges(Protocol):
    """Can tell when somebody edits or deletes a message."""

    def on_change(self, take: TakeChange) -> None:
        """From the next `listen` on every change is given to `take`, as messages are to `accept`.

        A change follows its message where the platform keeps that order. What the platform itself changes of a message
        (previews of links) is none, nor is what somebody else changes, nor what we change of ours.
        """
        ...


@runtime_checkable
class CanTakeCommands(Protocol):
    """Its platform has commands of its own, which people choose behind a `/` instead of writing a message."""

    def on_command(self, take: TakeCommand) -> None:
        """From the next `listen` on every invocation is given to `take`; the platform is told which commands there are.

        It is acknowledged and answered as a press is: to that person alone, after `take` returned.
        """
        ...
