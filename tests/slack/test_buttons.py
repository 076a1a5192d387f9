"""Buttons on Slack: the contract, over a socket and over HTTP, and what is Slack's own about them."""

import asyncio
import contextlib
import json

import pytest

from adapters.slack import parse
from adapters.slack.channel import SlackChannel, SlackSettings
from adapters.slack.render import QUESTION, render, render_with_buttons
from adapters.slack.simulator import SlackSimulator
from bridge.abilities import WebhookRequest
from bridge.testing.button_contract import BAD, GOOD, ButtonContract, Pressed
from bridge.testing.channel_contract import Inbox, delivery
from bridge.testing.simulator import Said
from tests.journeys.program import eventually
from tests.slack.conftest import closing
from tests.slack.test_contract import SlackPlatform

ROW = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "feedback",
            "positive_button": {"text": {"type": "plain_text", "text": "Good answer"}, "value": "good/1"},
            "negative_button": {"text": {"type": "plain_text", "text": "Bad answer"}, "value": "bad/1"},
        }
    ],
}


class SlackButtonPlatform(SlackPlatform):
    def buttons(self, said: Said) -> list[str]:
        return self.simulator.buttons(said)

    async def press(self, person: str, said: Said, label: str) -> bool:
        return await self.simulator.press(person, said, label)

    def whispers(self, person: str) -> list[str]:
        return self.simulator.whispers(person)

    async def until_whispers(self, person: str, count: int) -> list[str]:
        async with asyncio.timeout(20):
            await self.simulator.until(lambda: len(self.whispers(person)) >= count)
        return self.whispers(person)


class TestSlackButtons(ButtonContract):
    @pytest.fixture
    def platform(self, simulator: SlackSimulator) -> SlackButtonPlatform:
        return SlackButtonPlatform(simulator)


def test_a_short_answer_stands_in_a_block_above_them_and_in_the_notification() -> None:
    assert render_with_buttons("see *it* & https://x.y", (GOOD, BAD)) == [
        {
            "text": "see _it_ &amp; https://x.y",
            "blocks": [{"type": "markdown", "text": "see *it* & https://x.y"}, ROW],
        }
    ]


def test_only_the_last_of_several_messages_changes() -> None:
    text = "word " * 2_000
    *before, last = render_with_buttons(text, (GOOD, BAD))
    plain = render(text)
    assert before == list(plain[:-1])
    assert last["text"] == plain[-1]["text"]


@pytest.mark.parametrize("text", ["`<@U1>`", ""])
def test_what_cannot_stand_in_a_block_is_followed_by_a_small_message_of_their_own(text: str) -> None:
    answer, own = render_with_buttons(text, (GOOD, BAD))
    assert answer == render(text)[0]
    assert own == {
        "text": QUESTION,
        "blocks": [{"type": "section", "text": {"type": "plain_text", "text": QUESTION}}, ROW],
    }


async def test_where_slack_refuses_the_blocks_the_answer_is_there_without_buttons(simulator, channel):
    simulator.faults.refuse("chat.postMessage", "invalid_blocks")
    inbox = Inbox()
    listening = asyncio.create_task(channel.listen(inbox.accept))
    await simulator.connected()
    asked = simulator.say_in("Ada", "hello", mention=True)
    envelope = (await inbox.until_taken(1))[0][0]
    await channel.send(delivery(envelope, channel.render_with_buttons("the answer", (GOOD, BAD))[0], "d1"))
    listening.cancel()
    await asyncio.wait([listening])
    (answer,) = [said for said in simulator.read(asked.thread) if said.by_bot]
    assert (answer.text, simulator.buttons(answer)) == ("the answer", [])


async def test_a_press_in_a_direct_conversation_says_so(simulator, channel):
    pressed, inbox = Pressed(), Inbox()
    channel.on_press(pressed.take)
    listening = asyncio.create_task(channel.listen(inbox.accept))
    await simulator.connected()
    asked = simulator.say_direct("Ada", "hello")
    envelope, facts = (await inbox.until_taken(1))[0]
    await channel.send(delivery(envelope, channel.render_with_buttons("the answer", (GOOD, BAD))[0], "d1"))
    (answer,) = [said for said in simulator.read(asked.thread) if said.by_bot]
    assert await simulator.press("Ada", answer, "Bad answer")
    listening.cancel()
    await asyncio.wait([listening])
    (press,) = pressed.taken
    assert (press.facts.direct, press.facts.thread, press.facts.in_thread) == (True, facts.thread, True)


async def test_who_is_no_member_of_the_room_is_heard_although_they_cannot_be_told(simulator, channel):
    pressed, inbox = Pressed(), Inbox()
    channel.on_press(pressed.take)
    listening = asyncio.create_task(channel.listen(inbox.accept))
    await simulator.connected()
    asked = simulator.say_in("Ada", "hello", mention=True)
    envelope = (await inbox.until_taken(1))[0][0]
    await channel.send(delivery(envelope, channel.render_with_buttons("the answer", (GOOD, BAD))[0], "d1"))
    (answer,) = [said for said in simulator.read(asked.thread) if said.by_bot]
    assert await simulator.press("Passer-by", answer, "Good answer")

    async def refused() -> bool | None:
        return True if any(call.error == "user_not_in_channel" for call in simulator.calls) else None

    await eventually("the refusal", refused)
    listening.cancel()
    await asyncio.wait([listening])
    assert (len(pressed.taken), simulator.whispers("Passer-by")) == (1, [])


BOT = parse.Bot("T1", "UBOT", "BBOT")
PRESS = {
    "type": "block_actions",
    "user": {"id": "U1", "team_id": "T1"},
    "team": {"id": "T1", "domain": "d"},
    "container": {"type": "message", "message_ts": "2.000100", "channel_id": "C1", "thread_ts": "1.000100"},
    "channel": {"id": "C1", "name": "general"},
    "actions": [{"type": "feedback_buttons", "action_id": "feedback", "value": "good/1"}],
}


@pytest.mark.parametrize(
    "broken",
    [
        {"user": None}, {"user": {"id": 7}}, {"user": {"id": "a b"}}, {"channel": {}}, {"channel": {"id": "a/b"}},
        {"container": []}, {"container": {"message_ts": ""}}, {"actions": []}, {"actions": [{"value": None}]},
        {"actions": "good"}, {"container": {"message_ts": "2.1", "thread_ts": "soon"}},
    ],
)  # fmt: skip
def test_a_press_that_is_not_what_slack_promises_is_malformed(broken):
    with pytest.raises(parse.Malformed):
        parse.press(PRESS | broken, BOT)


def test_a_press_at_the_top_of_a_room_is_in_no_thread():
    press = parse.press(PRESS | {"container": {"message_ts": "2.000100"}}, BOT)
    assert (press.facts.thread, press.facts.in_thread) == (("T1", "C1", "2.000100"), False)


async def test_over_http_a_signed_press_is_taken_and_a_forged_one_is_not():
    async with SlackSimulator(events_url="http://127.0.0.1:9/", rate_limits=False) as simulator:
        secrets = simulator.secrets()
        context = {"resolve": lambda reference: secrets[reference.removeprefix("env:")]}
        settings = SlackSettings.model_validate(simulator.settings(), context=context)
        async with closing(SlackChannel("slack", settings)) as channel:
            pressed = Pressed()
            channel.on_press(pressed.take)
            listening = asyncio.create_task(channel.listen(Inbox().accept))

            async def listens() -> bool | None:
                return True if channel.connected() else None

            await eventually("listening", listens)
            body = f"payload={json.dumps(PRESS)}".encode()
            form = {"content-type": "application/x-www-form-urlencoded"}
            forged = await channel.receive(WebhookRequest(body, form))
            signed = simulator.events_api._headers(body) | {"Content-Type": form["content-type"]}
            lower = {name.lower(): value for name, value in signed.items()}
            taken = await channel.receive(WebhookRequest(body, lower))
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
    assert (forged.status, taken.status) == (401, 200)
    assert [press.button for press in pressed.taken] == ["good/1"]
