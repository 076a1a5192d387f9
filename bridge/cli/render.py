"""`threadbridge render`: what an answer looks like as a platform's messages, without sending it."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bridge import registry
from bridge.channel import Payload
from bridge.cli.terminal import JsonOption, fail, shown
from bridge.text import readable


def render(
    file: Annotated[str, typer.Argument(help="A file of Markdown; - reads standard input.")],
    channel_type: Annotated[str, typer.Option("--for", help="The type of channel.")],
    as_json: JsonOption = False,
) -> None:
    """Show the messages that an answer would be sent as. Connects nowhere."""
    types = registry.Registry(registry.CHANNELS)
    if channel_type not in types:
        fail([f'there is no type of channel "{channel_type}": write one of {", ".join(sorted(types))}'])
    payloads: Sequence[Payload] = types[channel_type].render(_read(file))
    text = json.dumps(list(payloads), indent=2) if as_json else as_text(payloads)
    print(shown(text) if sys.stdout.isatty() else text)


def as_text(payloads: Sequence[Payload]) -> str:
    """One payload after the other, each with its number, and each field with its name and its length."""
    lines: list[str] = []
    for number, payload in enumerate(payloads, 1):
        lines.append(f"═══ {number} of {len(payloads)}")
        for name, value in _fields(payload):
            lines += (f"─── {name}, {len(value)} characters", value)
    return "\n".join(lines)


def _fields(payload: Payload) -> list[tuple[str, str]]:
    """Texts by their path in the payload; everything else is structure."""
    found: list[tuple[str, str]] = []

    def walk(path: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
                walk(f"{path}.{key}".lstrip("."), inner)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, list):
            for number, inner in enumerate(value):  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
                walk(f"{path}[{number}]", inner)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, str) and path.rpartition(".")[2] != "type":
            found.append((path, value))

    walk("", payload)
    return found


def _read(file: str) -> str:
    if file == "-":
        return readable(sys.stdin.buffer.read().decode("utf-8", "replace"))
    try:
        return readable(Path(file).read_bytes().decode("utf-8", "replace"))
    except OSError as error:
        fail([f"{file} cannot be read: {error.strerror}"])
