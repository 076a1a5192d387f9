"""Nobody on Slack is notified by what an agent writes."""

import time

import pytest
from hypothesis import given

from adapters.slack import ids
from adapters.slack.render import render, render_with_buttons
from adapters.slack.simulator.notifications import notified
from bridge.actions import Button
from bridge.channel import Delivery
from bridge.envelope import Conversation
from tests.pings import ANSWERS, AT_THE_END_OF_A_PART, HOSTILE_TEXT, MENTIONS, split_in_two

BUTTONS = (Button("good/1", "Good answer", says="good"), Button("bad/1", "Bad answer", says="bad"))


def pinged(text):
    payloads = [*render(text), *render_with_buttons(text, BUTTONS)]
    return [who for payload in payloads for who in notified(payload["text"], payload.get("blocks", ()))]


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_place_of_an_answer_notifies(answer):
    assert pinged(answer) == []


@given(HOSTILE_TEXT | AT_THE_END_OF_A_PART)
def test_no_answer_notifies(text):
    assert pinged(text) == []


@pytest.mark.parametrize("mention", MENTIONS)
@pytest.mark.parametrize("before", ["", "# Head\n\n"])
def test_a_mention_across_two_messages_notifies_nobody(before, mention):
    assert [who for text in split_in_two(mention, 4_000 - len(before)) for who in pinged(before + text)] == []


async def test_over_the_simulator_nobody_is_notified_and_everything_is_read(simulator, channel):
    said = simulator.say_in("Ada", "go")
    room = said.thread.partition("/")[0]
    text = (
        "# Who\n\n"
        + "".join(f"- {mention} in `{mention}`\n" for mention in MENTIONS[:6])
        + "\n"
        + " ".join(MENTIONS[:10])
    )
    for number, payload in enumerate([*render(text), *render(text.replace("`", ""))]):
        where = Conversation(source="slack", ref=ids.conversation_ref(ids.Place("T0DEMO0001", room, said.id)))
        await channel.send(Delivery(f"d{number}", "s", where, payload, time.time()))
    posted = simulator.read(said.thread)[1:]
    assert [simulator.message(one).pinged for one in posted] == [[], []]
    assert all(mention in one.text for one in posted for mention in MENTIONS[:10])
    assert [len(simulator.message(one).blocks) for one in posted] == [0, 1]
    assert not [call for call in simulator.calls if call.args.get("link_names") or call.args.get("parse")]
