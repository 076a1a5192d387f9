"""SQLite against PostgreSQL with one, two and three processes: the same work in the same run."""

import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench import history, plans, shared_bridge, shared_store
from bench.databases import NotInstalled, Server, sqlite_file
from bench.figures import Figure
from bench.protocol import Platform

SQLITE = "SQLite"
COLUMNS: Mapping[str, int] = {SQLITE: 1, "PostgreSQL": 1, "PostgreSQL ×2": 2, "PostgreSQL ×3": 3}
"""Name -> how many processes."""
Round = dict[str, dict[str, float]]
"""Column -> figure -> value."""

STORE = (
    Figure("idle", "idle: accept to the start of the turn, p50", "ms"),
    Figure("idle_elsewhere", "the same, accepted by another process", "ms"),
    Figure("accepted", "calls of accept per second", "1/s", 0),
    Figure("whole", "messages per second, accept to delivered", "1/s", 0),
    Figure("cpu", "CPU of the processes per 1,000 messages", "s", 2),
    Figure("server_cpu", "CPU of PostgreSQL per 1,000 messages", "s", 2),
    Figure("least_share", "turns that the least busy process ran", "%", 0),
    Figure("takeover", "SIGKILL to the first turn taken over", "s", 2),
    Figure("takeover_all", "SIGKILL to the last one", "s", 2),
)
BRIDGE = (
    Figure("idle_request_p50", "idle: event to request at the agent, p50", "ms"),
    Figure("idle_post_p50", "idle: event to posted answer, p50", "ms"),
    Figure("per_second", "answered messages per second", "1/s", 0),
    Figure("cpu", "CPU of the bridge per 1,000 messages", "s", 2),
    Figure("server_cpu", "CPU of PostgreSQL per 1,000 messages", "s", 2),
    Figure("driver_percent", "the driver's own CPU (100 = it is the limit)", "%", 0),
    Figure("missing", "answers missing", "", 0),
    Figure("doubled", "answers too many", "", 0),
    Figure("out_of_order", "answers not in the order of the questions", "", 0),
    Figure("takeover", "SIGKILL to the first answer taken over", "s", 2),
    Figure("takeover_all", "SIGKILL to the last one", "s", 2),
)
LONG = (
    Figure("claim", "one claim while others wait, p50", "ms", 2),
    *(one for one in STORE if one.key in ("idle", "accepted", "whole", "cpu", "server_cpu")),
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done in a round."""

    store: shared_store.Size = field(default_factory=shared_store.Size)
    bridge: shared_bridge.Size = field(default_factory=shared_bridge.Size)
    processes: int = 3
    """The most on one database."""


QUICK = Size(
    shared_store.Size(messages=300, sessions=100, idle=20, held=5),
    shared_bridge.Size(idle=20, threads=20, per_thread=5, held=10),
    processes=2,
)
SMALLEST = Size(
    shared_store.Size(messages=20, sessions=4, idle=2, held=2),
    shared_bridge.Size(idle=2, threads=2, per_thread=2, held=4),
    processes=2,
)


async def run(platforms: Mapping[str, Callable[[], Platform]], rounds: int, size: Size) -> dict[str, list[Round]]:
    """Prints a table for the store alone and one for each platform; what was measured, part by part."""
    with _server() as server:
        columns = {name: processes for name, processes in COLUMNS.items() if processes <= size.processes}
        if server is None:
            columns = {SQLITE: 1}
        found: dict[str, list[Round]] = {"the store alone": [], **{name: [] for name in platforms}}
        for number in range(1, rounds + 1):
            began = time.monotonic()
            found["the store alone"].append(await _store(server, size.store, columns))
            for name, make in platforms.items():
                found[name].append(await _bridge(server, make, size.bridge, columns))
            load = os.getloadavg()[0]
            print(f"round {number} of {rounds}: {time.monotonic() - began:.0f} s, load average {load:.1f}", flush=True)
    for name, measured in found.items():
        print(f"\n{table(name, STORE if name == 'the store alone' else BRIDGE, measured)}")
    return found


async def run_long(
    rounds: int, size: Size, turns: int = history.TURNS, sessions: int = history.SESSIONS
) -> dict[str, list[Round]]:
    """Prints the store's figures on that history against those on none, and how PostgreSQL finds what to claim."""
    found: dict[str, list[Round]] = {}
    with _server() as server:
        for name in (SQLITE, "PostgreSQL") if server else (SQLITE,):
            with _database(server, name) as long:
                began = time.monotonic()
                history.write(long, turns=turns, sessions=sessions)
                print(f"{name}: {turns:,} turns written in {time.monotonic() - began:.0f} s", flush=True)
                measured: list[Round] = []
                cpu = server.cpu if server and name != SQLITE else _no_cpu
                for number in range(rounds):
                    with _database(server, name) as empty:
                        measured.append({
                            "empty": await _long(empty, size.store, cpu, number),
                            f"{turns:,} turns": await _long(long, size.store, cpu, number),
                        })  # fmt: skip
                print(f"\n{table(name, LONG, measured)}", flush=True)
                if name != SQLITE:
                    print("\n".join(["", "how the claim looks, nothing analyzed by hand:", *plans.scans(long)]))
                found[name] = measured
    return found


def table(title: str, figures: Sequence[Figure], rounds: Sequence[Round]) -> str:
    """The median of each figure, and the median of its ratios to the first column of the same round. Pure."""
    columns = list(rounds[0])
    lines = [f"{title:<52}" + "".join(f"{name:>24}" for name in columns)]
    for figure in figures:
        cells = [_cell(rounds, columns[0], column, figure) for column in columns]
        if any(cells):
            label = f"  {figure.label}" + (f", {figure.unit}" if figure.unit else "")
            lines.append(f"{label:<52}" + "".join(f"{cell or '-':>24}" for cell in cells))
    return "\n".join(lines)


def _cell(rounds: Sequence[Round], first: str, column: str, figure: Figure) -> str:
    values = [one[column][figure.key] for one in rounds if figure.key in one[column]]
    if not values:
        return ""
    pairs = [(one[column][figure.key], one[first].get(figure.key)) for one in rounds if figure.key in one[column]]
    ratios = [value / to for value, to in pairs if to]
    ratio = f" ({median(ratios):.2f}×)" if ratios and column != first and figure.unit != "%" else ""
    return f"{median(values):,.{figure.digits}f}{ratio}"


def as_json(found: Mapping[str, Sequence[Round]], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured."""
    return {"machine": dict(machine), "together": {name: [*rounds] for name, rounds in found.items()}}


async def _store(server: Server | None, size: shared_store.Size, columns: Mapping[str, int]) -> Round:
    found: Round = {}
    for name, processes in columns.items():
        with _database(server, name) as url:
            cpu = server.cpu if server and name != SQLITE else _no_cpu
            found[name] = await shared_store.measure(url, processes, size, cpu)
    for name in [name for name, processes in columns.items() if processes == 2]:
        with _database(server, name) as url:
            found[name]["idle_elsewhere"] = await shared_store.idle_elsewhere(url, size)
        with _database(server, name) as url:
            found[name]["takeover"], found[name]["takeover_all"] = await shared_store.takeover(url, size)
    return found


async def _bridge(
    server: Server | None, make: Callable[[], Platform], size: shared_bridge.Size, columns: Mapping[str, int]
) -> Round:
    found: Round = {}
    for name, processes in columns.items():
        with _database(server, name) as url:
            cpu = server.cpu if server and name != SQLITE else _no_cpu
            found[name] = await shared_bridge.measure(make, url, processes, size, cpu)
        if processes == 2:
            with _database(server, name) as url:
                found[name]["takeover"], found[name]["takeover_all"] = await shared_bridge.takeover(make, url, size)
    return found


async def _long(url: str, size: shared_store.Size, cpu: Callable[[], float], number: int) -> dict[str, float]:
    figures = await shared_store.measure(url, 1, size, cpu, of=f"-{number}")
    return figures | {"claim": await shared_store.claims(url, size, of=f"-{number}")}


@contextmanager
def _server() -> Generator[Server | None]:
    try:
        server = Server()
    except NotInstalled as error:
        print(f"SQLite alone: PostgreSQL {error}", flush=True)
        yield None
        return
    try:
        yield server
    finally:
        server.close()


@contextmanager
def _database(server: Server | None, column: str) -> Generator[str]:
    with sqlite_file() if column == SQLITE or server is None else server.database() as url:
        yield url


def _no_cpu() -> float:
    return 0.0
