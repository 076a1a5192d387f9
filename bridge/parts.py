"""Blocks of Markdown -> parts of which each fits into one message. Pure.

A part ends before a heading, else after a paragraph, else after a line, else after a word; inside of code after a line,
inside of a table after a row. The sources of all blocks of all parts, joined, are the text.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from bridge.markdown import Block, parse

Size = Callable[[Block, Block], int]
"""How long a block is, as the platform counts, in a part that begins with the other one."""

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
        size = self._measured(block, self._part[0] if self._part else block)
        if size is None or size > self._room():
            return False
        self._part.append(block)
        self._filled.append(size + (self._filled[-1] if self._filled else 0))
        return True

    def _measured(self, block: Block, first: Block) -> int | None:
        """None for what is too long even if half of it were marks."""
        return None if block.weight > 2 * self._limit else self._size(block, first)

    def _room(self) -> int:
        return self._limit - (self._filled[-1] if self._filled else 0)

    def _worth_cutting(self, block: Block) -> bool:
        """Not where the part is half full, or a block that could be whole would be broken for a small gap."""
        share = 1 - self._room() / self._limit
        if share >= 0.5:
            return False
        size = self._measured(block, block) if block.kind in _WHOLE and share >= 0.1 else None
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
        begin = self._part[0] if self._part else block
        most = min(block.length - 1, block.reach(2 * room if block.kind == "table" else room))
        while most > 0:
            first, rest = block.cut(_end(block, most))
            size = self._size(first, begin)
            if size <= room:
                return first, rest
            most = min(first.length - 1, first.length * room // size)
        return None


def _end(block: Block, most: int) -> int:
    """The best place for a piece of at most that much to end."""
    content = block.content
    line = content.rfind("\n", 0, most) + 1
    if block.table is not None or (block.kind == "code" and line):
        return line or most
    for mark in _BREAKS:
        ends = list(islice(_ends(content, mark, most), _TRIES))
        if ends:
            return next((end for end in ends if not _opens(content[:end])), ends[0])
    return _character(content, most)


def _ends(content: str, mark: str, most: int) -> Iterator[int]:
    """Where that mark ends in the second half of the content's first characters, the last place first."""
    at = most
    while (at := content.rfind(mark, most // 2, at)) >= 0:
        yield at + len(mark)


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
