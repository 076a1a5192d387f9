"""Whom a message notifies."""

import pytest

from adapters.slack.simulator.notifications import notified


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<@U1> and <@W2|bo>", ["U1", "W2"]),
        ("<!here> <!channel|channel> <!everyone>", ["here", "channel", "everyone"]),
        ("<!subteam^S1> <!subteam^S2|@ops>", ["S1", "S2"]),
        ("`<!here>`", ["here"]),
        ("&lt;!here&gt; @here @ada <#C1> <https://e.com|@here> <!date^1^{date}|x>", []),
    ],
)
def test_mentions_in_text_and_in_markdown_blocks_notify(text, found):
    assert notified(text, ()) == found
    assert notified("", [{"type": "markdown", "text": text}]) == found
    assert notified("", [{"type": "divider", "text": text}]) == []


async def test_names_count_where_the_post_asks_for_it(simulator, client):
    said = simulator.say_in("Ada", "hello")
    for more in ({}, {"link_names": True}, {"parse": "full"}):
        await client.chat_postMessage(channel="#general", text="@here, @ada.l: a@e.com", thread_ts=said.id, **more)
    posted = [simulator.message(one) for one in simulator.read(said.thread)[1:]]
    assert [one.pinged for one in posted] == [[], ["here", "ada.l"], ["here", "ada.l"]]
