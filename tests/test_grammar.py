"""The short cuts of the parser change nothing."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bridge import grammar
from bridge.tables import Table
from tests.markdown import ANY_TEXT

PLAIN = grammar.plain()
FAST = grammar.fast()

INLINE = st.lists(
    st.sampled_from(
        ("**", "*", "***", "_", "__", "~~", "`", "[", "]", "](", ")", "(", "!", "![", "<", ">", "\\", ":", "://", "a", "B2", "é", "語", "e\u0301", "🦞", " ", " ", "\n", "\u00a0", '"', ".", "-", "**bold**",
         "**two words**", "**Note:**", "[label](https://e.com/a)", "[two words](http://a.b.example.com:80/c?d=e&f#g)", "https://e.com/x", "https://e.com/a&lt;b", "__init__", "x@e.com", "[a]", "\\*"),
    ),
    max_size=25,
).map("".join)  # fmt: skip
ADDRESSES = st.from_regex(grammar._NORMAL, fullmatch=True)


def described(tokens: Sequence[Token]) -> list[dict[str, object]]:
    return [token.as_dict() for token in tokens]


def with_whole_tables(tokens: Sequence[Token]) -> Iterator[dict[str, object]]:
    """Each of markdown-it's tables as one token, as `fast` has it."""
    left = iter(tokens)
    for token in left:
        if token.type != "table_open":
            yield token.as_dict()
            continue
        rows: list[list[str]] = []
        aligned: list[str] = []
        for inner in left:
            if inner.type == "table_close":
                break
            if inner.type == "tr_open":
                rows.append([])
            elif inner.type == "inline":
                rows[-1].append(inner.content)
            elif inner.type == "th_open":
                aligned.append(str(inner.attrs.get("style", "")).removeprefix("text-align:"))
        whole = Token("table", "table", 0, map=token.map, level=token.level, block=True)
        whole.meta["table"] = Table(tuple(rows[0]), tuple(aligned), tuple(map(tuple, rows[1:])))
        yield whole.as_dict()


def of_markdown_its_size(tokens: Sequence[Token], like: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Without the cells that have no column."""
    for token, other in zip(tokens, like, strict=True):
        if token.type == "table":
            table, wanted = token.meta["table"], len(other["meta"]["table"].header)
            body = tuple(row[:wanted] for row in table.body)
            token.meta["table"] = Table(table.header[:wanted], table.aligned[:wanted], body)
    return described(tokens)


def inline(parser: MarkdownIt, text: str) -> list[dict[str, object]]:
    """Without the empty texts that markdown-it leaves beside `**`."""
    references = {"references": {"A": {"href": "https://e.com", "title": ""}}}
    tokens = parser.inline.parse(text, parser, references, [])
    return described([token for token in tokens if token.type != "text" or token.content])


@given(ANY_TEXT)
def test_blocks_are_those_of_markdown_it(text):
    expected = list(with_whole_tables(PLAIN.parse(text)))
    assert of_markdown_its_size(FAST.parse(text), expected) == expected


@given(INLINE | ANY_TEXT)
def test_what_stands_inside_of_blocks_is_that_of_markdown_it(text):
    assert inline(FAST, text) == inline(PLAIN, text)


@given(ADDRESSES)
def test_an_address_that_is_normal_stays_as_it_is(address):
    assert PLAIN.normalizeLink(address) == address
    assert PLAIN.validateLink(address)


@pytest.mark.parametrize(
    "text", ["|a|b|\n|-|-|\n" + "|" * 3000 + "\n" + "|c|\n" * 3000, "|a|\n" * 3 + "|-|\n" + "|b|\n" * 9]
)
def test_a_table_never_becomes_much_longer_than_its_text(text):
    tables = [token.meta["table"] for token in FAST.parse(text) if token.type == "table"]
    assert tables
    cells = sum(len(row) for table in tables for row in (table.header, *table.body))
    assert cells <= grammar.MOST_MISSING + 2 * len(text)
