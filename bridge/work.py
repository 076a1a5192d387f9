"""Claiming work as long as there are free hands, and writing down what became of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from bridge import retry
from bridge.errors import LeaseLost, StoreError, Unstorable

_log = structlog.get_logger(__name__)

_Lease = TypeVar("_Lease")
_Result = TypeVar("_Result")


class Crew(Generic[_Lease]):
    """At most `hands` leases in work at once.

    `claim(n)` waits until there is work and returns at most n leases. `let_go` is called when nobody works on a lease
    any more, however its work ended.
    """

    def __init__(
        self,
        hands: int,
        claim: Callable[[int], Awaitable[Sequence[_Lease]]],
        do: Callable[[_Lease], Awaitable[None]],
        let_go: Callable[[_Lease], None],
    ) -> None:
        self._hands = hands
        self._claim = claim
        self._do = do
        self._let_go = let_go
        self._tasks: set[asyncio.Task[None]] = set()
        self._one_ended = asyncio.Event()

    async def claim_for_ever(self) -> None:
        """Claims and begins work until cancelled; what was begun goes on."""
        while True:
            while len(self._tasks) >= self._hands:
                self._one_ended.clear()
                await self._one_ended.wait()
            for lease in await self._claim(self._hands - len(self._tasks)):
                task = asyncio.create_task(self._run(lease))
                self._tasks.add(task)
                task.add_done_callback(self._ended)

    async def settle(self) -> bool:
        """Waits until what is in work now has ended; False if nothing was."""
        busy = bool(self._tasks)
        if busy:
            await asyncio.wait(self._tasks)
        return busy

    async def finish(self, seconds: float) -> int:
        """Waits so long for what was begun, then cancels the rest. Returns how many were cancelled."""
        _, pending = (
            await asyncio.wait(self._tasks, timeout=seconds) if self._tasks else (None, set[asyncio.Task[None]]())
        )
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return len(pending)

    async def _run(self, lease: _Lease) -> None:
        try:
            await self._do(lease)
        except Exception:  # noqa: BLE001 - a crew goes on
            _log.exception("work.broke")
        finally:
            self._let_go(lease)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._one_ended.set()


async def until_stored(write: Callable[[], Awaitable[_Result]]) -> _Result:
    """Repeats a write until the store takes it, for its result: what an agent said is not lost to a full disk.

    Raises LeaseLost or Unstorable, which no repetition mends.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return await write()
        except (LeaseLost, Unstorable):
            raise
        except StoreError as error:
            _log.error("store.refused", reason=str(error), attempt=attempt)
            await asyncio.sleep(retry.wait(attempt, 0))
