"""Text between what is typed, what is stored and what is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.simulator.mrkdwn import escape, rich_text, visible

NAMES = {"U1": "Ada", "C1": "general"}


def seen(stored: str) -> str:
    return visible(stored, lambda target: NAMES.get(target, target))


@given(st.text(alphabet="ab<>&;|lgtmp \n"))
def test_what_is_typed_without_mentions_and_links_is_what_is_seen(typed):
    assert seen(escape(typed)) == typed


@pytest.mark.parametrize(
    ("typed", "stored", "shown"),
    [
        ("<@U1> & <#C1>", "<@U1> &amp; <#C1>", "@Ada & #general"),
        ("<https://example.com/?a=1|here> < there", "<https://example.com/?a=1|here> &lt; there", "here < there"),
        ("<https://example.com/>", "<https://example.com/>", "https://example.com/"),
        ("<!here> look", "<!here> look", "@here look"),
        ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;", "<b>bold</b>"),
        ("<@U404>", "<@U404>", "@U404"),
    ],
)
def test_mentions_and_links_keep_their_meaning(typed, stored, shown):
    assert escape(typed) == stored
    assert seen(stored) == shown


def test_the_blocks_name_mentions_and_links():
    assert rich_text("hi <@U1>, see <#C1> &amp; <!here> <https://example.com/|x>!", "b1") == [
        {
            "type": "rich_text",
            "block_id": "b1",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "hi "},
                        {"type": "user", "user_id": "U1"},
                        {"type": "text", "text": ", see "},
                        {"type": "channel", "channel_id": "C1"},
                        {"type": "text", "text": " & "},
                        {"type": "broadcast", "range": "here"},
                        {"type": "text", "text": " "},
                        {"type": "link", "url": "https://example.com/"},
                        {"type": "text", "text": "!"},
                    ],
                }
            ],
        }
    ]
