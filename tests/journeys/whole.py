"""Whether what arrived of `bridge.demo.document` is all of it."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

_NUMBER = re.compile(r"\((\d+)\)")


def troubles(source: str, messages: Sequence[str], limit: int, length: Callable[[str], int] = len) -> list[str]:
    """What is wrong with the messages of a document, a sentence each."""
    found = [f"message {at} has {length(text)} characters" for at, text in enumerate(messages) if length(text) > limit]
    found += [f"message {at} leaves code open" for at, text in enumerate(messages) if text.count("```") % 2]
    expected, there = numbers(source), [number for text in messages for number in numbers(text)]
    found += [f"({number}) is missing" for number in expected if number not in there]
    found += [f"({number}) is doubled" for number in expected if there.count(number) > 1]
    found += [f"({one}) stands before ({other})" for one, other in pairwise(there) if one > other]
    return [*found, *_code(source, messages), *_headers(source, messages)]


def numbers(text: str) -> list[int]:
    """Those of a document, in their order."""
    return [int(number) for number in _NUMBER.findall(text)]


def _code(source: str, messages: Sequence[str]) -> Iterator[str]:
    lines = {line for text in messages for line in _inside_of_code(text)}
    for line in _inside_of_code(source):
        if line not in lines:
            yield f"this line stands nowhere in code as it was written: {line}"


def _inside_of_code(text: str) -> Iterator[str]:
    """Lines between fences, in a quote or not."""
    inside = False
    for line in text.split("\n"):
        said = line.removeprefix("> ")
        if said.startswith("```"):
            inside = not inside
        elif inside:
            yield said


def _headers(source: str, messages: Sequence[str]) -> Iterator[str]:
    for name, rows in _tables(source):
        for at, text in enumerate(messages):
            here = [text.find(f"({row})") for row in rows if f"({row})" in text]
            if here and not 0 <= text.find(name) < min(here):
                yield f"message {at} has rows of {name} without its header"


def _tables(source: str) -> Iterator[tuple[str, list[int]]]:
    """The name of each table's first column, which no other has, and the numbers of its rows."""
    for block in source.split("\n\n"):
        if block.startswith("| "):
            header, _, rows = block.split("\n", 2)
            yield header.split("|")[1].strip(), numbers(rows)
