"""What people say of an answer by a button under it: the buttons, their ids, and a vote. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from bridge.actions import Button
from bridge.channel import MessageRef

Value = Literal["good", "bad"]

_ID = re.compile(r"feedback/(good|bad)/([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person says of one turn, by a button under one of its messages."""

    turn: int
    """Its `seq`."""
    value: Value
    actor: str
    """`Actor.id` of whoever says it."""
    channel: str
    """The name under `[channels]`."""
    message: MessageRef
    """The message that the button stands under."""


@dataclass(frozen=True, slots=True)
class VoteRecord:
    """One vote as history keeps it."""

    actor: str
    value: str
    at: float
    """Seconds since the epoch; of the newest press."""


def buttons(turn: int) -> Sequence[Button]:
    """The two buttons under the answer of a turn."""
    return (
        Button(f"feedback/good/{turn}", "Good answer", says="good"),
        Button(f"feedback/bad/{turn}", "Bad answer", says="bad"),
    )


def read(button: str) -> tuple[int, Value] | None:
    """The turn and what is said of it; None if it is no id of these buttons."""
    found = _ID.fullmatch(button)
    return None if found is None else (int(found[2]), cast("Value", found[1]))
