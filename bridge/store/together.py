"""How the processes that work on one database keep out of each other's way, or that there is only one."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy import Connection


class Together(Protocol):
    """What a transaction needs beside its statements. All but the clocks is called in the store's own thread."""

    @property
    def shared(self) -> bool:
        """Whether there may be other processes on the database."""
        ...

    @property
    def waits(self) -> bool:
        """Whether another process was claiming when this one would have: another look is worth it soon."""
        ...

    def clock(self) -> float:
        """Seconds since the epoch, by the clock that dates history. Any thread may ask."""
        ...

    def steady(self) -> float:
        """The same, by the clock that leases and waits go by. Any thread may ask."""
        ...

    @property
    def leniency(self) -> float:
        """So many seconds after their leases look over others may still be at work."""
        ...

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """Around one, from before it is connected: it fails once it takes too long."""
        ...

    def begin(self, connection: Connection, lines: Sequence[str]) -> None:
        """Comes first. Nobody gets beyond this with one of the same names until this transaction ends."""
        ...

    def claims_alone(self, connection: Connection) -> bool:
        """Whether nobody else can claim until this transaction ends; False if somebody else is claiming now.

        What was read before is out of date when this says so for the first time in a transaction.
        """
        ...

    def tell(self, connection: Connection) -> None:
        """Once this transaction is committed, the others look for work."""
        ...

    def listen(self, wake: Callable[[], None]) -> None:
        """From now on `wake` is called whenever another process told; in any thread."""
        ...

    def close(self) -> None:
        """Ends what `listen` began."""
        ...


class Alone:
    """The one process on a file, which a lock on that keeps."""

    shared = False
    waits = False
    leniency = 0.0

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def clock(self) -> float:
        return time.time()

    def steady(self) -> float:
        """Never jumps, however the clock is set."""
        return self._ahead + time.monotonic()

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def begin(self, connection: Connection, lines: Sequence[str]) -> None:
        pass

    def claims_alone(self, connection: Connection) -> bool:  # noqa: ARG002
        return True

    def tell(self, connection: Connection) -> None:
        pass

    def listen(self, wake: Callable[[], None]) -> None:
        pass

    def close(self) -> None:
        pass


_proof: type[Together] = Alone
