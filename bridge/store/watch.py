"""A database that neither answers nor hangs up must not hold its caller for ever: the connection is cut off in time.

The driver waits without end for an answer to a statement, and the operating system sees nothing wrong with a connection
whose other side is there and silent, so another thread looks at the clock.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Generator


class Watch:
    """Cuts off whatever takes longer than it may."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._changed = threading.Condition()
        self._due: float | None = None
        self._descriptor: Callable[[], int] | None = None
        self._ended = self._asleep = False
        self._thread: threading.Thread | None = None

    def connected(self, descriptor: Callable[[], int]) -> None:
        """From now on it is the connection with that file descriptor which is cut off."""
        self._descriptor = descriptor

    @contextlib.contextmanager
    def watched(self) -> Generator[None]:
        """What is done here fails with an error of its own once its time is over. Not to be nested."""
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="store watch", daemon=True)
                self._thread.start()
            self._due = time.monotonic() + self._seconds
            if self._asleep:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._due = None

    def close(self) -> None:
        """Ends the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._ended:
                left = None if self._due is None else self._due - time.monotonic()
                if left is None or left > 0:
                    self._asleep = left is None
                    self._changed.wait(left)
                else:
                    self._due = None
                    self._cut()

    def _cut(self) -> None:
        with contextlib.suppress(Exception):  # it is closed already, or not open yet
            if self._descriptor is not None:
                twin = socket.socket(fileno=os.dup(self._descriptor()))
                with twin:
                    twin.shutdown(socket.SHUT_RDWR)
