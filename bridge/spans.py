"""What stands inside of a block: inline Markdown -> spans. Pure."""

import re
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from markdown_it.token import Token

from bridge.grammar import PARSER

Kind = Literal["text", "escaped", "code", "address", "image", "link", "autolink", "opens", "closes"]
Span = tuple[Kind, str, "Sequence[Span]"]
"""What it is, its text, and what stands inside of it.

The text of `escaped` is a character behind a backslash; that of an `image` or `link` what it points at; that of what
`opens` and `closes`, always in pairs, is `strong`, `em` or `s`. Inside of an image or a link stands its label. These
are many, so they are tuples of texts, at which the garbage collector does not have to look.
"""

_MARKS = re.compile(r"[\\`*_~\[<]")


@dataclass(frozen=True, slots=True)
class Document:
    """What the blocks of one text share."""

    references: MutableMapping[str, Any] = field(default_factory=dict[str, Any])
    """What links by name point at, as markdown-it-py keeps it."""
    read: MutableMapping[str, Sequence[Span]] = field(default_factory=dict[str, Sequence[Span]])
    """The spans that were asked for."""


def spans(content: str, document: Document) -> Sequence[Span] | None:
    """None where there is nothing but text."""
    if _MARKS.search(content) is None:
        return None
    if content not in document.read:
        tokens = PARSER.inline.parse(content, PARSER, document.references, [])
        document.read[content] = _read(iter(tokens))
    return document.read[content]


def _read(tokens: Iterator[Token]) -> Sequence[Span]:
    """The spans up to the end of the link that they stand in."""
    found: list[Span] = []
    for token in tokens:
        if token.type == "link_close":
            break
        if token.type == "link_open":
            found.append(_link(token, _read(tokens)))
        elif token.type == "image":
            found.append(("image", str(token.attrs["src"]), (("text", token.content, ()),)))
        elif token.nesting:
            found.append(("opens" if token.nesting > 0 else "closes", token.type.partition("_")[0], ()))
        elif token.type == "hardbreak":
            found.append(("text", "\n", ()))
        elif token.content:
            found.append((_kind(token), token.content, ()))
    return tuple(found)


def _link(opening: Token, label: Sequence[Span]) -> Span:
    if opening.info == "auto":
        return "autolink", "".join(text for _, text, _ in label), ()
    return "link", str(opening.attrs["href"]), label


def _kind(token: Token) -> Kind:
    if token.type == "text_special":
        return "text" if token.content == token.markup else "escaped"
    return "code" if token.type == "code_inline" else "address" if token.type == "address" else "text"
