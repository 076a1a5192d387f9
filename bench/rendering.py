"""Rendering alone: how long an answer of some length takes to become each platform's messages."""

import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count

from bridge.channel import Payload
from bridge.registry import CHANNELS, Registry

SIZES = (25_000, 100_000, 400_000)  # characters
ROUNDS = 9

_SENTENCE = (
    "Worker N takes a **job** from the queue, runs `handle(job, N)` and writes what became of it, as "
    "[the plan](https://example.com/plan/N) says. "
)
_PROSE = _SENTENCE * 4 + "\n\n"
_CODE = "```python\n" + "    result = handle(job, retries=N)  # twice is enough\n" * 12 + "```\n\n"
_LIST = "- one that is `short`, N\n- one that says a little more about N\n  - and N below\n\n"
_TABLE = "| step | ms | note |\n|---|--:|---|\n" + "| claim N | N | under load of N |\n" * 8 + "\n"

ANSWERS: Mapping[str, str] = {
    "plain lines": "All work and no play makes Jack a dull boy.\n",
    "prose, code, lists": "## What happens in N\n\n" + _PROSE + _LIST + _CODE,
    "prose alone": _PROSE,
    "code alone": _CODE,
    "tables alone": _TABLE,
}
"""What is repeated until the answer is long enough; each N becomes another number, so that nothing is said twice."""

Render = Callable[[str], Sequence[Payload]]


def run() -> int:
    """Prints a line for each kind of answer and platform: the median of some rounds for each length."""
    channels = Registry(CHANNELS)
    print(f"{'':32}" + "".join(f"{size // 1000:>9} kB" for size in SIZES) + "  ms, median")
    for kind, repeated in ANSWERS.items():
        for name in sorted(channels):
            found = [measure(channels[name].render, answer(repeated, size)) for size in SIZES]
            print(f"{kind + ', ' + name:32}" + "".join(f"{one * 1000:>12.1f}" for one in found), flush=True)
    return 0


def answer(repeated: str, size: int) -> str:
    """So many characters, every N another number."""
    numbers = count()
    return re.sub("N", lambda _: str(next(numbers)), repeated * (size // len(repeated) + 1))[:size]


def measure(render: Render, text: str, rounds: int = ROUNDS) -> float:
    """Seconds that one rendering takes, the median."""
    return statistics.median(_once(render, text) for _ in range(rounds))


def _once(render: Render, text: str) -> float:
    began = time.perf_counter()
    render(text)
    return time.perf_counter() - began
