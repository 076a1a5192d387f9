"""The driver's side of `bench/store_process.py`: several of them on one database."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import psutil

from bench.stage import BenchError

PATIENCE = 120.0
"""Seconds that one report may take."""
STOP_SECONDS = 10.0


class Worker:
    """One process. What it reports is kept until somebody asks for it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._system = psutil.Process(process.pid)
        self._reports: dict[str, list[dict[str, Any]]] = {}
        self._reported = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    def tell(self, do: str, **arguments: Any) -> None:
        """Has it do something; what comes of it is a report."""
        assert self._process.stdin
        self._process.stdin.write((json.dumps({"do": do, **arguments}) + "\n").encode())

    async def hear(self, what: str) -> dict[str, Any]:
        """The next report of that name."""
        await _until(lambda: bool(self._reports.get(what)) or self._reading.done(), [self])
        if not self._reports.get(what):
            raise BenchError("a process of the benchmark ended: what it said is above")
        return self._reports[what].pop(0)

    def heard(self, what: str) -> list[dict[str, Any]]:
        """All reports of that name so far; they are not kept any more."""
        return self._reports.pop(what, [])

    def count(self, what: str) -> int:
        """How many reports of that name are kept."""
        return len(self._reports.get(what, ()))

    def cpu(self) -> float:
        """Seconds of CPU since its start."""
        times = self._system.cpu_times()
        return float(times.user + times.system)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    async def end(self) -> None:
        """Lets it end, or kills it."""
        assert self._process.stdin
        self._process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout
        while (line := await self._process.stdout.readline()).endswith(b"\n"):  # a killed one ends anywhere
            report: dict[str, Any] = json.loads(line)
            self._reports.setdefault(next(iter(report)), []).append(report)
            self._reported.set()
        self._reported.set()

    def next_report(self) -> asyncio.Task[Any]:
        """Ends with the next one."""
        self._reported.clear()
        return asyncio.create_task(self._reported.wait())


async def all_reported(workers: Sequence[Worker], what: str, count: int) -> list[list[dict[str, Any]]]:
    """So many reports of that name, of all of them together; each worker's."""
    await _until(lambda: sum(worker.count(what) for worker in workers) >= count, workers)
    return [worker.heard(what) for worker in workers]


async def _until(ready: Any, workers: Sequence[Worker]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not ready():
                coming = [worker.next_report() for worker in workers]
                await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
                for each in coming:
                    each.cancel()
    except TimeoutError:
        raise BenchError(f"the processes did not report within {PATIENCE:.0f} s") from None


@asynccontextmanager
async def working(url: str, roles: Sequence[str]) -> AsyncGenerator[Sequence[Worker]]:
    """A process for each role, all of which know each other; ended on the way out."""
    workers: list[Worker] = []
    try:
        for role in roles:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.store_process", url, role,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24,
            )  # fmt: skip
            workers.append(Worker(process))
            await workers[-1].hear("ready")
        for worker in workers:
            worker.tell("renew")
            if (await worker.hear("renewed"))["renewed"] != len(roles) - 1:
                raise BenchError("the processes do not know each other")
        yield workers
    finally:
        await asyncio.gather(*(worker.end() for worker in workers))
