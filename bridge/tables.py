"""Tables for platforms that have none: aligned columns, or a list for each row. Pure.

Widths are those of a terminal's cells, of which East Asian characters take two: https://www.unicode.org/reports/tr11/.
"""

from bisect import bisect_right
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from wcwidth import wcswidth

_GAP = "  "
_EMPTY = "–"

Inline = Callable[[str], str]
"""Inline Markdown of a cell -> how it is shown."""


@dataclass(frozen=True, slots=True)
class Written:
    """A table as text: what stands before its rows, and each of its rows."""

    head: Sequence[str]
    """Lines."""
    rows: Sequence[str]
    gap: str = "\n"
    """Between two rows."""
    width: int = 0
    """The cells of a fixed-width font that its longest line takes, if it is aligned."""

    def lines(self, rows: range) -> str:
        """The head and these rows."""
        body = self.gap.join(self.rows[rows.start : rows.stop])
        return "\n".join([*self.head, body] if body else self.head)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of inline Markdown, every row with a cell for each column."""

    header: tuple[str, ...]
    aligned: tuple[str, ...]
    """`left`, `right`, `center` or empty for each column."""
    body: tuple[tuple[str, ...], ...]
    written: MutableMapping[object, Written] = field(
        default_factory=dict[object, Written], init=False, repr=False, compare=False
    )
    """How it was written before, by what wrote it."""
    _lengths: list[int] = field(default_factory=list[int], init=False, repr=False, compare=False)

    def weight(self, rows: range) -> int:
        """The characters of these rows' cells, and one for each row."""
        return self._length(rows.stop) - self._length(rows.start)

    def reach(self, rows: range, weight: int) -> int:
        """How many of these rows, from the first one, weigh no more than that."""
        return (
            bisect_right(self._lengths, self._length(rows.start) + weight, rows.start, rows.stop + 1) - 1 - rows.start
        )

    def _length(self, row: int) -> int:
        if not self._lengths:
            self._lengths.extend(accumulate((1 + sum(map(len, cells)) for cells in self.body), initial=0))
        return self._lengths[row]


def columns(table: Table, plain: Inline) -> Written:
    """The columns aligned, each as wide as the whole table needs it. `plain` gives a cell without any markup."""
    shown = [[" ".join(plain(cell).split()) for cell in row] for row in (table.header, *table.body)]
    padded: list[Sequence[str]] = []
    rule: list[str] = []
    for side, cells in zip(table.aligned, zip(*shown, strict=True), strict=True):
        widths = [width(cell) for cell in cells]
        most = max(1, *widths)
        padded.append([_pad(cell, most - taken, side) for cell, taken in zip(cells, widths, strict=True)])
        rule.append("─" * most)
    header, *rows = [_GAP.join(cells).rstrip() for cells in zip(*padded, strict=True)]
    below = _GAP.join(rule)
    return Written((header, below), rows, width=len(below))


def records(table: Table, name: Inline, value: Inline) -> Written:
    """`name: value` for each cell, a line each, and an empty line between the rows; without rows the names alone."""
    names = [name(title) if title.strip() else "" for title in table.header]
    rows: list[str] = []
    for cells in table.body:
        said = (value(cell) if cell.strip() else _EMPTY for cell in cells)
        rows.append("\n".join(f"{title}: {one}" if title else one for title, one in zip(names, said, strict=True)))
    return Written(() if rows else list(filter(None, names)), rows, gap="\n\n")


def width(text: str) -> int:
    """How many cells a text takes in a fixed-width font."""
    return len(text) if text.isascii() else max(wcswidth(text), 0) or len(text)


def _pad(text: str, free: int, side: str) -> str:
    before = {"right": free, "center": free // 2}.get(side, 0)
    return " " * before + text + " " * (free - before)
