"""Named places in a message's way at which a test may end the process; nothing but a comparison otherwise.

`THREADBRIDGE_DIE_AT="turn.answered:3"` ends it by SIGKILL when it comes to that place for the third time.
"""

import os
import signal
from collections.abc import Mapping

VARIABLE = "THREADBRIDGE_DIE_AT"

POINTS: Mapping[str, str] = {
    "event.received": "an event came and is not in the store",
    "store.written": "rows are written and not committed",
    "store.committed": "rows are committed and nobody knows it yet",
    "event.stored": "an event is in the store and not acknowledged",
    "turn.claimed": "a turn is leased and the agent not asked",
    "turn.begun": "the agent is about to be asked",
    "turn.heard": "the agent began to answer",
    "preview.opened": "an answer that grows is about to be shown",
    "preview.posted": "it is shown and the store does not know it",
    "turn.answered": "the agent answered and nothing of it is in the store",
    "turn.finished": "the answer is in the store and not posted",
    "delivery.claimed": "a delivery is leased and not posted",
    "delivery.looked": "a post in doubt was looked for",
    "delivery.posted": "a message is posted and the store does not know it",
    "delivery.closed": "the store knows that it is posted",
    "backfill.read": "what was missed is read and not taken",
    "backfill.taken": "what was missed is taken and the cursor is where it was",
}
"""Name -> what is done there and what is not."""


def _armed(value: str) -> tuple[str, int]:
    name, _, times = value.partition(":")
    if value and name not in POINTS:
        raise ValueError(f"{VARIABLE}: there is no such place: {name}")
    return name, int(times or 1)


_name, _left = _armed(os.environ.get(VARIABLE, ""))


def reached(name: str) -> None:
    """The message's way came to this place."""
    if name == _name:
        _die()


def _die() -> None:
    global _left  # noqa: PLW0603 - one process, one count
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
