"""A process with nothing but a store: does what it is told on stdin, and says on stdout what happened when.

`python -m bench.store_process URL ROLE`, `ROLE` as of `threadbridge run --only`, or `all`. One object of JSON in each
line; times are `time.monotonic`, which all processes of a machine share. It ends with stdin.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from typing import Any

import structlog
import uvloop

from bench.store import AT_ONCE, arrivals
from bridge.channel import MessageRef
from bridge.store.peers import About
from bridge.store.protocol import Accepted, DeliveryLease, NewDelivery, TurnLease, TurnResult
from bridge.store.sqlstore import SqlStore
from bridge.work import Crew

PATIENCE = 5.0
"""Seconds for what is in work at the end."""


class StoreProcess:
    """What it can be told: the methods without an underscore."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._working: list[asyncio.Task[None]] = []
        self._crews: tuple[Crew[Any], ...] = ()

    async def accept(self, prefix: str, which: list[int], sessions: int) -> None:
        """Takes these messages, all at once; a number that is there twice is the same message."""
        made = arrivals(prefix, which, sessions)
        began = time.monotonic()
        outcomes = await asyncio.gather(*(self._store.accept(arrival) for arrival in made))
        say(accepted=outcomes.count(Accepted.TURN), calls=len(made), began=began, ended=time.monotonic())

    async def work(self) -> None:
        """Runs turns and posts their answers from now on."""
        turns = Crew(AT_ONCE, self._lease_turns, self._answer, self._store.let_go)
        posts = Crew(AT_ONCE, lambda free: self._store.lease_deliveries("slack", free), self._post, self._store.let_go)
        self._crews = (turns, posts)
        self._working = [asyncio.create_task(crew.claim_for_ever()) for crew in self._crews]

    async def hold(self, limit: int) -> None:
        """Leases so many turns and answers none of them."""
        held: list[int] = []
        while len(held) < limit:  # another process may have its share of what is asked for
            held += [lease.seq for lease in await self._store.lease_turns("bench", AT_ONCE, most=AT_ONCE)]
        say(held=held)

    async def claim(self, times: int) -> None:
        """Leases one turn after the other while others wait, and then answers them."""
        leases: list[TurnLease] = []
        took: list[float] = []
        for _ in range(times):
            began = time.monotonic()
            leases += await self._store.lease_turns("bench", 1)
            took.append(time.monotonic() - began)
        for lease in leases:
            await self._answer(lease)
            self._store.let_go(lease)
        say(claimed=took)

    async def rest(self) -> None:
        """Claims nothing more; what is in work may end first."""
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        for crew in self._crews:
            await crew.finish(PATIENCE)
        say(rests=True)

    async def close(self) -> None:
        """The end of it."""
        await self.rest()
        await self._store.close()

    async def renew(self) -> None:
        """Shows a sign of life, and who else does."""
        await self._store.renew()
        say(renewed=len(self._store.peers.alive))

    async def renew_for_ever(self) -> None:
        """A sign of life now and then, as the bridge shows it."""
        while True:
            await asyncio.sleep(self._store.lease_seconds / 3)
            await self._store.renew()

    async def _lease_turns(self, free: int) -> list[TurnLease]:
        leases = list(await self._store.lease_turns("bench", free, most=AT_ONCE))
        say(turns=[lease.seq for lease in leases], at=time.monotonic())
        return leases

    async def _answer(self, lease: TurnLease) -> None:
        await self._store.begin_turn(lease)
        said = NewDelivery(lease.envelope.conversation, {"text": lease.envelope.text})
        reply = lease.envelope.model_copy(update={"id": f"reply-{lease.seq}"})
        result = TurnResult("answered", [said], replies=[reply], continuation=f"resp-{lease.seq}")
        await self._store.finish_turn(lease, result)

    async def _post(self, lease: DeliveryLease) -> None:
        await self._store.delivered(lease, MessageRef(f"C0/{lease.seq}"))
        say(delivered=lease.seq, at=time.monotonic())


def say(**what: Any) -> None:
    """One report."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def run(url: str, role: str) -> None:
    """Until stdin ends."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    about = About(("slack",), ("bench",), listens=role != "work", works=role != "channels")
    store = await SqlStore.open(url, about=about)
    process = StoreProcess(store)
    renewing = asyncio.create_task(process.renew_for_ever())
    orders = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    say(ready=os.getpid())
    while line := await orders.readline():
        order = json.loads(line)
        await getattr(process, order.pop("do"))(**order)
    renewing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await renewing
    await process.close()


if __name__ == "__main__":
    uvloop.run(run(*sys.argv[1:]))
    os._exit(0)
