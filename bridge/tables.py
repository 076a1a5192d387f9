"""Tables for platforms that have none: aligned columns, or a list for each row. Pure.

Widths are those of a terminal's cells, of which East Asian characters take two: https://www.unicode.org/reports/tr11/.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from wcwidth import wcswidth

_GAP = "  "
_EMPTY = "–"

Inline = Callable[[str], str]
"""Inline Markdown of a cell -> how it is shown."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of inline Markdown, every row with a cell for each column."""

    header: tuple[str, ...]
    aligned: tuple[str, ...]
    """`left`, `right`, `center` or empty for each column."""
    body: tuple[tuple[str, ...], ...]
    _shown: list[Sequence[Sequence[str]]] = field(
        default_factory=list[Sequence[Sequence[str]]], init=False, repr=False, compare=False
    )
    _widths: list[int] = field(default_factory=list[int], init=False, repr=False, compare=False)

    def lines(self, rows: range, plain: Inline) -> list[str]:
        """The header, a rule and these rows, the columns as wide as the whole table needs them.

        `plain` gives a cell without any markup, the same at each call.
        """
        if not self._shown:
            self._shown.append([[" ".join(plain(cell).split()) for cell in row] for row in (self.header, *self.body)])
            columns = zip(*self._shown[0], strict=True)
            self._widths.extend(max(1, *map(width, column)) for column in columns)
        shown = self._shown[0]
        rule = _GAP.join("─" * cells for cells in self._widths)
        return [self._line(shown[0]), rule, *(self._line(shown[row + 1]) for row in rows)]

    def records(self, rows: range, name: Inline, value: Inline) -> list[str]:
        """`name: value` for each cell, a line each, and an empty line after each row but the last."""
        found: list[str] = []
        for row in rows:
            for title, cell in zip(self.header, self.body[row], strict=True):
                said = value(cell) if cell.strip() else _EMPTY
                found.append(f"{name(title)}: {said}" if title.strip() else said)
            found.append("")
        return found[:-1]

    def _line(self, cells: Iterable[str]) -> str:
        padded = (
            _pad(cell, wanted, side) for cell, wanted, side in zip(cells, self._widths, self.aligned, strict=True)
        )
        return _GAP.join(padded).rstrip()


def width(text: str) -> int:
    """How many cells a text takes in a fixed-width font."""
    return len(text) if text.isascii() else max(wcswidth(text), 0) or len(text)


def _pad(text: str, wanted: int, side: str) -> str:
    free = max(0, wanted - width(text))
    before = {"right": free, "center": free // 2}.get(side, 0)
    return " " * before + text + " " * (free - before)
