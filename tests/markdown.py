"""Texts to render: anything at all, and Markdown of which every word is known."""

from hypothesis import strategies as st

PIECES = (
    "\n", "\n\n", " ", "    ", "\t", "\r\n", "- ", "* ", "1. ", "10) ", "> ", "# ", "#### ", "```", "```py\n", "~~~", "`", "``", "**", "*", "_", "__",
    "~~", "||", "|", "| a | b |\n|---|:-:|\n", "---\n", "===\n", "[", "](", ")", "![", "[x]: https://e.com\n", "[ ] ", "[x] ", "<", ">", "&", "&lt;",
    "\\", "<!channel>", "<@U123>", "<@&1>", "@everyone", "https://e.com/a_b_c", "<https://e.com|x>", "word", "word " * 30, "x" * 70, "日本語", "שלום", "🦞", "👩‍👩‍👧",
    "\u200b", "\u2028", "\x0b", "-# ", "<br>",
)  # fmt: skip

ANY_TEXT = st.lists(st.sampled_from(PIECES), max_size=60).map("".join) | st.text(max_size=400)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Markdown of blocks of all kinds, and its words `w1x`, `w2x` … in their order; headers of tables hold none."""
    words: list[str] = []

    def some(most: int = 12) -> list[str]:
        new = [f"w{len(words) + number}x" for number in range(draw(st.integers(1, most)))]
        words.extend(new)
        return new

    def sentence() -> str:
        marks = draw(
            st.sampled_from(["{}", "**{}**", "*{}*", "`{}`", "[{}](https://e.com/a_b)", "~~{}~~", "**{}** and `code`"])
        )
        return " ".join([*some(), marks.format(" ".join(some(3))), *some()])

    def block(kind: str) -> str:
        if kind == "code":
            return "```py\n" + "\n".join(" ".join(some()) for _ in range(draw(st.integers(1, 8)))) + "\n```"
        if kind == "table":
            rows = "\n".join(f"| {' '.join(some(3))} | {' '.join(some(9))} |" for _ in range(draw(st.integers(1, 8))))
            return f"| first | second |\n|---|---|\n{rows}"
        if kind == "list":
            marker = draw(st.sampled_from(["- ", "1. ", "- [ ] "]))
            indent = " " * (3 if marker == "1. " else 2)
            return "\n".join(f"{marker}{sentence()}\n{indent}- {sentence()}" for _ in range(draw(st.integers(1, 4))))
        return {"text": "{}", "heading": "## {}", "quote": "> {}", "quoted code": "> ```\n> {}\n> ```"}[kind].format(
            sentence()
        )

    kinds = st.lists(
        st.sampled_from(["text", "heading", "quote", "quoted code", "code", "table", "list"]), min_size=1, max_size=7
    )
    return "\n\n".join(block(kind) for kind in draw(kinds)) + "\n", words
