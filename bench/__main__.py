"""`python -m bench`: the bridge against the bots written by hand, or with --store or --rendering a part alone."""

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import cluster, figures, heartbeats, load, recovery, rendering, store, streams
from bench.load import Size
from bench.platforms import BEATING, LIMITED, PLATFORMS
from bench.stage import LATENCY, BenchError

QUICK = Size(idle=30, threads=40, per_thread=10, known=1_000, in_flight=40, held=3)
LIBRARIES = ("slack-bolt", "slack-sdk", "discord.py", "aiohttp", "httpx", "SQLAlchemy")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if everything could be measured."""
    options = _options().parse_args(arguments)
    size = QUICK if options.quick else Size()
    size = Size(**{key: getattr(options, key) or value for key, value in asdict(size).items()})
    here = _machine()
    print(f"{here['cpus']} CPU cores, {here['system']}, Python {here['python']}, load average {here['load']}")
    names = [options.platform] if options.platform else list(PLATFORMS)
    try:
        if options.store:
            return store.run(million=options.million)
        if options.cluster:
            found = _run(_cluster(names, options))
            _write(options.json, cluster.as_json(found, here))
            return 0
        if options.rendering:
            return rendering.run()
        if options.streams:
            for name in names:
                print(name)
                _run(streams.run(LIMITED[name], options.rounds))
            return 0
        if options.recovery:
            _run(recovery.run(PLATFORMS[names[0]], recovery.UNFINISHED, options.rounds))
            return 0
        found = _run(_measure_all(names, 1 if options.quick else options.rounds, size))
        together = {} if options.platform else _run(_cluster(names, options))
    except BenchError as error:
        print(f"The benchmark could not go on: {error}", file=sys.stderr)
        return 1
    for name, rounds in found.items():
        print(f"\n{name}\n{figures.table(rounds)}")
    _write(
        options.json, (cluster.as_json(together, here) if together else {}) | figures.as_json(found, here, asdict(size))
    )
    return 0


async def _cluster(names: Sequence[str], options: argparse.Namespace) -> dict[str, list[cluster.Round]]:
    size = cluster.QUICK if options.quick else cluster.Size()
    rounds = 1 if options.quick else options.rounds
    if options.million:
        return await cluster.run_long(rounds, size)
    some = names[:1] if options.quick else names
    return await cluster.run({name: PLATFORMS[name] for name in some}, rounds, size)


def _write(file: Path | None, measured: Mapping[str, Any]) -> None:
    if file:
        file.write_text(json.dumps(measured, indent=1), encoding="utf-8")


async def _measure_all(names: Sequence[str], count: int, size: Size) -> dict[str, list[figures.Round]]:
    print(
        f"{count} rounds, agent's latency {LATENCY * 1000:.0f} ms; {size.idle} messages one by one, then "
        f"{size.threads * size.per_thread} at once over {size.threads} threads, then again with {size.known} known",
        flush=True,
    )
    rounds: dict[str, list[figures.Round]] = {name: [] for name in names}
    for number in range(1, count + 1):
        for name in names:
            found: dict[str, dict[str, float]] = {}
            for bot in ("bare", "bridge"):
                began = time.monotonic()
                found[bot] = await _measure(name, bot, size)
                print(
                    f"{name}, round {number} of {count}, {bot}: {found[bot]['per_second']:.0f}/s, "
                    f"{found[bot]['cpu']:.2f} s of CPU per 1,000, idle p50 {found[bot]['idle_post_p50']:.0f} ms "
                    f"({time.monotonic() - began:.0f} s)",
                    flush=True,
                )
            rounds[name].append(found)
    return rounds


async def _measure(name: str, bot: str, size: Size) -> dict[str, float]:
    found = await load.measure(PLATFORMS[name], bot, size)
    if name in BEATING:
        found |= await heartbeats.measure(BEATING[name], bot, size)
    return found


def _run(awaited: Any) -> Any:
    """On uvloop where it is installed: the driver shall not be what is measured."""
    try:
        import uvloop  # noqa: PLC0415 - not on every stage
    except ImportError:
        return asyncio.run(awaited)
    return uvloop.run(awaited)


def _machine() -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "libraries": {name: version(name) for name in LIBRARIES},
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--platform",
        choices=PLATFORMS,
        help="measure only this one, and not several processes unless --cluster is given",
    )
    parser.add_argument("--rounds", type=int, default=3, help="pairs of measurements (3)")
    parser.add_argument("--quick", action="store_true", help="one small round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    for key, value in asdict(Size()).items():
        parser.add_argument(f"--{key.replace('_', '-')}", type=int, metavar="N", help=f"see README.md ({value})")
    parser.add_argument("--store", action="store_true", help="measure the store alone")
    parser.add_argument("--rendering", action="store_true", help="measure the rendering of answers alone")
    parser.add_argument("--recovery", action="store_true", help="measure how soon a killed bridge goes on")
    parser.add_argument("--streams", action="store_true", help="measure while many answers are shown as they grow")
    parser.add_argument(
        "--cluster", action="store_true", help="measure SQLite against PostgreSQL with 1, 2, 3 processes"
    )
    parser.add_argument(
        "--million", action="store_true", help="with --store or --cluster: with a million finished turns against none"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
