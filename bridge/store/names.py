"""How people name turns among dead letters and elsewhere. Pure."""

import re

TURN = "turn"
"""The `kind` of a dead letter that is a turn."""
_TURN_ID = re.compile(r"t([0-9]{1,18})")


def turn_id(seq: int) -> str:
    """How people name a turn: `t7`."""
    return f"t{seq}"


def turn_seq(text: str) -> int | None:
    """The reverse of `turn_id`; None for anything else."""
    found = _TURN_ID.fullmatch(text)
    return int(found[1]) if found else None
