"""Texts to render: anything at all, and Markdown of which every word is known."""

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

PIECES = (
    "\n", "\n\n", " ", "    ", "\t", "\r\n", "- ", "* ", "1. ", "10) ", "> ", "# ", "#### ", "```", "```py\n", "~~~", "`", "``", "**", "*", "_", "__",
    "~~", "||", "|", "| a | b |\n|---|:-:|\n", "---\n", "===\n", "[", "](", ")", "![", "[x]: https://e.com\n", "[ ] ", "[x] ", "<", ">", "&", "&lt;",
    "\\", "<!channel>", "<@U123>", "<@&1>", "@everyone", "https://e.com/a_b_c", "<https://e.com|x>", "word", "word " * 30, "x" * 70, "日本語", "שלום", "🦞", "👩‍👩‍👧",
    "\u200b", "\u2028", "\x0b", "\x0c", "\0", "\r", "-# ", "<br>", "\\|", "e\u0301", "- a\n  - b\n", "> - a\n>   1. b\n", "| `a|b` | c |\n", "``` ", "````\n", "[a][x]", "\ufeff", "\ud800",
)  # fmt: skip

ANY_TEXT = st.lists(st.sampled_from(PIECES), max_size=60).map("".join) | st.text(max_size=400)

LONG_TEXT = st.builds(
    lambda pieces, times: "".join(pieces) * times, st.lists(st.sampled_from(PIECES), max_size=12), st.integers(1, 60)
)
"""So long that it becomes several parts."""

INLINE = (
    "{}", "{}", "{}", "**{}**", "*{}*", "***{}***", "__{}__", "_{}_", "~~{}~~", "**{} *{}* {}**", "`{}`", "`` {} ` {} ``", "{} `code` {}", "[{}](https://e.com/a_b)",
    "[{}](https://e.com/a_(b) \"title\")", "[{} [{}] {}](https://e.com)", "[**{}** `{}`](../there)", "[{}]", "[{}][x]", "![{}](https://e.com/i.png)", "<b>{}</b>",
    "<!-- {} -->", "{} < {} & {} > {}", "&lt;{}&gt;", "\\*{}\\*", "\\[{}\\]", "{} | {}", "{} || {}", "https://e.com/{}/a_b_c", "(https://e.com/{})", "<https://e.com/{}>",
    "שלום {} עולם", "👩‍👩‍👧 {} 🦞", "日本{}語", "e\u0301{}", "{}\x0c{}", "{}\u00a0{}", "{}\0{}", "{}\u2028{}", "x{}".replace("x", "x" * 150 + " "), "**{}", "`{}", "*{}", "[{}", "<{}", "{}\\",
    "@everyone {}", "<!channel> {}", "__init__ {}", "2 ** {} ** 4", "$x_{}$", "{}: {}.",
)  # fmt: skip
"""What stands in a line; each `{}` becomes words."""

CELLS = (
    "{}",
    "{}",
    "`{}`",
    "**{}**",
    "{} \\| {}",
    "`a \\| {}`",
    "[{}](https://e.com)",
    "",
    "日本 {}",
    "{} <br> {}",
    "{} `",
    "x" * 90 + " {}",
)


@st.composite
def documents(draw: st.DrawFn, *, plain: bool = False) -> tuple[str, list[str]]:
    """Markdown of blocks in blocks, and its words `w0x`, `w1x` … in their order; headers of tables hold none.

    `plain`: without escapes, rules and several kinds of lists, which are written in another way than they were.
    """
    inline = [one for one in INLINE if not (plain and "\\" in one)]
    words: list[str] = []

    def some(most: int = 6) -> str:
        new = [f"w{len(words) + number}x" for number in range(draw(st.integers(1, most)))]
        words.extend(new)
        return " ".join(new)

    def filled(template: str) -> str:
        first, *rest = template.split("{}")
        return first + "".join(some(3) + part for part in rest)

    def line() -> str:
        return " ".join([some(), *(filled(one) for one in draw(st.lists(st.sampled_from(inline), max_size=3))), some()])

    def paragraph(_: int) -> str:
        return "\n".join(line() for _ in range(draw(st.integers(1, 3))))

    def heading(_: int) -> str:
        return f"{'#' * draw(st.integers(1, 6))} {line()}"

    def code(_: int) -> str:
        fence = draw(st.sampled_from(["```", "```py", "~~~", "````md", "``` c++ more"]))
        lines = [
            draw(st.sampled_from(["{}", "    {}", "# {}", "{} ``", "| {} |", "<{}>"]))
            for _ in range(draw(st.integers(1, 8)))
        ]
        inner = ["```", "~~~"] if fence.startswith("````") and draw(st.booleans()) else []
        return "\n".join([fence, *inner, *map(filled, lines), *inner[:1], fence.rstrip(" +abcdefghijklmnopqrstuvwxyz")])

    def table(_: int) -> str:
        columns = draw(st.integers(1, 4))
        rows = [
            [filled(draw(st.sampled_from(CELLS))) for _ in range(draw(st.integers(1, columns + 1)))]
            for _ in range(draw(st.integers(0, 8)))
        ]
        rule = [draw(st.sampled_from(["---", ":--", "--:", ":-:"])) for _ in range(columns)]
        header = [draw(st.sampled_from(["head", "**head**", "", "a longer head"])) for _ in range(columns)]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))

    def quote(depth: int) -> str:
        return "\n".join(f"> {one}" for one in blocks(depth + 1).split("\n"))

    def items(depth: int) -> str:
        marker = draw(st.sampled_from(["- ", "- [ ] ", "- [x] ", *([] if plain else ["* ", "1. ", "10) "])]))
        indent = " " * len(marker.partition("[")[0])
        return "\n".join(
            marker
            + "\n".join([*([line(), ""] if "[" in marker else []), blocks(depth + 1)]).replace("\n", f"\n{indent}")
            for _ in range(draw(st.integers(1, 4)))
        )

    def html(_: int) -> str:
        return f"<div class='a'>\n{line()}\n</div>"

    kinds: Sequence[Callable[[int], str]] = [
        paragraph,
        paragraph,
        heading,
        code,
        table,
        quote,
        items,
        items,
        html,
        *([] if plain else [lambda _: "---"]),
    ]

    def blocks(depth: int) -> str:
        some_kinds = draw(
            st.lists(st.sampled_from(kinds if depth < 3 else kinds[:2]), min_size=1, max_size=5 if depth == 0 else 2)
        )
        return "\n\n".join(kind(depth) for kind in some_kinds)

    text = blocks(0) + draw(st.sampled_from(["", "\n", "\n\n\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"]))), words
