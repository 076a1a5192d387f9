"""What an agent could write to notify somebody, in every place of an answer."""

from hypothesis import strategies as st

from tests.markdown import ANY_TEXT

MENTIONS = (
    "@everyone", "@here", "@channel", "<!channel>", "<!here|here>", "<!everyone>", "<!subteam^S0000001|@ops>", "<!subteam^S1>",
    "<@U0000000001>", "<@U0000000001|ada>", "<@1>", "<@!1>", "<@&2>", "&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;", "&#60;!channel&#62;",
    "\\<!channel>", "<\u200b!channel>", "<!chan**nel**>",
)  # fmt: skip

PLACES = (
    "{}", "# {}", "**{}** *{}* ~~{}~~", "- {}\n  1. {}\n     - [ ] {}", "> {}\n> > {}", "`{}` ``{}``", "```\n{}\n```", "```{}\ncode\n```",
    "~~~html\n{}\n~~~", "    {}", "| {} | b |\n|---|---|\n| {} | `{}` |", "[{}](https://example.com)", "[a]({})", "[a](<{}>)", "[a](https://example.com/{})",
    '[a](https://example.com "{}")', "![{}](https://example.com/a.png)", "![a]({})", "[a][1]\n\n[1]: {}", "[a][1]\n\n[1]: https://example.com '{}'", "<https://example.com|{}>",
    "<b>{}</b>", "<!-- {} -->", "https://example.com/{}", "# Head\n\n- item\n\n`{}` and {}", "# Head\n\n```py\n{}\n```", "a\n{}\n---", "\\{}", "<{}>", "{0}{0}",
)  # fmt: skip

ANSWERS = tuple(place.replace("{0}", "{}").format(*[mention] * 3) for place in PLACES for mention in MENTIONS)

HOSTILE_CHARACTERS = st.text(alphabet="<>!@#|&;lt\\`*_~[]()^:/ \n\u200b\u2060\ufeffhereU1S", max_size=80)

HOSTILE_TEXT = HOSTILE_CHARACTERS | st.lists(st.sampled_from((*MENTIONS, *ANSWERS)) | ANY_TEXT, max_size=12).map(
    lambda parts: "".join(parts[:8])
)

AT_THE_END_OF_A_PART = st.builds(
    "{}{}{}".format, st.integers(0, 60).map(lambda less: "x" * (4_000 - less)), HOSTILE_TEXT, HOSTILE_TEXT
)
"""Hostile text across the place where a message of 2,000 or 4,000 characters ends."""


def split_in_two(mention: str, limit: int) -> list[str]:
    """Answers in which the mention lies across the place where a message ends, at each of its characters."""
    return ["x" * (limit - at) + mention + " and more" for at in range(len(mention) + 1)]
