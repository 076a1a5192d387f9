"""Blocks of Markdown -> parts of which each fits into one message. Pure.

A part ends before a heading, else after a paragraph, else after a line, else after a word; inside of code after a line,
inside of a table after a row. The sources of all blocks of all parts, joined, are the text.
"""

import unicodedata
from collections.abc import Callable, Sequence

from bridge.markdown import Block, parse

Size = Callable[[Block], int]
"""How long a block is as the platform counts. Never less for a block in a longer part."""

_BREAKS = ("\n", " ")
"""Where a paragraph may end, best first."""
_WHOLE = frozenset({"code", "table"})
"""What rather begins the next part than be cut."""
_HEADINGS = 3
"""So many at the end of a part belong to what follows them; more are a list of headings."""
_TRIES = 8


def split(text: str, size: Size, limit: int) -> list[list[Block]]:
    """The parts of a text, none of them empty; no part for no text.

    The sizes of a part's blocks, added up, are within the limit, which must take one character at least.
    """
    packer = _Packer(size, limit)
    waiting = parse(text)[::-1]
    while waiting:
        rest = packer.put(waiting.pop())
        waiting.extend(reversed(rest))
    return packer.end()


class _Packer:
    """Fills one part after the other."""

    def __init__(self, size: Size, limit: int) -> None:
        self._size = size
        self._limit = limit
        self._parts: list[list[Block]] = []
        self._part: list[Block] = []
        self._filled: list[int] = []
        """The size of the part up to each of its blocks."""

    def put(self, block: Block) -> Sequence[Block]:
        """Takes the block into the part, or what of it fits there. What is left over comes back, to be put next."""
        if self._take(block):
            return ()
        if self._part and not self._worth_cutting(block):
            return [*self._close(), block]
        cut = self._cut(block, self._room())
        if cut is not None:
            first, rest = cut
            self._take(first)
            self._close(keep=True)
            return [rest]
        if self._part:
            return [*self._close(), block]
        return [block.as_literal()]

    def end(self) -> list[list[Block]]:
        """All parts."""
        if self._part:
            self._parts.append(self._part)
        return self._parts

    def _take(self, block: Block) -> bool:
        size = self._measured(block)
        if size is None or size > self._room():
            return False
        self._part.append(block)
        self._filled.append(size + (self._filled[-1] if self._filled else 0))
        return True

    def _measured(self, block: Block) -> int | None:
        """None for what is too long even if half of it were marks."""
        return None if len(block.content) > 2 * self._limit else self._size(block)

    def _room(self) -> int:
        return self._limit - (self._filled[-1] if self._filled else 0)

    def _worth_cutting(self, block: Block) -> bool:
        """Not where the part is half full, or a block that could be whole would be broken for a small gap."""
        share = 1 - self._room() / self._limit
        if share >= 0.5:
            return False
        size = self._measured(block) if block.kind in _WHOLE and share >= 0.1 else None
        return size is None or size > self._limit

    def _close(self, *, keep: bool = False) -> Sequence[Block]:
        """Ends the part, and gives back what rather begins the next one: a heading that is late in it, or last."""
        end = len(self._part)
        if not keep:
            last = next((at for at in range(end, 0, -1) if self._part[at - 1].kind != "heading"), 0)
            end = last if last and end - last <= _HEADINGS else end
            late = (at for at in range(end - 1, 0, -1) if self._filled[at - 1] >= self._limit / 2)
            end = next((at for at in late if self._part[at].kind == "heading"), end)
        over = self._part[end:]
        self._parts.append(self._part[:end])
        self._part, self._filled = [], []
        return over

    def _cut(self, block: Block, room: int) -> tuple[Block, Block] | None:
        """A first piece that fits and the rest; None where nothing fits."""
        if block.kind not in ("text", "literal", "code", "table") or block.length < 2:
            return None
        wanted = self._fitting(block, min(block.length - 1, room), room)
        if wanted < 1:
            return None
        if block.table is not None:
            return block.cut(wanted)
        fitting = (length for length in _ends(block, wanted) if self._size(block.head(length)) <= room)
        length = next(fitting, 0)
        return block.cut(length) if length else None

    def _fitting(self, block: Block, length: int, room: int) -> int:
        """About the most of the block that fits; 0 if nothing does."""
        while length > 0:
            size = self._size(block.head(length))
            if size <= room:
                return length
            length = min(length - 1, length * room // size)
        return 0


def _ends(block: Block, most: int) -> Sequence[int]:
    """Where a piece of at most that many characters may end, best first."""
    content = block.content
    line = content.rfind("\n", 0, most) + 1
    if block.kind == "code" and line:
        return [line]
    ends: list[int] = []
    for mark in _BREAKS:
        found: list[int] = []
        end = most
        while len(found) < _TRIES and (at := content.rfind(mark, most // 2, end)) >= 0:
            found.append(at + len(mark))
            end = at
        ends += sorted(found, key=lambda length: (_opens(content[:length]), -length))
    return [*ends, _character(content, most), most]


def _opens(head: str) -> bool:
    """Whether a piece seems to end inside of something."""
    return head.count("`") % 2 > 0 or head.count("**") % 2 > 0 or head.count("[") > head.count("]")


def _character(content: str, most: int) -> int:
    """The end of the last whole character as people see it, if it is not far."""
    for at in range(most, max(most - 16, 1), -1):
        if not _joins(content[at]) and content[at - 1] != "\u200d":
            return at
    return most


def _joins(character: str) -> bool:
    return (
        character in "\u200d\ufe0f"
        or unicodedata.combining(character) > 0
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
    )
