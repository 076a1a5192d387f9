"""Rendering alone: how long an answer of some length takes to become each platform's messages."""

import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count

from bridge.channel import Payload
from bridge.registry import CHANNELS, Registry

SIZES = (50_000, 100_000, 200_000, 400_000)  # characters
BASE = 100_000
"""The size that the growth is told from."""
ROUNDS = 15

_SENTENCE = (
    "Worker N takes a **job** from the queue, runs `handle(job, N)` and writes what became of it, as "
    "[the plan](https://example.com/plan/N) says. "
)
_PROSE = _SENTENCE * 4 + "\n\n"
_CODE = "```python\n" + "    result = handle(job, retries=N)  # twice is enough\n" * 12 + "```\n\n"
_LIST = "- one that is `short`, N\n- one that says a little more about N\n  - and N below\n\n"
_ROWS = "| claim N | N | under load of N |\n"
_TABLE = "| step | ms | note |\n|---|--:|---|\n"

ANSWERS: Mapping[str, tuple[str, str]] = {
    "plain lines": ("", "All work and no play makes Jack a dull boy.\n"),
    "prose, code, lists": ("", "## What happens in N\n\n" + _PROSE + _LIST + _CODE),
    "prose alone": ("", _PROSE),
    "code alone": ("", _CODE),
    "tables alone": ("", _TABLE + _ROWS * 8 + "\n"),
    "lists alone": ("", _LIST),
    "one paragraph": ("", _SENTENCE),
    "one block of code": ("```python\n", "    result = handle(job, retries=N)  # twice is enough\n"),
    "one table": (_TABLE, _ROWS),
}
"""How an answer begins, and what is then repeated until it is long enough; each N becomes another number, so that
nothing is said twice."""

Render = Callable[[str], Sequence[Payload]]


def run() -> int:
    """Prints a line for each kind of answer and platform: the median of some rounds for each length, and its growth."""
    channels = Registry(CHANNELS)
    sizes = "".join(f"{size // 1000:>6} kB" for size in SIZES)
    print(f"{'':30}{sizes}  ms, median of {ROUNDS}; the longer ones as multiples of {BASE // 1000} kB")
    for kind, (opening, repeated) in ANSWERS.items():
        for name in sorted(channels):
            found = {size: measure(channels[name].render, answer(repeated, size, opening)) for size in SIZES}
            times = "".join(f"{seconds * 1000:>9.1f}" for seconds in found.values())
            growth = "".join(f"{found[size] / found[BASE]:>6.1f}x" for size in SIZES if size > BASE)
            print(f"{kind + ', ' + name:30}{times}{growth}", flush=True)
    return 0


def answer(repeated: str, size: int, opening: str = "") -> str:
    """So many characters, every N another number."""
    numbers = count()
    text = opening + repeated * (size // len(repeated) + 1)
    return re.sub("N", lambda _: str(next(numbers)), text)[:size]


def measure(render: Render, text: str, rounds: int = ROUNDS) -> float:
    """Seconds that one rendering takes, the median."""
    return statistics.median(_once(render, text) for _ in range(rounds))


def _once(render: Render, text: str) -> float:
    began = time.perf_counter()
    render(text)
    return time.perf_counter() - began
