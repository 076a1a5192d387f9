"""A long answer of headings, prose, lists, quotes, code and tables, in which everything has its number. Pure.

Its numbers, as in `(17)`, begin with 1 and have no gap: each sentence begins and ends with one, and each item, quote,
row of a table and line of code has one. Who reads it in pieces can tell what is missing, doubled or elsewhere.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, cycle

_PROSE = (
    "A worker takes a **job** from the queue and runs `handle(job)`, as [the plan](https://example.com/plan) says.",
    "What was *written* before is never _lost_: 日本語, العربية and 🦞 👩‍👩‍👧 come through, and so do < and a | b.",
    "Nobody, neither @everyone nor <!channel>, is told; ~~old~~ news are struck out, and C:\\Users\\ada stays a path.",
)
_ITEMS = """\
- {} one that is **short**
- {} one that says more about `it`
  - {} and below
    1. {} deeper still
- [x] {} done"""


def document(length: int) -> str:
    """At least so many characters of it, and no more than one more block; the same for the same length."""
    numbers = (f"({number})" for number in count(1))
    written: list[str] = []
    chars = 0
    for part, block in enumerate(cycle(_BLOCKS)):
        if chars >= length:
            break
        written.append("\n".join(block(numbers, part)))
        chars += len(written[-1]) + 2
    return "\n\n".join(written)


_Block = Callable[[Iterator[str], int], Sequence[str]]


def _heading(numbers: Iterator[str], part: int) -> Sequence[str]:
    return [f"{'#' * (part % 3 + 1)} Part {part} {next(numbers)}"]


def _paragraph(numbers: Iterator[str], part: int) -> Sequence[str]:
    return [" ".join(f"{next(numbers)} {sentence} {next(numbers)}" for sentence in _PROSE * (part % 3 + 1))]


def _list(numbers: Iterator[str], _part: int) -> Sequence[str]:
    return [_ITEMS.format(*(next(numbers) for _ in range(5))) for _ in range(4)]


def _quote(numbers: Iterator[str], _part: int) -> Sequence[str]:
    return [f"> {next(numbers)} somebody said", "> ", "> ```", f"> in_a_quote{next(numbers)}", "> ```"]


def _code(numbers: Iterator[str], part: int) -> Sequence[str]:
    lines = (f"    step_{part}{next(numbers)}  # if a < b and c: `nothing` is **bold** here" for _ in range(60))
    return ["```python", f"def part_{part}():", *lines, "```"]


def _table(numbers: Iterator[str], part: int) -> Sequence[str]:
    rows = (f"| {next(numbers)} | `value {row}` | {row * part} |" for row in range(120))
    return [f"| table {part} | value | n |", "|---|:-:|--:|", *rows]


def _wide_table(numbers: Iterator[str], part: int) -> Sequence[str]:
    rows = (f"| {next(numbers)} | {'many words, ' * 4} | {'even more words, ' * 4} |" for _ in range(15))
    return [f"| table {part} | words | notes |", "|---|---|---|", *rows]


_BLOCKS: Sequence[_Block] = (
    _heading, _paragraph, _list, _paragraph, _code, _heading, _table, _quote, _paragraph, _wide_table
)  # fmt: skip
