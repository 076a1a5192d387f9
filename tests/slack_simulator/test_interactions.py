"""Buttons: which blocks Slack takes, and what the real slack-bolt is given of a press."""

import asyncio
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ContextActionsBlock, FeedbackButtonObject, FeedbackButtonsElement, MarkdownBlock

from tests.slack_simulator.test_payloads import check


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def feedback(**changes: Any) -> dict[str, Any]:
    good, bad = ({"text": plain(text), "value": text} for text in ("good", "bad"))
    return {"type": "feedback_buttons", "positive_button": good, "negative_button": bad, **changes}


def row(*elements: Any, kind: str = "context_actions") -> dict[str, Any]:
    return {"type": kind, "elements": list(elements)}


def button(**changes: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Go"), "action_id": "go", "value": "v", **changes}


async def refusal(client, *blocks):
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="#general", text="hello", blocks=list(blocks))
    return refused.value.response["error"]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "buttons"},
        {"elements": []},
        row(),
        row(*(feedback(action_id=str(number)) for number in range(6))),
        row(button()),
        row(feedback(action_id="a" * 256)),
        row(feedback(positive_button=None)),
        row(feedback(positive_button={"text": plain("good")})),
        row(feedback(negative_button={"text": plain("b" * 76), "value": "b"})),
        row(feedback(negative_button={"text": plain("b"), "value": "b" * 2001})),
        row(feedback(negative_button={"text": {"type": "mrkdwn", "text": "b"}, "value": "b"})),
        row(feedback(action_id="same"), feedback(action_id="same")),
        row(*(button(action_id=str(number)) for number in range(26)), kind="actions"),
        row(button(text=None), kind="actions"),
        {"type": "section", "text": {"type": "mrkdwn", "text": "a" * 3001}},
        {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
    ],
)
async def test_blocks_that_slack_would_not_take_are_refused(simulator, client, block):
    simulator.add_room("general")
    assert await refusal(client, block) == "invalid_blocks"


async def test_what_the_sdk_builds_is_taken(simulator, client):
    simulator.add_room("general")
    pair = FeedbackButtonsElement(
        action_id="f",
        positive_button=FeedbackButtonObject(text="Good", value="g"),
        negative_button=FeedbackButtonObject(text="Bad", value="b"),
    )
    answer = await client.chat_postMessage(
        channel="#general", text="hello", blocks=[MarkdownBlock(text="hello"), ContextActionsBlock(elements=[pair])]
    )
    assert [block["type"] for block in answer["message"]["blocks"]] == ["markdown", "context_actions"]


# field -> type, or the value itself; https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
BLOCK_ACTIONS: dict[str, Any] = {
    "type": "block_actions", "user": dict, "api_app_id": str, "token": str, "container": dict, "trigger_id": str,
    "team": dict, "enterprise": None, "is_enterprise_install": False, "channel": dict, "message": dict, "state": dict,
    "response_url": str, "actions": list,
}  # fmt: skip
CONTAINER = {"type": "message", "message_ts": str, "channel_id": str, "is_ephemeral": False, "thread_ts": str}
# https://docs.slack.dev/tools/bolt-js/reference/interfaces/FeedbackButtonsAction
ACTION = {
    "type": "feedback_buttons", "action_id": "f", "block_id": str, "text": dict, "value": "bad", "action_ts": str,
}  # fmt: skip


async def test_a_press_reaches_bolts_listener_once_and_is_acknowledged(simulator, connect):
    bot = await connect(simulator)
    bodies: list[dict[str, Any]] = []

    async def listener(ack, body):
        await ack()
        bodies.append(body)

    bot.app.action("f")(listener)
    asked = simulator.say_in("Ada", "hello")
    blocks = [{"type": "markdown", "text": "hi"}, row(feedback(action_id="f"))]
    await bot.client.chat_postMessage(channel="#general", thread_ts=asked.id, text="hi", blocks=blocks)
    await simulator.until(lambda: len(simulator.read(asked.thread)) == 2)
    said = simulator.read(asked.thread)[1]
    assert (said.text, simulator.buttons(said)) == ("hi", ["good", "bad"])
    assert await simulator.press("Bo", said, "bad")
    (body,) = bodies
    check(body, BLOCK_ACTIONS)
    check(body["container"], CONTAINER)
    check(body["actions"][0], ACTION)
    assert body["user"]["id"] == simulator.person("Bo").id
    assert (body["container"]["message_ts"], body["container"]["thread_ts"]) == (said.id, asked.id)


async def test_a_press_that_nobody_acknowledges_fails_and_does_not_come_again(impatient, connect):
    bot = await connect(impatient)
    seen = asyncio.Event()

    async def listener():
        seen.set()

    bot.app.action("f")(listener)
    await bot.client.chat_postMessage(
        channel=impatient.add_room("general").id, text="hi", blocks=[row(feedback(action_id="f"))]
    )
    said = impatient.read(f"{impatient.add_room('general').id}/{impatient.workspace.room('general').top[-1]}")[0]
    assert not await impatient.press("Ada", said, "good")
    assert seen.is_set()
    with pytest.raises(LookupError):
        await impatient.press("Ada", said, "neither")


async def test_without_a_connection_a_press_fails(simulator, client):
    simulator.add_room("general")
    await client.chat_postMessage(channel="#general", text="hi", blocks=[row(feedback())])
    room = simulator.workspace.room("general")
    said = simulator.read(f"{room.id}/{room.top[-1]}")[0]
    assert not await simulator.press("Ada", said, "good")


async def test_an_ephemeral_message_is_seen_by_one_member_and_stands_in_no_history(simulator, client):
    asked = simulator.say_in("Ada", "hello")
    ada, bo = simulator.person("Ada").id, simulator.person("Bo").id
    await client.chat_postEphemeral(channel="#general", user=ada, text="only you", thread_ts=asked.id)
    with pytest.raises(SlackApiError, match="user_not_in_channel"):
        await client.chat_postEphemeral(channel="#general", user=bo, text="nor you")
    assert (simulator.whispers("Ada"), simulator.whispers("Bo")) == (["only you"], [])
    assert [said.text for said in simulator.read(asked.thread)] == ["hello"]


# https://docs.slack.dev/interactivity/implementing-slash-commands
SLASH_COMMAND: dict[str, Any] = {
    "token": str, "team_id": str, "team_domain": str, "channel_id": str, "channel_name": "general", "user_id": str,
    "user_name": str, "command": "/threadbridge", "text": "stop", "api_app_id": str, "is_enterprise_install": "false",
    "response_url": str, "trigger_id": str,
}  # fmt: skip


async def test_a_slash_command_reaches_bolts_listener_and_only_that_person_sees_the_answer(simulator, connect):
    bot = await connect(simulator)
    bodies: list[dict[str, Any]] = []

    async def listener(ack, body):
        bodies.append(body)
        await ack("stopped")

    bot.app.command("/threadbridge")(listener)
    assert await simulator.invoke("Ada", "stop")
    check(bodies[0], SLASH_COMMAND)
    assert await simulator.invoke("Ada", "stop", direct=True)
    assert bodies[1]["channel_name"] == "directmessage"
    assert (simulator.whispers("Ada"), simulator.whispers("Bo")) == (["stopped", "stopped"], [])


async def test_a_slash_command_that_nobody_acknowledges_fails_and_slack_says_so(impatient, connect):
    await connect(impatient)
    assert not await impatient.invoke("Ada", "stop")
    assert impatient.whispers("Ada") == ['/threadbridge failed with the error "operation_timeout"']


async def test_in_a_thread_slack_itself_refuses_a_slash_command(simulator, connect):
    bot = await connect(simulator)
    asked = simulator.say_in("Ada", "hello")
    assert not await simulator.invoke("Ada", "stop", thread=asked.thread)
    assert simulator.whispers("Ada") == ["/threadbridge is not supported in threads. Sorry!"]
    await bot.client.auth_test()
