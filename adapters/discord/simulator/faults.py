"""What goes wrong on purpose: the REST API and the gateway ask here before they act."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

ERROR_PAGE = b"<!DOCTYPE html><html><head><title>Discord</title></head><body>Something went wrong.</body></html>"

ANY_ROUTE = "*"


@dataclass(frozen=True, slots=True)
class Fault:
    """How one call goes wrong: answered with `status` and `body`, unless something below says otherwise."""

    status: int = 500
    body: bytes = b""
    content_type: str = "text/plain"
    applied: bool = False
    """The call takes effect first."""
    answer_lost: bool = False
    """The TCP connection is closed without an answer."""
    code: int = 0
    """Answered as `{"message": …, "code": …}` with `status`."""
    message: str = ""
    retry_after: float | None = None  # seconds
    is_global: bool = False
    delay: float = 0.0
    """Seconds before an answer that is otherwise right."""


@dataclass(slots=True)
class _Planned:
    fault: Fault
    times: int | None


@dataclass(slots=True)
class GatewayFaults:
    """What the gateway does when it is told to; it fills these in."""

    abort: Callable[[int | None], None] = lambda _only: None
    close: Callable[[int, int | None], None] = lambda _code, _only: None
    reconnect: Callable[[int | None], None] = lambda _only: None
    invalidate: Callable[[bool, int | None], None] = lambda _resumable, _only: None
    forget_sessions: Callable[[], None] = lambda: None
    malformed: Callable[[str, Mapping[str, Any] | None, str | None], None] = lambda _event, _payload, _text: None


class Faults:
    """Plans of failure per REST route and for the gateway; nothing is wrong until something is asked for.

    Plans for one route are used up in the order they were made; `times=None` lasts until `clear`. The name "*"
    means every route. Plans for a route come before those for "*". What happens to gateway connections happens to all
    of them, or to the one that `only` names by its place in the order of their opening.
    """

    def __init__(self) -> None:
        self.gateway = GatewayFaults()
        self.deaf = False
        """Connections stay open and heartbeats are acknowledged, but no event arrives; a resume brings them."""
        self.mute_heartbeats = False
        """No heartbeat is acknowledged."""
        self.refuse_posts = False
        """Posting a message answers HTTP 503 and shows nothing."""
        self.rest_down = False
        """Every REST call answers HTTP 503; the gateway goes on."""
        self._blackout = False
        self._planned: dict[str, deque[_Planned]] = {}
        self._dropped: int | None = 0
        self._duplicated: int | None = 0
        self._refused: int | None = 0
        self._refused_status = 503
        self._closes: deque[int] = deque()

    @property
    def blackout(self) -> bool:
        """While true, every REST call and every gateway connection is broken off. `/_sim/` goes on working."""
        return self._blackout

    @blackout.setter
    def blackout(self, dark: bool) -> None:
        self._blackout = dark
        if dark:
            self.drop_connections()

    def fail(self, name: str, status: int = 500, *, times: int | None = 1) -> None:
        """The next calls get that HTTP status and do nothing."""
        self._plan(name, Fault(status=status, body=b"upstream failure"), times)

    def refuse(self, name: str, code: int, status: int = 403, message: str = "", *, times: int | None = 1) -> None:
        """The next calls get that error code with that HTTP status and do nothing; known codes have their message."""
        self._plan(name, Fault(status=status, code=code, message=message), times)

    def rate_limit(
        self, name: str, retry_after: float = 1.0, *, is_global: bool = False, times: int | None = 1
    ) -> None:
        """The next calls get HTTP 429 with that `retry_after` (seconds) and do nothing."""
        self._plan(name, Fault(status=429, retry_after=retry_after, is_global=is_global), times)

    def lose_answer(self, name: str, *, status: int | None = None, times: int | None = 1) -> None:
        """The next calls take effect, but the connection closes unanswered (or gets that HTTP status)."""
        fault = Fault(applied=True, answer_lost=True) if status is None else Fault(status, applied=True)
        self._plan(name, fault, times)

    def garbage(self, name: str, *, applied: bool = False, times: int | None = 1) -> None:
        """The next calls get an HTML page with HTTP 200."""
        self._plan(name, Fault(status=200, body=ERROR_PAGE, content_type="text/html", applied=applied), times)

    def delay(self, name: str, seconds: float, *, times: int | None = 1) -> None:
        """The next calls take effect at once and are answered rightly, but that many seconds later."""
        self._plan(name, Fault(status=200, applied=True, delay=seconds), times)

    def refuse_gateway(self, times: int | None = 1, *, status: int = 503) -> None:
        """The next gateway connections get that HTTP status instead of a WebSocket; 0 closes the connection."""
        self._refused, self._refused_status = times, status

    def close(self, code: int, only: int | None = None) -> None:
        """Closes every gateway connection with that code; the sessions stay unless the code says otherwise."""
        self.gateway.close(code, only)

    def close_next(self, code: int, times: int = 1) -> None:
        """The next IDENTIFY or RESUME is answered by closing the connection with that code."""
        self._closes.extend([code] * times)

    def drop_connections(self, only: int | None = None) -> None:
        """Breaks every gateway connection, without a closing handshake."""
        self.gateway.abort(only)

    def reconnect(self, only: int | None = None) -> None:
        """Asks every client to reconnect and resume (opcode 7)."""
        self.gateway.reconnect(only)

    def invalidate(self, resumable: bool, only: int | None = None) -> None:
        """Tells every client that its session is invalid (opcode 9); a session that is not resumable is forgotten."""
        self.gateway.invalidate(resumable, only)

    def forget_sessions(self) -> None:
        """No session that exists now can be resumed; those with a connection go on until it ends."""
        self.gateway.forget_sessions()

    def malformed_dispatch(
        self, payload: Mapping[str, Any] | None = None, *, event: str = "MESSAGE_CREATE", text: str | None = None
    ) -> None:
        """Dispatches an event with that body, by default `{"id": "1"}`, or sends that very text."""
        self.gateway.malformed(event, payload, text)

    def drop_events(self, times: int | None = 1) -> None:
        """The next MESSAGE_CREATE events never reach the bot, not by a resume either: only the history has them."""
        self._dropped = times

    def duplicate_events(self, times: int | None = 1) -> None:
        """The next MESSAGE_CREATE events are dispatched twice, under two sequence numbers."""
        self._duplicated = times

    def clear(self) -> None:
        """Everything works again. Connections that were closed stay closed, forgotten sessions forgotten."""
        self.deaf = self.mute_heartbeats = self.refuse_posts = self.rest_down = self._blackout = False
        self._planned.clear()
        self._closes.clear()
        self._dropped = self._duplicated = self._refused = 0

    def take(self, name: str) -> Fault | None:
        """The fault for a call that has just come in, which uses it up."""
        if self.rest_down or (self.refuse_posts and name == "messages.create"):
            return Fault(status=503, body=b"no healthy upstream")
        if not self._planned:
            return None
        for each in (name, ANY_ROUTE):
            plans = self._planned.get(each)
            if plans:
                return self._use(each, plans)
        return None

    def take_refusal(self) -> int | None:
        """The HTTP status for a gateway connection that has just come in; None where it is welcome."""
        self._refused, taken = _count_down(self._refused)
        return self._refused_status if taken else None

    def take_close(self) -> int:
        """The code that answers an IDENTIFY or RESUME; 0 where it is welcome."""
        return self._closes.popleft() if self._closes else 0

    def take_drop(self) -> bool:
        """Whether the event that is about to be dispatched is lost instead."""
        self._dropped, taken = _count_down(self._dropped)
        return taken

    def take_duplicate(self) -> bool:
        """Whether the event that has just been dispatched is dispatched once more."""
        self._duplicated, taken = _count_down(self._duplicated)
        return taken

    def _plan(self, name: str, fault: Fault, times: int | None) -> None:
        self._planned.setdefault(name, deque()).append(_Planned(fault, times))

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
