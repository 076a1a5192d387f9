"""Blocks of Markdown -> parts of which each fits into one message. Pure.

A part ends before a heading, else after a paragraph, else after a line, else after a word; inside of code after a line,
inside of a table after a row. The sources of all blocks of all parts, joined, are the text.
"""

import unicodedata
from collections.abc import Callable, Sequence

from bridge.markdown import Block, parse

Sizes = Callable[[Block], Sequence[int]]
"""How long a block is in each way that the platform counts. Never less for a block in a longer part."""

_BREAKS = ("\n", " ")
"""Where a paragraph may end, best first."""
_WHOLE = frozenset({"code", "table"})
"""What rather begins the next part than be cut."""
_TRIES = 8


def split(text: str, sizes: Sizes, limits: Sequence[int]) -> list[list[Block]]:
    """The parts of a text, none of them empty; no part for no text.

    The sizes of a part's blocks, added up, are within the limits. A limit must take one character at least.
    """
    packer = _Packer(sizes, limits)
    waiting = parse(text)[::-1]
    while waiting:
        rest = packer.put(waiting.pop())
        waiting.extend(reversed(rest))
    return packer.end()


class _Packer:
    """Fills one part after the other."""

    def __init__(self, sizes: Sizes, limits: Sequence[int]) -> None:
        self._sizes = sizes
        self._limits = limits
        self._parts: list[list[Block]] = []
        self._part: list[Block] = []
        self._used: list[Sequence[int]] = []

    def put(self, block: Block) -> Sequence[Block]:
        """Takes the block into the part, or what of it fits there. What is left over comes back, to be put next."""
        if self._take(block):
            return ()
        room = self._room()
        if self._part and not self._worth_cutting(block, room):
            return [*self._close(), block]
        cut = self._cut(block, room)
        if cut is not None:
            first, rest = cut
            self._take(first)
            return [*self._close(keep=True), rest]
        if self._part:
            return [*self._close(), block]
        return [block.as_literal()]

    def end(self) -> list[list[Block]]:
        """All parts."""
        if self._part:
            self._parts.append(self._part)
        return self._parts

    def _take(self, block: Block) -> bool:
        sizes = self._measured(block)
        room = self._room()
        if sizes is None or any(size > free for size, free in zip(sizes, room, strict=True)):
            return False
        self._part.append(block)
        self._used.append(sizes)
        return True

    def _measured(self, block: Block) -> Sequence[int] | None:
        """None for what is too long even if half of it were marks."""
        return None if len(block.content) > 2 * max(self._limits) else self._sizes(block)

    def _room(self, blocks: int | None = None) -> list[int]:
        used = self._used[:blocks]
        return [limit - sum(sizes[way] for sizes in used) for way, limit in enumerate(self._limits)]

    def _worth_cutting(self, block: Block, room: Sequence[int]) -> bool:
        """Not where the part is half full, or a block that could be whole would be broken for a small gap."""
        share = max(1 - free / limit for free, limit in zip(room, self._limits, strict=True))
        if share >= 0.5:
            return False
        sizes = self._measured(block) if block.kind in _WHOLE and share >= 0.1 else None
        return sizes is None or any(size > limit for size, limit in zip(sizes, self._limits, strict=True))

    def _close(self, *, keep: bool = False) -> Sequence[Block]:
        """Ends the part, and gives back what rather begins the next one: a heading that is late in it, or last."""
        end = len(self._part)
        if not keep:
            headings = [at for at, block in enumerate(self._part) if at and block.kind == "heading"]
            late = [at for at in headings if min(self._room(at)) <= max(self._limits) / 2]
            while end > 1 and self._part[end - 1].kind == "heading":
                end -= 1
            end = late[-1] if late else end
        over = self._part[end:]
        self._parts.append(self._part[:end])
        self._part, self._used = [], []
        return over

    def _cut(self, block: Block, room: Sequence[int]) -> tuple[Block, Block] | None:
        """A first piece that fits and the rest; None where nothing fits."""
        if block.kind not in ("text", "literal", "code", "table") or block.length < 2:
            return None
        wanted = self._fitting(block, min(block.length - 1, *room), room)
        if wanted < 1:
            return None
        if block.table is not None:
            return block.cut(wanted)
        for length in _ends(block, wanted):
            if self._fits(block, length, room):
                return block.cut(length)
        return None

    def _fitting(self, block: Block, length: int, room: Sequence[int]) -> int:
        """About the most of the block that fits; 0 if nothing does."""
        while length > 0:
            sizes = self._sizes(block.head(length))
            if all(size <= free for size, free in zip(sizes, room, strict=True)):
                return length
            ratio = min(free / max(size, 1) for size, free in zip(sizes, room, strict=True))
            length = min(length - 1, int(length * ratio))
        return 0

    def _fits(self, block: Block, length: int, room: Sequence[int]) -> bool:
        sizes = self._sizes(block.head(length))
        return all(size <= free for size, free in zip(sizes, room, strict=True))


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
