"""What the commands share: options, reading the configuration, and saying things at a terminal or in a pipe."""

import re
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge import config, registry
from bridge.config import Config
from bridge.errors import BridgeError, ConfigError

# soft_wrap: a line that is piped into another program stays a line.
out = Console(soft_wrap=True)
_pipe = Console(soft_wrap=True, width=100_000)
err = Console(stderr=True, soft_wrap=True, highlight=False)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help=f"The file to read; else ${config.PATH_VARIABLE}, else ./{config.DEFAULT_PATH}."
    ),
]
SinceOption = Annotated[str | None, typer.Option("--since", help="Only of the last 30min, 2h, 1d, …")]
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def load(path: Path | None) -> Config:
    """The configuration. Raises ConfigError."""
    return config.load(
        config.locate(path),
        channel_types=registry.Registry(registry.CHANNELS),
        instance_types=registry.Registry(registry.INSTANCES),
    )


def fail(problems: Iterable[str]) -> NoReturn:
    """Says what is wrong, a sentence each, and ends with 1."""
    for problem in problems:
        err.print(f"threadbridge: {shown(problem)}", markup=False)
    raise typer.Exit(1)


@contextmanager
def telling() -> Generator[None]:
    """Turns our own errors into sentences and exit code 1."""
    try:
        yield
    except BridgeError as error:
        fail(error.problems if isinstance(error, ConfigError) else (str(error),))


def shown(text: str) -> str:
    """What people wrote, without the characters that would steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text.expandtabs(4))


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A table: at a terminal as wide as that, in a pipe one line for each row."""
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(Text(shown(cell) if out.is_terminal else " ".join(shown(cell).split())) for cell in row))
    (out if out.is_terminal else _pipe).print(table)


def since(text: str | None) -> float | None:
    """`2h` -> two hours ago, in seconds since the epoch."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{1,9})\s*(s|min|m|h|d|w)", text)
    if found is None:
        fail([f'--since "{text}": write a number and s, min, h, d or w, as in 2h'])
    return time.time() - int(found[1]) * _SECONDS[found[2]]


def iso(at: float | None) -> str | None:
    """Seconds since the epoch as `2026-01-31T09:00:00.123Z`."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(at: float) -> str:
    """How long ago that was, in the largest unit that fits."""
    seconds = max(0, round(datetime.now(UTC).timestamp() - at))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
