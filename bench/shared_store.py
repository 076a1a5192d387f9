"""A store with several processes on it: how fast they are together, and how soon one takes over from another."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.stage import BenchError
from bench.store import repeated
from bench.workers import Worker, all_reported, working


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done in a round."""

    messages: int = 5_000
    sessions: int = 500
    idle: int = 100
    """Messages one after the other."""
    held: int = 20
    """Turns that the process has which is killed."""


async def measure(
    url: str, processes: int, size: Size, server_cpu: Callable[[], float], *, of: str = ""
) -> dict[str, float]:
    """What that many processes do with even shares, each of which takes messages and works.

    `of`: what makes these messages others than those that the store has already. Nothing is left open then.
    """
    async with working(url, ["all"] * processes) as workers:
        for worker in workers:
            worker.tell("work")
        figures = {"idle": await _one_by_one(workers, workers, size, of)}
        cpu, of_server = [worker.cpu() for worker in workers], server_cpu()
        began = time.monotonic()
        await _accept(workers, f"whole{of}", size)
        delivered = await all_reported(workers, "delivered", size.messages)
        ended = max(report["at"] for reports in delivered for report in reports)
        of_server = server_cpu() - of_server
        spent = sum(worker.cpu() - before for worker, before in zip(workers, cpu, strict=True))
        turns = [sum(len(report["turns"]) for report in worker.heard("turns")) for worker in workers]
        for worker in workers:
            worker.tell("rest")
            await worker.hear("rests")
        accepted = await _accept(workers, f"alone{of}", size)
        if of:
            await _drain(workers, size.messages)
    return figures | {
        "accepted": accepted,
        "whole": size.messages / (ended - began),
        "cpu": spent / size.messages * 1000,
        "server_cpu": of_server / size.messages * 1000,
        "least_share": min(turns) / sum(turns) * 100,
    }


async def idle_elsewhere(url: str, size: Size) -> float:
    """Milliseconds from accept in a process that only takes messages to the turn's start in another, p50."""
    async with working(url, ["channels", "work"]) as workers:
        workers[1].tell("work")
        return await _one_by_one(workers, workers[1:], size, "")


async def _one_by_one(workers: Sequence[Worker], able: Sequence[Worker], size: Size, of: str) -> float:
    """Milliseconds from accept in the first process to the start of the turn in whichever has it, p50."""
    took: list[float] = []
    for number in range(size.idle):
        workers[0].tell("accept", prefix=f"idle{of}", which=[number], sessions=size.idle)
        began = (await workers[0].hear("accepted"))["began"]
        await all_reported(able, "delivered", 1)
        took += [report["at"] - began for worker in able for report in worker.heard("turns")]
    return median(took) * 1000


async def takeover(url: str, size: Size) -> tuple[float, float]:
    """Seconds from SIGKILL of one of two processes until the other has the first and the last of its turns."""
    async with working(url, ["all", "all"]) as (killed, heir):
        killed.tell("accept", prefix="held", which=list(range(size.held)), sessions=size.held)
        await killed.hear("accepted")
        killed.tell("hold", limit=size.held)
        held = set((await killed.hear("held"))["held"])
        heir.tell("work")
        await _signs_of_life(heir)
        killed.kill()
        at = time.monotonic()
        taken: dict[int, float] = {}
        while not held <= taken.keys():
            report = await heir.hear("turns")
            taken |= dict.fromkeys(report["turns"], report["at"])
    return min(taken.values()) - at, max(taken.values()) - at


async def claims(url: str, size: Size, *, of: str = "") -> float:
    """Milliseconds that one claim takes while as many turns wait as there are sessions, p50."""
    async with working(url, ["all"]) as workers:
        workers[0].tell("accept", prefix=f"wait{of}", which=list(range(size.sessions)), sessions=size.sessions)
        await workers[0].hear("accepted")
        workers[0].tell("claim", times=min(size.idle, size.sessions))
        claimed = (await workers[0].hear("claimed"))["claimed"]
        await _drain(workers, size.sessions)
    return median(claimed) * 1000


async def _drain(workers: Sequence[Worker], messages: int) -> None:
    for worker in workers:
        worker.tell("work")
    await all_reported(workers, "delivered", messages)


async def _accept(workers: Sequence[Worker], prefix: str, size: Size) -> float:
    """Calls per second. Each session's messages come to all processes in turn, and what comes twice to two of them."""
    shares: list[list[int]] = [[] for _ in workers]
    seen: set[int] = set()
    for number in repeated(range(size.messages)):
        shares[(number // size.sessions + (number in seen)) % len(workers)].append(number)
        seen.add(number)
    for worker, share in zip(workers, shares, strict=True):
        worker.tell("accept", prefix=prefix, which=share, sessions=size.sessions)
    reports: list[dict[str, Any]] = [await worker.hear("accepted") for worker in workers]
    if sum(report["accepted"] for report in reports) != size.messages:
        raise BenchError(f"{sum(report['accepted'] for report in reports)} of {size.messages} messages were taken")
    began, ended = min(report["began"] for report in reports), max(report["ended"] for report in reports)
    return sum(report["calls"] for report in reports) / (ended - began)


async def _signs_of_life(worker: Worker) -> None:
    worker.tell("renew")
    await worker.hear("renewed")
