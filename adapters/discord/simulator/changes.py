"""Waiting for a condition, and the record of what was dispatched."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field


class Changes:
    """Wakes those who wait for a condition; costs next to nothing while nobody waits."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def notify(self) -> None:
        """Something changed: every condition is looked at again."""
        if not self._waiting:
            return
        still: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        for condition, future in self._waiting:
            if future.done():
                continue
            if condition():
                future.set_result(None)
            else:
                still.append((condition, future))
        self._waiting = still

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once the condition holds. It must be cheap: it is called after every change."""
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((condition, future))
        await future


@dataclass(slots=True)
class Journal:
    """What became of the events; times are `time.monotonic` seconds."""

    changes: Changes = field(default_factory=Changes)
    emitted_at: dict[str, float] = field(default_factory=dict[str, float])
    """Message id -> when its MESSAGE_CREATE was first dispatched, or would have been."""
    deliveries: int = 0
    """MESSAGE_CREATE events that were given to a connection, duplicates and replays included."""
    dropped: list[str] = field(default_factory=list[str])
    """Ids of messages whose MESSAGE_CREATE was dropped on purpose."""
    close_codes: list[int] = field(default_factory=list[int])
    """How gateway connections ended, oldest first: the close code, or 1006 where there was none."""

    def emitted(self, message_id: str) -> None:
        """The event about that message is on its way."""
        self.emitted_at.setdefault(message_id, time.monotonic())

    def delivered(self, events: int = 1) -> None:
        """So many MESSAGE_CREATE events went out."""
        self.deliveries += events
        self.changes.notify()
