"""Text -> Discord's messages."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.discord import limits
from adapters.discord.render import render


def test_markdown_goes_out_as_it_is():
    text = "# Head\n**bold** <@1> @everyone `code` [link](https://example.com) & < >"
    assert render(text) == [{"content": text}]


def test_nothing_is_shown_as_such():
    assert render(" \n ") == [{"content": "(empty)"}]


def test_a_long_text_is_split_at_paragraphs():
    first, second = "a" * 1_500, "b" * 1_500
    assert [part["content"].strip() for part in render(f"{first}\n\n{second}")] == [first, second]


@given(st.text(alphabet=st.sampled_from("ab \n🦞日"), max_size=9_000))
def test_every_part_is_within_the_limit_however_it_is_counted(text):
    contents = [part["content"] for part in render(text)]
    assert max(len(content.encode("utf-16-le")) // 2 for content in contents) <= limits.MESSAGE_CHARS
    if text.strip():
        assert "".join("".join(contents).split()) == "".join(text.split())
