"""The buttons by which people stop a turn or have it asked again: their ids and what they say. Pure."""

import re
from dataclasses import dataclass
from typing import Literal, cast

from bridge.actions import Button, Press

Grip = Literal["stop", "retry"]

_ID = re.compile(r"turn/(stop|retry)/([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Handle:
    """What somebody wants to happen to a turn, by a button under a message that was posted for it."""

    grip: Grip
    turn: int
    """Its `seq`."""
    channel: str
    """The name under `[channels]`."""
    press: Press


def stop(turn: int) -> Button:
    """Under what is shown while the agent works, or is waited for."""
    return Button(f"turn/stop/{turn}", "Stop")


def retry(turn: int) -> Button:
    """Under the sentence that a turn was not answered."""
    return Button(f"turn/retry/{turn}", "Ask again")


def read(press: Press, channel: str) -> Handle | None:
    """What is wanted; None if the button is none of these."""
    found = _ID.fullmatch(press.button)
    return None if found is None else Handle(cast("Grip", found[1]), int(found[2]), channel, press)
