"""The last look before a call goes out that others will see: whose work it is may have changed while it waited.

A channel whose calls are made by aiohttp gives `before_each_call` to its sessions: the look is then taken when a
connection is there, and what is written follows at once. Where it fails, that connection is closed.
"""

import contextlib
from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import aiohttp

Confirm = Callable[[], Awaitable[None]]
"""Raises LeaseLost if the work is somebody else's by now, StoreError if nobody knows."""


class Looks:
    """The looks that are taken for one piece of work."""

    def __init__(self, confirm: Confirm) -> None:
        self._confirm = confirm
        self.passed = False
        """A call was let through: what it does may be done, whatever a later look says."""

    async def take(self) -> None:
        await self._confirm()
        self.passed = True


_looks: ContextVar[Looks | None] = ContextVar("looks", default=None)


@contextlib.contextmanager
def guarded(confirm: Confirm) -> Generator[Looks]:
    """Every call of a channel that is made in this is made only after `confirm`."""
    looks = Looks(confirm)
    before = _looks.set(looks)
    try:
        yield looks
    finally:
        _looks.reset(before)


async def still_ours() -> None:
    """To be awaited right before a call; raises what `confirm` raises."""
    looks = _looks.get()
    if looks is not None:
        await looks.take()


def before_each_call() -> aiohttp.TraceConfig:
    """For `ClientSession(trace_configs=…)`: a call that is not ours any more fails before anything of it is written.

    Of a body in several pieces, before the next piece is.
    """

    async def look(_session: aiohttp.ClientSession, _context: SimpleNamespace, _parameters: Any) -> None:
        await still_ours()

    trace = aiohttp.TraceConfig()
    # Called before the headers are written, whatever its name (`http_writer.py`, `write_headers`). A connection that is
    # there when one of the signals about connections fails is forgotten without being closed (`connector.py`, 3.14.5).
    trace.on_request_headers_sent.append(look)
    # The headers are only kept then and written with the body, in a step of the loop to come: before that again.
    trace.on_request_chunk_sent.append(look)
    return trace
