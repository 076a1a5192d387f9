"""CommonMark with GitHub's tables, strikethrough and task lists -> a flat list of blocks, each with its own lines.

Source: https://spec.commonmark.org/0.31.2/ and https://github.github.com/gfm/, as markdown-it-py parses them. Left as
they were written: entities, raw HTML, white space, line breaks, and names like `__init__`, which CommonMark makes bold.
"""

import re
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from bridge.tables import Table

Kind = Literal["text", "literal", "heading", "code", "table", "rule", "empty"]
"""`text` is a paragraph; `literal` is shown as it is; `empty` is a list item without anything in it."""


@dataclass(frozen=True, slots=True)
class Document:
    """What the blocks of one text share."""

    references: MutableMapping[str, Any] = field(default_factory=dict[str, Any])
    """What links by name point at, as markdown-it-py keeps it."""
    parsed: MutableMapping[str, Sequence[Token]] = field(default_factory=dict[str, Sequence[Token]])
    """The inline tokens that were asked for."""


_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")
_TASK = re.compile(r"\[([ xX])\](?:[ \t]+|$)")
_ONLY_MARKERS = re.compile(r"[\s>*+.()\d-]*")
_MARKS = re.compile(r"[\\`*_~\[]|<[A-Za-z]")
_CELL_END = re.compile(r"(?<!\\)\|")
_SCHEME = re.compile(r"(?<![A-Za-z0-9])(?:https?|ftp)$")
_DUNDER = re.compile(r"__[a-z][a-z0-9_]*[a-z0-9]__(?![\w])")
_ADDRESS = re.compile(r"://[^\s<>\"`\[\]\\^{|}]+")


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
    after: tuple[bool, ...] = ()
    """One for each line break that follows the content; true where a quote goes on over it."""
    document: Document = field(default_factory=Document, repr=False, compare=False)

    def head(self, length: int) -> "Block":
        """Its first `length` characters of content, or rows of a table; without a source."""
        if self.table is not None:
            return replace(self, source="", after=(False,), rows=self.rows[:length])
        content = self.content[:length]
        if self.is_verbatim:
            return replace(self, source="", content=content)
        return replace(self, source="", after=(False,), content=content.removesuffix("\n"))

    def cut(self, length: int) -> "tuple[Block, Block]":
        """The same with its source, and the rest, which begins no container."""
        at = self._source_at(length)
        inside = tuple(replace(container, begins=False) for container in self.inside)
        rest = replace(self, source=self.source[at:], before=0, inside=inside)
        if self.table is not None:
            rest = replace(rest, rows=self.rows[length:])
        else:
            rest = replace(rest, content=self.content[length:])
        return replace(self.head(length), source=self.source[:at]), rest

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

    def _source_at(self, length: int) -> int:
        """Where the source goes on behind that much content, or the end of that line where nobody can say."""
        if self.is_verbatim and len(self.source) == len(self.content):
            return length
        lines = _LINE.findall(self.source)
        if self.table is not None:
            return sum(map(len, lines[: self.before + length]))
        head = self.content[:length]
        number = self.before + head.count("\n")
        start = sum(map(len, lines[:number]))
        column = length - (head.rfind("\n") + 1)
        if not column or number >= len(lines):
            return start
        end = self.content.find("\n", length)
        line = self.content[length - column : end if end >= 0 else len(self.content)]
        written = lines[number].rstrip("\r\n")
        return start + (len(written) - len(line) + column if written.endswith(line) else len(lines[number]))


def parse(text: str) -> list[Block]:
    """The blocks of a text, in their order; none for no text."""
    lines: list[str] = _LINE.findall(text)
    document = Document()
    drafts = list(_Walk(_PARSER.parse(text, document.references), document).blocks())
    blocks: list[Block] = []
    at = 0
    for start, end, draft in drafts:
        begin, stop = max(start, at), max(end, at)
        _between(blocks, lines, at, begin)
        source = "".join(lines[begin:stop])
        lost = draft.kind == "empty" and not _ONLY_MARKERS.fullmatch(source)
        blocks.append(Block("literal", source, _plain_breaks(source)) if lost else _placed(draft, source))
        at = stop
    _between(blocks, lines, at, len(lines))
    return blocks


def inline(content: str, document: Document) -> Sequence[Token] | None:
    """The tokens of inline Markdown; None where there is nothing but text.

    Besides those of CommonMark there is `address`, a web address that stands in the text.
    """
    if _MARKS.search(content) is None:
        return None
    known = document.parsed.get(content)
    if known is not None:
        return known
    tokens: list[Token] = []
    _PARSER.inline.parse(content, _PARSER, document.references, tokens)
    document.parsed[content] = tokens
    return tokens


def _placed(draft: Block, source: str) -> Block:
    if draft.kind == "text" and not draft.inside:
        return replace(draft, source=source, content=_plain_breaks(source))
    if draft.table is not None:
        draft = replace(draft, table=_with_all_cells(draft.table, _LINE.findall(source)[draft.before :]))
    return replace(draft, source=source, after=(False,) if source.endswith(("\n", "\r")) else ())


def _with_all_cells(table: Table, lines: Sequence[str]) -> Table:
    """The table with the cells that have no column, which GitHub does not show."""
    written = [_CELL_END.split(line.strip(" \t\r\n>").removeprefix("|").removesuffix("|")) for line in lines]
    columns = max(map(len, written), default=0)
    missing = columns - len(table.header)
    if missing <= 0:
        return table
    body = (
        (*row, *(cell.strip() for cell in cells[len(row) :]), *[""] * (columns - max(len(cells), len(row))))
        for row, cells in zip(table.body, written, strict=False)
    )
    nothing = ("",) * missing
    return Table(table.header + nothing, table.aligned + nothing, tuple(body))


def _between(blocks: list[Block], lines: Sequence[str], start: int, stop: int) -> None:
    """Lines that belong to no block: blank ones to the one before, others are definitions, shown as they are."""
    blank = start
    while blank < stop and blocks and blocks[-1].kind != "literal" and not lines[blank].strip(" \t\r\n>"):
        blank += 1
    if blank > start:
        blocks[-1] = _with_blank(blocks[-1], lines[start:blank])
    rest = "".join(lines[blank:stop])
    if rest and blocks and blocks[-1].kind == "literal":
        last = blocks[-1]
        blocks[-1] = replace(last, source=last.source + rest, content=last.content + _plain_breaks(rest))
    elif rest:
        blocks.append(Block("literal", rest, _plain_breaks(rest)))


def _with_blank(block: Block, lines: Sequence[str]) -> Block:
    blank = "".join(lines)
    if block.is_verbatim:
        content = block.content + _plain_breaks(blank).replace(">", "")
        return replace(block, source=block.source + blank, content=content)
    breaks = tuple(">" in line for line in lines if line.endswith(("\n", "\r")))
    return replace(block, source=block.source + blank, after=block.after + breaks)


def _plain_breaks(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class _Walk:
    """Goes through the parser's tokens and keeps the containers that are open."""

    def __init__(self, tokens: Sequence[Token], document: Document) -> None:
        self._tokens = tokens
        self._document = document
        self._open: list[Container] = []
        self._items: list[tuple[int, int]] = []
        self._numbers: list[int] = []
        self._keys = 0

    def blocks(self) -> Iterator[tuple[int, int, Block]]:
        """First line, line after the last, and the block without its source."""
        tokens = iter(self._tokens)
        for token in tokens:
            yield from self._around(token)
            if token.type == "table_open":
                yield self._table(token, tokens)
            elif token.type == "heading_open":
                yield *_map(token), self._block("heading", next(tokens).content, level=int(token.tag[1]))
            elif token.type == "paragraph_open":
                yield *_map(token), self._paragraph(next(tokens).content)
            elif token.type in ("fence", "code_block"):
                found = _LANGUAGE.match(token.info.strip())
                before = int(token.type == "fence")
                code = self._block("code", token.content, language=found[0] if found else "", before=before)
                yield *_map(token), code
            elif token.type == "hr":
                yield *_map(token), self._block("rule")

    def _around(self, token: Token) -> Iterator[tuple[int, int, Block]]:
        """Opens and closes containers; a block for an item that nothing was in."""
        if token.type == "blockquote_open":
            self._enter(Container(self._keys, "quote"))
        elif token.type == "blockquote_close":
            self._open.pop()
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            self._numbers.append(int(token.attrs.get("start", 1)))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self._numbers.pop()
        elif token.type == "list_item_open":
            kind: Literal["bullet", "ordered"] = "ordered" if token.info else "bullet"
            self._enter(Container(self._keys, kind, f"{self._numbers[-1]}." if token.info else ""))
            self._numbers[-1] += 1
            self._items.append(_map(token))
        elif token.type == "list_item_close":
            start, _ = self._items.pop()
            if self._open[-1].begins:
                yield start, start + 1, self._block("empty")
            self._open.pop()

    def _enter(self, container: Container) -> None:
        self._open.append(container)
        self._keys += 1

    def _block(self, kind: Kind, content: str = "", **more: Any) -> Block:
        inside = tuple(self._open)
        self._open = [replace(container, begins=False) if container.begins else container for container in inside]
        return Block(kind, "", content, inside, document=self._document, **more)

    def _paragraph(self, content: str) -> Block:
        item = self._open[-1] if self._open else None
        task = _TASK.match(content) if item and item.kind == "bullet" and item.begins else None
        if item and task:
            self._open[-1] = replace(item, done=task[1] != " ")
            content = content[task.end() :]
        return self._block("text", content)

    def _table(self, opening: Token, tokens: Iterator[Token]) -> tuple[int, int, Block]:
        rows: list[list[str]] = []
        aligned: list[str] = []
        for token in tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(token.content)
            elif token.type == "th_open":
                aligned.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
        table = Table(tuple(rows[0]), tuple(aligned), tuple(map(tuple, rows[1:])))
        return *_map(opening), self._block("table", table=table, rows=range(len(rows) - 1), before=2)


def _map(token: Token) -> tuple[int, int]:
    start, end = token.map or (0, 0)
    return start, end


def _address(state: StateInline, silent: bool) -> bool:
    """A web address in the text, in which nothing is markup."""
    found = _ADDRESS.match(state.src, state.pos) if state.src[state.pos] == ":" else None
    scheme = _SCHEME.search(state.src, max(0, state.pos - 6), state.pos) if found else None
    if found is None or scheme is None:
        return False
    rest = found[0].rstrip(".,;:!?'*_~")
    while rest.endswith(")") and rest.count("(") < rest.count(")"):
        rest = rest[:-1].rstrip(".,;:!?'*_~")
    if len(rest) <= len("://"):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[0])]
        state.push("address", "", 0).content = scheme[0] + rest
    state.pos += len(rest)
    return True


def _dunder(state: StateInline, silent: bool) -> bool:
    """A name with two underscores on each side."""
    found = _DUNDER.match(state.src, state.pos) if state.src[state.pos] == "_" else None
    if found is None:
        return False
    if not silent:
        state.pending += found[0]
    state.pos = found.end()
    return True


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable(["html_block", "html_inline", "entity", "newline"])
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.inline.ruler.before("escape", "address", _address)
    parser.inline.ruler.before("emphasis", "dunder", _dunder)
    return parser


_PARSER = _parser()
