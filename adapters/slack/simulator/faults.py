"""What goes wrong on purpose: the Web API and the delivery of events ask here before they act."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Slack</title></head><body>Something went wrong.</body></html>"

ANY_METHOD = "*"
POSTS = frozenset({"chat.postMessage", "files.completeUploadExternal"})
"""What makes messages."""


@dataclass(frozen=True, slots=True)
class Fault:
    """How one call goes wrong. It is answered with `status` and `body` unless `answer_lost` or `error`."""

    status: int = 500
    body: bytes = b""
    content_type: str = "text/html"
    applied: bool = False
    """The call takes effect first."""
    answer_lost: bool = False
    """The TCP connection is closed without an answer."""
    error: str = ""
    """Answered as `{"ok": false, "error": …}` with HTTP 200."""
    retry_after: int = 0  # seconds
    delay: float = 0.0
    """Seconds before an answer that is otherwise right."""


@dataclass(slots=True)
class _Planned:
    fault: Fault
    times: int | None


class Faults:
    """Plans of failure per API method and for the events; nothing is wrong until something is asked for.

    Plans for one method are used up in the order they were made; `times=None` lasts until `clear`. The method "*"
    means every method. Plans for a method come before those for "*".
    """

    def __init__(self) -> None:
        self.deaf = False
        """Sockets stay open and ping, but no event reaches them (and the events run into their retries)."""
        self.refuse_posts = False
        """What posts answers HTTP 503 and shows nothing."""
        self.on_close_sockets: Callable[[int | None], None] = lambda _: None
        self._blackout = False
        self._planned: dict[str, deque[_Planned]] = {}
        self._dropped: int | None = 0
        self._duplicated: int | None = 0

    @property
    def blackout(self) -> bool:
        """While true, every API call and every socket is closed without a word. `/_sim/` goes on working."""
        return self._blackout

    @blackout.setter
    def blackout(self, dark: bool) -> None:
        self._blackout = dark
        if dark:
            self.close_sockets()

    def close_sockets(self, only: int | None = None) -> None:
        """Breaks every socket's TCP connection, without a closing handshake.

        `only`: that one, by its place in the order in which they were opened.
        """
        self.on_close_sockets(only)

    def fail(self, method: str, *, status: int = 500, times: int | None = 1) -> None:
        """The next calls get that HTTP status and do nothing."""
        self._plan(method, Fault(status=status, body=b"upstream failure", content_type="text/plain"), times)

    def refuse(self, method: str, error: str, *, times: int | None = 1) -> None:
        """The next calls get `{"ok": false, "error": error}` and do nothing."""
        self._plan(method, Fault(status=200, error=error), times)

    def rate_limit(self, method: str, *, retry_after: int = 1, times: int | None = 1) -> None:
        """The next calls get HTTP 429 with that `Retry-After` (seconds) and do nothing."""
        self._plan(method, Fault(status=429, error="ratelimited", retry_after=retry_after), times)

    def lose_answer(self, method: str, *, status: int | None = None, times: int | None = 1) -> None:
        """The next calls take effect, but the connection closes unanswered (or gets that HTTP status)."""
        fault = Fault(applied=True, answer_lost=True) if status is None else Fault(status, applied=True)
        self._plan(method, fault, times)

    def garbage(self, method: str, *, applied: bool = False, times: int | None = 1) -> None:
        """The next calls get an HTML page with HTTP 200."""
        self._plan(method, Fault(status=200, body=LOGIN_PAGE, applied=applied), times)

    def delay(self, method: str, seconds: float, *, times: int | None = 1) -> None:
        """The next calls take effect at once and are answered rightly, but that many seconds later."""
        self._plan(method, Fault(status=200, applied=True, delay=seconds), times)

    def drop_events(self, times: int | None = 1) -> None:
        """The next events never reach the app and are never sent again: what only the history can cure."""
        self._dropped = times

    def duplicate_events(self, times: int | None = 1) -> None:
        """The next events arrive twice, the second time marked as a retry."""
        self._duplicated = times

    def clear(self) -> None:
        """Everything works again. Sockets that were closed stay closed."""
        self.deaf = self.refuse_posts = self._blackout = False
        self._planned.clear()
        self._dropped = self._duplicated = 0

    def take(self, method: str) -> Fault | None:
        """The fault for a call that has just come in, which uses it up."""
        if self.refuse_posts and method in POSTS:
            return Fault(status=503)
        if not self._planned:
            return None
        for name in (method, ANY_METHOD):
            plans = self._planned.get(name)
            if plans:
                return self._use(name, plans)
        return None

    def take_drop(self) -> bool:
        """Whether the event that is about to be sent is lost instead."""
        self._dropped, taken = _count_down(self._dropped)
        return taken

    def take_duplicate(self) -> bool:
        """Whether the event that has just been sent is sent once more."""
        self._duplicated, taken = _count_down(self._duplicated)
        return taken

    def _plan(self, method: str, fault: Fault, times: int | None) -> None:
        self._planned.setdefault(method, deque()).append(_Planned(fault, times))

    def _use(self, name: str, plans: deque[_Planned]) -> Fault:
        planned = plans[0]
        if planned.times is not None:
            planned.times -= 1
            if planned.times <= 0:
                plans.popleft()
            if not plans:
                del self._planned[name]
        return planned.fault


def _count_down(times: int | None) -> tuple[int | None, bool]:
    if times is None:
        return None, True
    return (times - 1, True) if times > 0 else (0, False)
