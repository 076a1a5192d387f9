"""CommonMark with GitHub's tables, strikethrough and task lists -> a flat list of blocks, each with its own lines.

Source: https://spec.commonmark.org/0.31.2/ and https://github.github.com/gfm/, as markdown-it-py parses them. Left as
they were written: entities, raw HTML, white space, line breaks, and names like `__init__`, which CommonMark makes bold.
"""

import re
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from typing import Any, Literal, NamedTuple

from markdown_it.token import Token

from bridge.grammar import PARSER
from bridge.spans import Document
from bridge.tables import Table

Kind = Literal["text", "literal", "heading", "code", "table", "rule", "empty"]
"""`text` is a paragraph; `literal` is shown as it is; `empty` is a list item without anything in it."""


_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")
_TASK = re.compile(r"\[([ xX])\](?:[ \t]+|$)")
_ONLY_MARKERS = re.compile(r"[\s>*+.()\d-]*")


@dataclass(frozen=True, slots=True)
class Container:
    """A quote or a list item around a block."""

    key: int
    """The same for all blocks inside it."""
    kind: Literal["quote", "bullet", "ordered"]
    marker: str = ""
    """The number of an ordered item, as in `3.`."""
    begins: bool = True
    """Whether this block is the first one inside it."""
    done: bool | None = None
    """Of an item of a task list."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of the text that belong together. The sources of all blocks, joined, are the text."""

    kind: Kind
    source: str
    content: str = ""
    """Inline Markdown of `text` and `heading`; characters of `code` and `literal`. A paragraph outside of containers
    has all of its source's white space, every other one none around it."""
    inside: tuple[Container, ...] = ()
    """Outermost first."""
    level: int = 0
    language: str = ""
    table: Table | None = None
    rows: range = range(0)
    """Of the table's body."""
    before: int = 0
    """Lines of the source before the content's first one."""
    after: tuple[int, ...] = ()
    """One for each line break that follows the content: how many quotes go on over that line."""
    document: Document = field(default_factory=Document, repr=False, compare=False)
    written: MutableMapping[object, str] = field(
        default_factory=dict[object, str], init=False, repr=False, compare=False
    )
    """How it was written before, by what wrote it."""

    def cut(self, length: int) -> "tuple[Block, Block]":
        """Its first `length` characters of content, or rows of a table, and the rest, which begins no container."""
        at = self._source_at(length)
        content = self.content[:length]
        first = replace(
            self,
            source=self.source[:at],
            content=content if self.is_verbatim else content.removesuffix("\n"),
            rows=self.rows[:length],
            after=(0,),
        )
        rest = replace(
            self,
            source=self.source[at:],
            content=self.content[length:],
            rows=self.rows[length:],
            before=0,
            inside=tuple(replace(container, begins=False) for container in self.inside),
        )
        return first, rest

    def as_literal(self) -> "Block":
        """The same lines to be shown as they are."""
        return Block("literal", self.source, _plain_breaks(self.source))

    @property
    def is_verbatim(self) -> bool:
        """Whether the content has all white space of the source."""
        return self.kind in ("text", "literal") and not self.inside

    @property
    def length(self) -> int:
        """What `cut` counts in."""
        return len(self.rows) if self.table is not None else len(self.content)

    @property
    def weight(self) -> int:
        """The characters that it says, markup among them."""
        return self.table.weight(self.rows) if self.table is not None else len(self.content)

    def reach(self, weight: int) -> int:
        """How much of it, as `cut` counts, weighs no more than that."""
        return self.table.reach(self.rows, weight) if self.table is not None else min(weight, len(self.content))

    def _source_at(self, length: int) -> int:
        """Where the source goes on behind that much content, or the end of that line where nobody can say."""
        if self.is_verbatim and len(self.source) == len(self.content):
            return length
        if self.table is not None:
            return _line_at(self.source, self.before + length)
        head = self.content[:length]
        start = _line_at(self.source, self.before + head.count("\n"))
        column = length - (head.rfind("\n") + 1)
        if not column or start >= len(self.source):
            return start
        end = self.content.find("\n", length)
        left = (end if end >= 0 else len(self.content)) - length
        stop = _end_of_line(self.source, start)
        said = self.content[length - column : length + left]
        if self.source.endswith(said, start, stop):
            return stop - left
        line_break = _LINE.match(self.source, stop)
        return line_break.end() if line_break else stop


def parse(text: str) -> list[Block]:
    """The blocks of a text, in their order; none for no text."""
    lines: list[str] = _LINE.findall(text)
    document = Document()
    drafts = list(_Walk(PARSER.parse(text, document.references)).drafts())
    starts = [*(draft.start for draft in drafts[1:]), len(lines)]
    blocks: list[Block] = []
    at = drafts[0].start if drafts else len(lines)
    _between(blocks, lines[:at])
    for draft, following in zip(drafts, starts, strict=False):
        stop = max(draft.end, at)
        block, blank = _placed(draft, lines[at:stop], lines[stop:following], document)
        blocks.append(block)
        at = max(following, stop)
        _between(blocks, lines[stop + blank : at])
    return blocks


def _placed(draft: "_Draft", lines: Sequence[str], behind: Sequence[str], document: Document) -> tuple[Block, int]:
    """The block with its source, to which the blank lines behind it belong, and how many these are."""
    source = "".join(lines)
    if draft.kind == "empty" and not _ONLY_MARKERS.fullmatch(source):
        return Block("literal", source, _plain_breaks(source)), 0
    blank = list(takewhile(_is_blank, behind))
    whole = source + "".join(blank)
    content = draft.content
    after = tuple(line.count(">") for line in blank if line.endswith(("\n", "\r")))
    if draft.kind == "text" and not draft.inside:
        content, after = _plain_breaks(source + "".join(blank).replace(">", "")), ()
    elif source.endswith(("\n", "\r")):
        after = (0, *after)
    rows = range(len(draft.table.body) if draft.table is not None else 0)
    block = Block(
        draft.kind,
        whole,
        content,
        draft.inside,
        draft.level,
        draft.language,
        draft.table,
        rows,
        draft.before,
        after,
        document,
    )
    return block, len(blank)


def _is_blank(line: str) -> bool:
    return not line.strip(" \t\r\n>")


def _between(blocks: list[Block], lines: Sequence[str]) -> None:
    """Lines that belong to no block are definitions, which are shown as they are."""
    source = "".join(lines)
    if source and blocks and blocks[-1].kind == "literal":
        source = blocks.pop().source + source
    if source:
        blocks.append(Block("literal", source, _plain_breaks(source)))


def _end_of_line(source: str, start: int) -> int:
    """Where the break is that ends the line, or the end of the source."""
    return min((at for at in (source.find(end, start) for end in "\r\n") if at >= 0), default=len(source))


def _line_at(source: str, number: int) -> int:
    """Where that line begins, the first of which is 0."""
    ends = (line.end() for line in _LINE.finditer(source))
    return next(islice(ends, number - 1, None), len(source)) if number else 0


def _plain_breaks(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class _Draft(NamedTuple):
    """A block between two lines, before it has their text."""

    start: int
    end: int
    kind: Kind
    inside: tuple[Container, ...]
    content: str = ""
    level: int = 0
    language: str = ""
    table: Table | None = None
    before: int = 0


class _Walk:
    """Goes through the parser's tokens and keeps the containers that are open."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._open: list[Container] = []
        self._items: list[int] = []
        self._numbers: list[int] = []
        self._keys = 0

    def drafts(self) -> Iterator[_Draft]:
        """One block after the other."""
        tokens = iter(self._tokens)
        for token in tokens:
            if token.type == "paragraph_open":
                yield self._paragraph(token, next(tokens).content)
            elif token.type == "heading_open":
                yield self._draft(token, "heading", content=next(tokens).content, level=int(token.tag[1]))
            elif token.type in ("fence", "code_block"):
                found = _LANGUAGE.match(token.info.strip())
                before = int(token.type == "fence")
                language = found[0] if found else ""
                yield self._draft(token, "code", content=token.content, language=language, before=before)
            elif token.type == "table":
                yield self._draft(token, "table", table=token.meta["table"], before=2)
            elif token.type == "hr":
                yield self._draft(token, "rule")
            elif token.type == "list_item_close" and self._open[-1].begins:
                start = self._items[-1]
                yield _Draft(start, start + 1, "empty", self._inside())
            self._around(token)

    def _around(self, token: Token) -> None:
        """Opens and closes containers."""
        if token.type == "blockquote_open":
            self._enter("quote")
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            self._numbers.append(int(token.attrs.get("start", 1)))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self._numbers.pop()
        elif token.type == "list_item_open":
            self._enter("ordered" if token.info else "bullet", f"{self._numbers[-1]}." if token.info else "")
            self._numbers[-1] += 1
            self._items.append(_lines(token)[0])
        elif token.type == "list_item_close":
            self._items.pop()
            self._open.pop()
        elif token.type == "blockquote_close":
            self._open.pop()

    def _enter(self, kind: Literal["quote", "bullet", "ordered"], marker: str = "") -> None:
        self._open.append(Container(self._keys, kind, marker))
        self._keys += 1

    def _inside(self) -> tuple[Container, ...]:
        """The containers of the next block, which begins those that did not begin yet."""
        inside = tuple(self._open)
        if any(container.begins for container in inside):
            self._open = [replace(container, begins=False) if container.begins else container for container in inside]
        return inside

    def _draft(self, token: Token, kind: Kind, **more: Any) -> _Draft:
        return _Draft(*_lines(token), kind, self._inside(), **more)

    def _paragraph(self, token: Token, content: str) -> _Draft:
        item = self._open[-1] if self._open else None
        task = _TASK.match(content) if item and item.kind == "bullet" and item.begins else None
        if item and task:
            self._open[-1] = replace(item, done=task[1] != " ")
            content = content[task.end() :]
        return self._draft(token, "text", content=content)


def _lines(token: Token) -> tuple[int, int]:
    """The first one, and the one after the last."""
    start, end = token.map or (0, 0)
    return start, end
