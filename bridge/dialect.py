"""Blocks of Markdown -> text in the dialect of a platform, which says how it writes what. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it.common.normalize_url import normalizeLinkText

from bridge.markdown import Block, Container
from bridge.spans import Kind, Span, spans
from bridge.tables import Table, Written, columns, records, width

ESCAPABLE: Final = frozenset("*_`~#|>+-.!<")
"""Behind a backslash these are meant as they are. Other ones keep their backslash: they are rather LaTeX or a path."""
WEB: Final = ("http://", "https://", "mailto:", "tel:")
"""What a link may point at; the address of another one is written out."""
JOINER = "\u200b"
"""Where a platform takes marks only at the end of a word, and where backticks may not stand together."""

_FENCE: Final = re.compile("`{3,}")


def _same(text: str) -> str:
    return text


def unfenced(text: str) -> str:
    """The text without anything that could begin a block of code."""
    return _FENCE.sub(lambda found: JOINER.join(found[0]), text) if "```" in text else text


def _label_and_address(label: str, address: str) -> str:
    return f"{label} ({address})"


def _fenced(content: str, language: str) -> str:
    # No platform takes longer fences for sure, so a fence in the code is broken up.
    return f"```{language}\n{unfenced(content)}\n```"


def _bullet(item: Container, _depth: int) -> str:
    mark = item.marker or "-"
    return mark if item.done is None else f"{mark} [{'x' if item.done else ' '}]"


@dataclass(frozen=True, eq=False)
class Dialect:
    """How a platform writes Markdown. The defaults are Markdown itself."""

    text: Callable[[str], str] = unfenced
    """Text that means nothing but itself."""
    literal: Callable[[str], str] = unfenced
    """Lines that nobody knows the meaning of."""
    address: Callable[[str], str] = _same
    """A web address in the text."""
    escaped: Callable[[str], str] = "\\{}".format
    """A character that the author wanted to be taken as it is."""
    backslash: str = "\\\\"
    strong: str = "**"
    emphasis: str = "*"
    strike: str = "~~"
    code: Callable[[str], str] = _same
    """What stands in a code span."""
    marked_labels: bool = True
    """Whether the text of a link may be marked up."""
    link: Callable[[str, str], str] = "[{}]({})".format
    heading: Callable[[int, str, bool], str] = lambda level, text, _inside: f"{'#' * level} {text}"
    """From its level, what it says without bold, and whether it stands in a list."""
    item: Callable[[Container, int], str] = _bullet
    """What begins a list item, by its depth from 0."""
    fence: Callable[[str, str], str] = _fenced
    rule: str = "---"
    table_width: int | None = None
    """What a table may take as aligned code before it becomes a list; None: the platform has tables."""
    marks_at_words: bool = False
    """Whether marks are only seen at the ends of words, and on one line."""
    hard_break: str = "\n"
    nested_quotes: bool = True
    code_in_quotes: bool = True
    code_in_lists: bool = True


PLAIN: Final = Dialect(
    text=_same, escaped=_same, backslash="\\", strong="", emphasis="", strike="", link=_label_and_address
)
"""Words alone."""

_MARKS: Final = {"strong": "strong", "em": "emphasis", "s": "strike"}  # mark -> field of Dialect


def write(blocks: Sequence[Block], dialect: Dialect) -> str:
    """The blocks one after the other."""
    return "".join(write_block(block, blocks[0], dialect) for block in blocks)


def write_block(block: Block, first: Block, dialect: Dialect) -> str:
    """The block in a text that begins with the other one. A list item that began before that is left out."""
    inside = block.inside
    if inside:
        elsewhere = {c.key for c in first.inside if c.kind != "quote" and not c.begins}
        inside = tuple(c for c in inside if c.key not in elsewhere) if elsewhere else inside
    key = (dialect, len(inside))  # what is left out are the outermost lists, so their number says which
    if key not in block.written:
        block.written[key] = _block(block, dialect, inside)
    return block.written[key]


def write_inline(block: Block, dialect: Dialect, content: str, *, without: str = "") -> str:
    """Inline Markdown, without one kind of its marks."""
    found = spans(content, block.document)
    if found is None:
        return dialect.text(content)
    return _Inline(dialect, without).write(found) or dialect.text(content)


def _block(block: Block, dialect: Dialect, inside: Sequence[Container]) -> str:
    body = _BODIES[block.kind](block, dialect)
    if block.is_verbatim:
        return body
    code = block.kind == "code" or (block.kind == "table" and body.startswith("```"))
    first, rest = _prefixes(dialect, inside, code=code)
    lines = body.split("\n")
    if code and first != rest and not dialect.code_in_lists:
        lines.insert(0, "")
    text = "\n".join([first + lines[0], *((rest + line).rstrip() if not line else rest + line for line in lines[1:])])
    quotes = "".join(f"{_quotes(dialect, inside, count)}\n" for count in block.after[1:])
    return f"{text}\n{quotes}" if block.after else text


def _quotes(dialect: Dialect, inside: Sequence[Container], count: int) -> str:
    """What an empty line has that so many of the quotes go on over."""
    depths = [depth for depth, container in enumerate(inside, 1) if container.kind == "quote"][:count]
    return _prefixes(dialect, inside[: depths[-1]], code=False)[1].rstrip() if depths else ""


def _prefixes(dialect: Dialect, inside: Sequence[Container], *, code: bool) -> tuple[str, str]:
    """What stands before the first line of a block, and before the others."""
    first = rest = ""
    depth = quotes = 0
    for container in inside:
        if container.kind == "quote":
            quotes += 1
            if (quotes == 1 or dialect.nested_quotes) and (dialect.code_in_quotes or not code):
                first, rest = f"{first}> ", f"{rest}> "
            continue
        mark = dialect.item(container, depth)
        depth += 1
        indent = " " * (width(mark.partition(" ")[0]) + 1)
        first += f"{mark} " if container.begins else indent
        rest += indent
    if not code or dialect.code_in_lists:
        return first, rest
    quoted = "> " * (quotes > 0 and dialect.code_in_quotes)
    return (first if any(c.begins for c in inside if c.kind != "quote") else quoted), quoted


def _paragraph(block: Block, dialect: Dialect) -> str:
    text = write_inline(block, dialect, block.content)
    if dialect.hard_break == "\n" or "\n" not in text:
        return text
    body = text.rstrip("\n")
    return body.replace("\n", dialect.hard_break) + text[len(body) :]


def _heading(block: Block, dialect: Dialect) -> str:
    text = write_inline(block, dialect, block.content, without=dialect.strong).replace("\n", " ")
    if not text.strip():
        return dialect.literal(block.source.strip())
    return dialect.heading(block.level, text, any(c.kind != "quote" for c in block.inside))


def _code(block: Block, dialect: Dialect) -> str:
    return dialect.fence(block.content.removesuffix("\n"), block.language)


def _table(block: Block, dialect: Dialect) -> str:
    table = block.table
    if table is None:
        return dialect.text(block.source)
    if dialect not in table.written:
        table.written[dialect] = _written_table(block, table, dialect)
    written = table.written[dialect]
    text = written.lines(block.rows)
    return dialect.fence(text, "") if written.width else text


def _written_table(block: Block, table: Table, dialect: Dialect) -> Written:
    if dialect.table_width is None:
        rule = ({"left": ":--", "right": "--:", "center": ":-:"}.get(side, "---") for side in table.aligned)
        header, *body = [
            [_cell(write_inline(block, dialect, cell)) for cell in row] for row in (table.header, *table.body)
        ]
        return Written([_row(header), _row(rule)], list(map(_row, body)))
    aligned = columns(table, lambda cell: write_inline(block, PLAIN, cell))
    if aligned.width <= dialect.table_width:
        return aligned
    bold = dialect.strong
    return records(
        table,
        lambda cell: f"{bold}{write_inline(block, dialect, cell, without=bold)}{bold}",
        lambda cell: write_inline(block, dialect, cell),
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("\\|", "|").replace("|", "\\|").split())


_BODIES: Final[dict[str, Callable[[Block, Dialect], str]]] = {
    "text": _paragraph,
    "literal": lambda block, dialect: dialect.literal(block.content),
    "heading": _heading,
    "code": _code,
    "table": _table,
    "rule": lambda _, dialect: dialect.rule,
    "empty": lambda _block, _dialect: "",
}


class _Inline:
    """Writes one run of spans."""

    def __init__(self, dialect: Dialect, without: str = "", *, in_link: bool = False) -> None:
        self._dialect = dialect
        self._without = without
        self._in_link = in_link
        self._out: list[str] = []
        self._marks: list[str] = []
        """Those that are open."""
        self._edges: dict[int, tuple[bool, bool]] = {}
        """Where marks stand in `_out`, and on which sides of them there must be no word."""

    def write(self, spans: Sequence[Span]) -> str:
        dialect = self._dialect
        for kind, text, inside in spans:
            if kind == "text":
                self._text(dialect.text(text))
            elif kind in ("opens", "closes"):
                self._mark(getattr(dialect, _MARKS[text]), opens=kind == "opens")
            elif kind == "code":
                self._code(text)
            elif kind == "escaped" and text not in ESCAPABLE:
                self._text(dialect.backslash + dialect.text(text))
            else:
                self._out.append(self._whole(kind, text, inside))
        return self._joined()

    def _whole(self, kind: Kind, text: str, inside: Sequence[Span]) -> str:
        """What stands for itself, whatever marks are around it."""
        dialect = self._dialect
        if kind == "escaped":
            return dialect.escaped(text)
        if kind == "address":
            return dialect.address(text)
        if kind == "autolink":
            return dialect.text(f"<{text}>") if "|" in text else dialect.address(text)
        if kind == "link":
            return self._link(text, inside)
        alt = dialect.text(_words(inside))
        return alt if self._in_link else self._linked(alt, text)

    def _text(self, text: str) -> None:
        if self._marks and "\n" in text and self._dialect.marks_at_words:
            text = text.replace("\n", f"{''.join(reversed(self._marks))}\n{''.join(self._marks)}")
        self._out.append(text)

    def _mark(self, mark: str, *, opens: bool) -> None:
        if not mark or mark == self._without:
            return
        if opens:
            self._marks.append(mark)
        else:
            self._marks.pop()
        self._edges[len(self._out)] = (opens, not opens)
        self._out.append(mark)

    def _code(self, content: str) -> None:
        if self._dialect is not PLAIN:
            shown = self._dialect.code(content).replace("``", f"`{JOINER}`")
            content = f"`` {shown} ``" if "`" in shown else f"`{shown}`"
            self._edges[len(self._out)] = (True, True)
        self._out.append(content)

    def _link(self, address: str, label: Sequence[Span]) -> str:
        dialect = self._dialect
        marked = (
            _Inline(dialect, self._without, in_link=True).write(label).replace("\n", " ")
            if dialect.marked_labels
            else ""
        )
        return self._linked(marked or dialect.text(_words(label)), address)

    def _linked(self, label: str, address: str) -> str:
        dialect = self._dialect
        if label.strip() and "://" not in label and address.lower().startswith(WEB):
            return dialect.link(label, address)
        shown = dialect.address(normalizeLinkText(address))
        if not shown:
            return label
        return shown if label.strip() in ("", address, shown) else _label_and_address(label, shown)

    def _joined(self) -> str:
        if self._dialect.marks_at_words:
            last = len(self._out) - 1
            for at, (before, behind) in self._edges.items():
                if before and at and self._out[at - 1][-1:].isalnum():
                    self._out[at] = JOINER + self._out[at]
                if behind and at < last and self._out[at + 1][:1].isalnum():
                    self._out[at] += JOINER
        written = "".join(self._out)
        return written if self._dialect is PLAIN else unfenced(written)


def _words(label: Sequence[Span]) -> str:
    """A label without any markup."""
    return _Inline(PLAIN, in_link=True).write(label).replace("\n", " ")
