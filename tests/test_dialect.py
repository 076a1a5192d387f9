"""Markdown written as Markdown, and in a dialect."""

import pytest
from hypothesis import given

from bridge.dialect import PLAIN, Dialect, write
from bridge.markdown import parse
from tests.markdown import documents

MARKDOWN = Dialect()
OTHER = Dialect(
    strong="*", emphasis="_", strike="~", escaped=str, backslash="\\", marked_labels=False, link="<{1}|{0}>".format,
    marks_at_words=True, nested_quotes=False, code_in_quotes=False, code_in_lists=False, table_width=20,
)  # fmt: skip


def shown(text: str, dialect: Dialect = MARKDOWN) -> str:
    return write(parse(text), dialect)


@given(documents(plain=True))
def test_markdown_written_as_markdown_says_the_same(document):
    text, _ = document
    assert shown(shown(text)) == shown(text)


@pytest.mark.parametrize(
    "text",
    [
        "# One\n\n## Two\nText *em* **strong** ~~gone~~ `code` [label](https://e.com).\n",
        "- a\n- b\n  - c\n    - d\n\n  more of b\n- e\n",
        "- > a\n  >\n  > b\n- c\n",
        "> > - a\n> >\n> >   b\n>\n> > c\n",
        "1. a\n2. b\n\n   ```py\n   x\n   ```\n3. c\n   - d\n",
        "> a\n> b\n>\n> - c\n> > d\n\nafter\n",
        "- [ ] a\n- [x] b\n",
        "```sql\nselect '*'\n  from t\n```\n",
        "| a | b |\n| :-- | --: |\n| 1 | `x` |\n",
        "a * b < c & d, 2 ** 3, snake_case_name, C:\\Users\\x, /usr/lib/__init__.py\n",
        "see https://e.com/a_b_c/__init__.py?x=*y*, (https://e.com/a_(b)) and https://e.com.\n",
        "  indented\n\ttext  \n\n\n&amp; &lt;b&gt; <b>html</b>\n",
        "\\*not em\\* and \\_ and \\`\u200b\n",
    ],
)
def test_what_is_written_plainly_stays_as_it_is(text):
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a **b** *c* ~~d~~ __E f__ _f_", "a *b* _c_ ~d~ *E f* _f_"),
        ("語**太字**語 foo*bar*s", "語\u200b*太字*\u200b語 foo\u200b_bar_\u200bs"),
        ("**two\nlines**", "*two*\n*lines*"),
        ("[a **b** `c`](https://e.com)", "<https://e.com|a b c>"),
        ("[](https://e.com) [https://e.com](https://e.com)", "https://e.com https://e.com"),
        ("[a](../b) [a](#b) [a](!channel)", "a (../b) a (#b) a (!channel)"),
        ("[https://bank.com](https://evil.com)", "https://bank.com (https://evil.com)"),
        ("![alt](https://e.com/i.png)", "<https://e.com/i.png|alt>"),
        ("[![alt](https://e.com/i.png)](https://e.com) [a]() ![]()", "<https://e.com|alt> a "),
        ("1. a\n1. b\n", "1. a\n2. b\n"),
        ("<https://e.com/a_b> <a@e.com> <https://e.com|b>", "https://e.com/a_b a@e.com <https://e.com|b>"),
        ("[a][1]\n\n[1]: https://e.com", "<https://e.com|a>\n\n[1]: https://e.com"),
        ("\\*a\\* \\[x\\] a\\\nb", "*a* \\[x\\] a\nb"),
        ("``a`b``", "`` a`b ``"),
        ("a```b", "a`\u200b`\u200b`b"),
        ("> a\n> > b\n> ```\n> c\n> ```\n", "> a\n> b\n```\nc\n```\n"),
        ("- a\n  ```\n  b\n  ```\n- ```\n  c\n  ```\n", "- a\n```\nb\n```\n- \n```\nc\n```\n"),
        ("| a | b |\n|---|---|\n| 1 | **2** |\n", "```\na  b\n─  ─\n1  2\n```\n"),
        ("| a | b |\n|---|---|\n| a longer one | **another** |\n", "*a*: a longer one\n*b*: *another*\n"),
    ],
)
def test_a_dialect_says_it_in_its_own_way(text, expected):
    assert shown(text, OTHER) == expected


def test_a_heading_is_not_bold_in_a_link_either():
    assert shown("# [a **b**](../c) [**d**](https://e.com)") == "# a b (../c) [d](https://e.com)"


def test_plain_are_the_words_alone():
    assert shown("**a** `b` [c](https://e.com) \\* <d>", PLAIN) == "a b c (https://e.com) * <d>"
