"""Answers as agents write them, and the messages that each platform gets of them, kept in files."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.channel import Payload
from bridge.cli.render import as_text
from bridge.registry import CHANNELS, Registry

GALLERY = Path(__file__).parent / "gallery"
CHANNEL_TYPES = Registry(CHANNELS)
ANSWERS = {path.stem: path.read_bytes().decode() for path in sorted(GALLERY.glob("*.md"))}
LONG = 45_000  # characters


def long_answer() -> str:
    """Everything that an answer may have, again and again, with numbers in it."""
    blocks: list[str] = []
    while sum(map(len, blocks)) < LONG:
        number = len(blocks)
        rows = "".join(f"| {number}.{row} | {'value ' * (row % 7 + 1)}| {row * number} |\n" for row in range(30))
        lines = "".join(f"    step_{number}_{line} = handle({line})  # and so on\n" for line in range(90))
        items = "".join(f"- point {number}.{item} about **it**\n  - below `it`\n" for item in range(25))
        prose = " ".join(
            f"Sentence {number}.{word} says *something* about [it](https://example.com/{word})." for word in range(60)
        )
        blocks.append(
            f"## Part {number}\n\n{prose}\n\n{items}\n```python\ndef part_{number}():\n{lines}```\n\n| row | words | n |\n|---|---|--:|\n{rows}\n"
        )
    return "".join(blocks)[:LONG]


def outline(payloads: Sequence[Payload]) -> str:
    """Of each text of a message only its length and how it begins and ends."""
    kept: list[str] = []
    for said in re.split(r"^(?=═══|─── )", as_text(payloads), flags=re.MULTILINE)[1:]:
        title, *lines = said.strip().split("\n")
        kept += [title, *([f"{lines[0][:50]} … {lines[-1][-50:]}"] if lines else [])]
    return "\n".join(kept)


def check(path: Path, shown: str, *, update: bool) -> None:
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"{shown}\n".encode())
    assert path.read_bytes().decode() == f"{shown}\n", "make gallery shows what changed"


@pytest.mark.parametrize("channel", sorted(CHANNEL_TYPES))
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_looks_as_it_did(name: str, channel: str, update_gallery: bool) -> None:
    shown = as_text(CHANNEL_TYPES[channel].render(ANSWERS[name]))
    check(GALLERY / channel / f"{name}.txt", shown, update=update_gallery)


@pytest.mark.parametrize("channel", sorted(CHANNEL_TYPES))
def test_a_long_answer_is_split_as_it_was(channel: str, update_gallery: bool) -> None:
    text = long_answer()
    assert len(text) == LONG
    check(GALLERY / channel / "long.txt", outline(CHANNEL_TYPES[channel].render(text)), update=update_gallery)


def test_there_is_no_picture_without_an_answer() -> None:
    for channel in CHANNEL_TYPES:
        assert {path.stem for path in (GALLERY / channel).glob("*")} == {*ANSWERS, "long"}
    assert len(ANSWERS) >= 40
