"""The Markdown that is understood: markdown-it-py with two rules of ours. Pure.

`plain` is the parser with its rules as they come; `fast` is the same with short cuts, which change no token but that a
table is a single one. A test holds the two against each other.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from markdown_it import MarkdownIt, rules_block, rules_inline
from markdown_it.common.utils import mdTrim
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

from bridge.tables import Table

MOST_MISSING: Final = 2**16
"""Cells of one table that may be missing: markdown-it's limit, so that a short text does not become a huge table."""

_BlockRule = Callable[[StateBlock, int, int, bool], bool]
_InlineRule = Callable[[StateInline, bool], bool]

_SCHEME: Final = re.compile(r"(?<![A-Za-z0-9])(?:https?|ftp)$")
_DUNDER: Final = re.compile(r"__[a-z][a-z0-9_]*[a-z0-9]__(?![\w])")
_ADDRESS: Final = re.compile(r"://[^\s<>\"`\[\]\\^{|}]+")
_CELL_END: Final = re.compile(r"(?<!\\)\|")
_NORMAL_ADDRESS: Final = (
    r"https?://(?:[a-z0-9-]{1,40}\.){1,4}[a-z]{2,40}(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9/._~+@:,=&!$-]*)?(?:\?[A-Za-z0-9/._~+@:,=&!$-]*)?(?:#[A-Za-z0-9/._~+@:,=&!$-]*)?"
)
_NORMAL: Final = re.compile(_NORMAL_ADDRESS)
_LINK: Final = re.compile(rf"\[([^\\:`~_*\[!<\]]+)\]\(({_NORMAL_ADDRESS})\)")
_STRONG: Final = re.compile(r"(?<![^ \n(\"'])\*\*([^\W_](?:[^\\:`~_*\[!<\]]*[^\W_])?:?)\*\*(?=[ \n.,:;!?)]|\Z)")


def plain() -> MarkdownIt:
    """CommonMark with GitHub's tables and strikethrough; entities, raw HTML and line breaks are text.

    Besides the tokens of CommonMark there is `address`, a web address that stands in the text.
    """
    return _with_our_rules(MarkdownIt("commonmark", {"html": False}))


def fast() -> MarkdownIt:
    """The same; instead of its tokens a table is one token `table` with a `Table` in its `meta`."""
    parser = _with_our_rules(_Fast("commonmark", {"html": False}))
    parser.inline.terminator_re = re.compile(f"[{re.escape(''.join(_INLINE))}\\]]")
    parser.inline.ruler.push("markup", _markup)
    parser.inline.ruler.enableOnly(["text", "markup"])
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.after("code", "block", _block, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.block.ruler.push("end of list", _end_of_list, {"alt": ["list"]})
    parser.block.ruler.disable(["fence", "blockquote", "hr", "list", "heading"])
    return parser


def _with_our_rules(parser: MarkdownIt) -> MarkdownIt:
    parser.enable(["table", "strikethrough"]).disable(["html_block", "html_inline", "entity", "newline"])
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.inline.ruler.before("escape", "address", _address)
    parser.inline.ruler.before("emphasis", "dunder", _dunder)
    return parser


class _Fast(MarkdownIt):
    """Leaves addresses as they are that are normal already, as most are."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - markdown-it's name
        return url if _NORMAL.fullmatch(url) else super().normalizeLink(url)


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


def _strong(state: StateInline, silent: bool) -> bool:
    """`**words**` between words, without anything else that could be markup."""
    found = None if silent else _STRONG.match(state.src, state.pos)
    if found is None or found.end() > state.posMax:
        return False
    state.push("strong_open", "strong", 1).markup = "**"
    state.push("text", "", 0).content = found[1]
    state.push("strong_close", "strong", -1).markup = "**"
    state.pos = found.end()
    return True


def _link(state: StateInline, silent: bool) -> bool:
    """`[words](https://example.com)`, without anything else that could be markup."""
    found = _LINK.match(state.src, state.pos)
    if found is None or found.end() > state.posMax:
        return False
    if not silent:
        state.push("link_open", "a", 1).attrs = {"href": found[2]}
        state.push("text", "", 0).content = found[1]
        state.push("link_close", "a", -1)
    state.pos = found.end()
    return True


_INLINE: Final[Mapping[str, Sequence[_InlineRule]]] = {
    "\\": [rules_inline.escape],
    ":": [_address],
    "`": [rules_inline.backtick],
    "~": [rules_inline.strikethrough.tokenize],
    "_": [_dunder, rules_inline.emphasis.tokenize],
    "*": [_strong, rules_inline.emphasis.tokenize],
    "[": [_link, rules_inline.link],
    "!": [rules_inline.image],
    "<": [rules_inline.autolink],
}
"""A character -> the rules for what begins with it."""


def _markup(state: StateInline, silent: bool) -> bool:
    """What one of the rules finds here."""
    for rule in _INLINE.get(state.src[state.pos], ()):  # noqa: SIM110 - this is the innermost loop
        if rule(state, silent):
            return True
    return False


def _by_first_character(rules: Mapping[str, Sequence[_BlockRule]]) -> _BlockRule:
    """What one of the rules finds that are there for the first character of the line."""

    def beginning(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        at = state.bMarks[start] + state.tShift[start]
        for rule in rules.get(state.src[at : at + 1], ()):  # noqa: SIM110 - asked for each line
            if rule(state, start, end, silent):
                return True
        return False

    return beginning


_FENCE: Final[Sequence[_BlockRule]] = [rules_block.fence]
_QUOTE: Final[Sequence[_BlockRule]] = [rules_block.blockquote]
_RULE: Final[Sequence[_BlockRule]] = [rules_block.hr]
_LIST: Final[Sequence[_BlockRule]] = [rules_block.list_block]

_block = _by_first_character(
    {
        "`": _FENCE,
        "~": _FENCE,
        ">": _QUOTE,
        "#": [rules_block.heading],
        "_": _RULE,
        "-": [*_RULE, *_LIST],
        "*": [*_RULE, *_LIST],
        "+": _LIST,
        **dict.fromkeys("0123456789", _LIST),
    }
)
"""The blocks that end a paragraph, a quote or a table."""

_end_of_list = _by_first_character({"`": _FENCE, "~": _FENCE, ">": _QUOTE, "-": _RULE, "*": _RULE, "_": _RULE})
"""Those that end a list."""


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table as one token. What is one, and where it ends, is as in markdown-it's own rule.

    Cells that have no column, which GitHub does not show, get one without a name.
    """
    if not rules_block.table(state, start, end, True):
        return False
    if silent:
        return True
    header, rules, *body = _rows(state, start, end)
    columns = max(len(header), *map(len, body), 0)
    sides = [f"{cell[:1]}{cell[-1:]}" for cell in rules]
    aligned = [{":-": "left", "-:": "right", "::": "center"}.get(side, "") for side in sides]
    token = state.push("table", "table", 0)
    token.map = [start, start + 2 + len(body)]
    token.meta["table"] = Table(
        _filled(header, columns), _filled(aligned, columns), tuple(_filled(row, columns) for row in body)
    )
    state.line = token.map[1]
    return True


def _rows(state: StateBlock, start: int, end: int) -> list[list[str]]:
    """The cells of the table's lines, the second of which is the rule below the header."""
    outer, state.parentType = state.parentType, "table"
    rows: list[list[str]] = []
    columns = there = 0
    for line in range(start, end):
        row = _cells(state, line) if line < start + 2 or _goes_on(state, line, end) else None
        if row is None:
            break
        columns, there = max(columns, len(row)), there + len(row)
        if columns * (len(rows) + 1) - there > MOST_MISSING:
            break
        rows.append(row)
    state.parentType = outer
    return rows


def _goes_on(state: StateBlock, line: int, end: int) -> bool:
    if state.sCount[line] < state.blkIndent or state.is_code_block(line):
        return False
    return not any(rule(state, line, end, True) for rule in state.md.block.ruler.getRules("blockquote"))


def _cells(state: StateBlock, line: int) -> list[str] | None:
    """None for a blank line."""
    text = mdTrim(state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]])
    cells = _CELL_END.split(text)
    if not cells[0]:
        del cells[0]
    if cells and not cells[-1]:
        del cells[-1]
    return [mdTrim(cell.replace("\\|", "|")) for cell in cells] if text else None


def _filled(row: Sequence[str], columns: int) -> tuple[str, ...]:
    return (*row, *[""] * (columns - len(row)))


PARSER: Final = fast()
