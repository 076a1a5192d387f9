"""A bridge reduced to its store, to be killed: accepts messages, runs them, posts the answers into a file.

`python -m tests.store.worker URL FOLDER MESSAGES SESSIONS SEED`: ends by itself when everything is posted. Several may
run on one PostgreSQL.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from bridge.channel import MessageRef
from bridge.store.protocol import Accepted, Arrival, DeliveryLease, TurnLease
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, result
from bridge.work import Crew, until_stored

LEASE_SECONDS = 2.0


class Worker:
    def __init__(self, url: str, folder: Path, messages: int, sessions: int, seed: int) -> None:
        self.url = url
        self.folder = folder
        self.messages = messages
        self.sessions = sessions
        self.random = random.Random(seed)
        self.accepted = (folder / "accepted").open("ab", buffering=0)
        self.posted = (folder / "posted").open("ab", buffering=0)
        self.all_posted = asyncio.Event()

    async def run(self) -> None:
        self.store = await SqlStore.open(self.url, lease_seconds=LEASE_SECONDS)
        turns = Crew(16, lambda free: self.store.lease_turns("main", free), self.answer, self.store.let_go)
        posts = Crew(16, lambda free: self.store.lease_deliveries("c", free), self.post, self.store.let_go)
        loops = [asyncio.create_task(crew.claim_for_ever()) for crew in (turns, posts)]
        loops += [asyncio.create_task(self.renew()), asyncio.create_task(self.look_at_posts_of_others())]
        self.look_at_posts()
        await self.accept_everything()
        await self.all_posted.wait()
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await self.store.close()

    async def accept_everything(self) -> None:
        """Everything from the beginning, as after every start: what is known already is a duplicate."""
        for number in range(self.messages):
            message = arrival(number, f"t{number % self.sessions}")
            both = await asyncio.gather(self.accept(message), self.accept(message))
            assert both.count(Accepted.TURN) <= 1
            self.accepted.write(b"%d\n" % number)

    async def accept(self, message: Arrival) -> Accepted:
        return await until_stored(lambda: self.store.accept(message))

    async def renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            await until_stored(self.store.renew)

    async def look_at_posts_of_others(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            self.look_at_posts()

    async def answer(self, lease: TurnLease) -> None:
        if self.random.random() < 0.1:
            await self.store.retry_turn(lease, 0.001, "refused at random")
        else:
            await self.store.finish_turn(lease, result(f"{lease.session} {lease.envelope.id}"))

    async def post(self, lease: DeliveryLease) -> None:
        line = f"{lease.id} {lease.payload['text']}\n".encode()
        if not (lease.in_doubt and line in (self.folder / "posted").read_bytes().splitlines(keepends=True)):
            if self.random.random() < 0.1:
                await self.store.retry_delivery(lease, 0.001, "refused at random", in_doubt=False)
                return
            await self.store.confirm(lease)
            self.posted.write(line)
        await self.store.delivered(lease, MessageRef(lease.id))
        self.look_at_posts()

    def look_at_posts(self) -> None:
        if (self.folder / "posted").read_bytes().count(b"\n") >= self.messages:
            self.all_posted.set()


if __name__ == "__main__":
    url, folder, messages, sessions, seed = sys.argv[1:]
    asyncio.run(Worker(url, Path(folder), int(messages), int(sessions), int(seed)).run())
    os._exit(0)
