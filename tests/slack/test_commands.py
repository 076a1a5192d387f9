"""Slash commands: the contract, over a socket and over HTTP, and what is Slack's own about them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from adapters.slack import parse
from adapters.slack.channel import SlackChannel, SlackSettings
from adapters.slack.manifest import MANIFEST
from adapters.slack.simulator import SlackSimulator
from adapters.slack.simulator.interactions import COMMAND
from bridge.abilities import WebhookRequest
from bridge.testing.channel_contract import Inbox
from bridge.testing.command_contract import ANSWER, CommandContract, Invoked
from tests.journeys.program import eventually
from tests.slack.conftest import closing
from tests.slack.test_contract import SlackPlatform

AT = datetime(2026, 11, 22, tzinfo=UTC)
BOT = parse.Bot("T1", "UBOT", "BBOT")
FIELDS = {
    "token": "secret-token", "team_id": "T1", "team_domain": "acme", "channel_id": "C1", "channel_name": "general",
    "user_id": "U1", "user_name": "ada", "command": "/threadbridge", "text": "link ABC-123", "api_app_id": "A1",
    "is_enterprise_install": "false", "response_url": "https://hooks.slack.com/commands/T1/1/secret",
    "trigger_id": "13345224609.738474920.8088930838d88f008e0",
}  # fmt: skip


class SlackCommandPlatform(SlackPlatform):
    async def invoke(self, person: str, words: str, *, direct: bool = False) -> bool:
        return await self.simulator.invoke(person, words, direct=direct)

    def whispers(self, person: str) -> list[str]:
        return [self.text({"text": text}) for text in self.simulator.whispers(person)]

    async def until_whispered(self, person: str, text: str) -> None:
        async with asyncio.timeout(20):
            await self.simulator.until(lambda: text in self.whispers(person))


class TestSlackCommands(CommandContract):
    @pytest.fixture
    def platform(self, simulator: SlackSimulator) -> SlackCommandPlatform:
        return SlackCommandPlatform(simulator)


@contextlib.asynccontextmanager
async def listening(channel: SlackChannel) -> AsyncIterator[Invoked]:
    """What is used while the channel listens."""
    invoked = Invoked()
    channel.on_command(invoked.take)
    task = asyncio.create_task(channel.listen(Inbox().accept))

    async def listens() -> bool | None:
        return True if channel.connected() else None

    await eventually("listening", listens)
    try:
        yield invoked
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_in_a_thread_slack_refuses_it_and_nobody_hears_of_it(simulator, channel):
    async with listening(channel) as invoked:
        thread = (await simulator.say("Ada", "hello")).thread
        assert not await simulator.invoke("Ada", "stop", thread=thread)
    assert (invoked.taken, simulator.whispers("Ada")) == ([], ["/threadbridge is not supported in threads. Sorry!"])


async def test_the_app_may_call_its_command_as_it_likes(simulator, channel):
    async with listening(channel) as invoked:
        assert await simulator.invoke("Ada", "stop", command="/agent")
    assert [one.envelope.text for one in invoked.taken] == ["stop"]


async def test_a_command_that_is_rubbish_fails_and_disturbs_nobody(simulator, channel):
    async with listening(channel) as invoked:
        assert await simulator.transport.command({"command": COMMAND, "text": "stop"}) is None
        assert await simulator.invoke("Ada", "stop")
    assert len(invoked.taken) == 1


async def test_while_nobody_takes_commands_they_fail(simulator, channel):
    task = asyncio.create_task(channel.listen(Inbox().accept))
    await simulator.connected()
    assert not await simulator.invoke("Ada", "stop")
    task.cancel()
    await asyncio.wait([task])


def test_the_manifest_asks_for_the_command_and_its_scope():
    assert f"    - command: {COMMAND}\n" in MANIFEST
    assert "      - commands\n" in MANIFEST


def test_what_is_kept_of_a_command_opens_nothing():
    found = parse.invocation(FIELDS, BOT, AT)
    assert "secret" not in str(found.envelope.raw)
    assert (found.envelope.conversation.ref, found.envelope.ts) == ("T1/C1", AT)
    assert found.envelope.id == f"slack:T1:C1:command:{FIELDS['trigger_id']}"
    assert (found.facts.thread, found.facts.in_thread, found.facts.direct) == (("T1", "C1"), False, False)
    assert found.facts.unthreaded == found.envelope.conversation


@pytest.mark.parametrize("changed", [{"channel_name": "directmessage"}, {"channel_id": "D1"}])
def test_a_direct_conversation_is_one(changed):
    assert parse.invocation(FIELDS | changed, BOT, AT).facts.direct


@pytest.mark.parametrize("text", [None, "", "  "])
def test_a_command_without_words_has_none(text):
    assert parse.invocation(FIELDS | {"text": text}, BOT, AT).envelope.text == ""


@pytest.mark.parametrize(
    "broken",
    [
        {"user_id": None}, {"user_id": 7}, {"user_id": "a b"}, {"channel_id": ""}, {"channel_id": "a/b"},
        {"trigger_id": None}, {"trigger_id": "a b"}, {"trigger_id": "1" * 200}, {"text": ["stop"]}, {"team_id": "a/b"},
    ],
)  # fmt: skip
def test_a_command_that_is_not_what_slack_promises_is_malformed(broken):
    with pytest.raises(parse.Malformed):
        parse.invocation(FIELDS | broken, BOT, AT)


@contextlib.asynccontextmanager
async def over_http() -> AsyncIterator[tuple[SlackSimulator, SlackChannel, Invoked]]:
    async with SlackSimulator(events_url="http://127.0.0.1:9/", rate_limits=False) as simulator:
        secrets = simulator.secrets()
        context = {"resolve": lambda reference: secrets[reference.removeprefix("env:")]}
        settings = SlackSettings.model_validate(simulator.settings(), context=context)
        async with closing(SlackChannel("slack", settings)) as channel, listening(channel) as invoked:
            yield simulator, channel, invoked


def request(simulator: SlackSimulator, body: bytes, *, signed: bool = True) -> WebhookRequest:
    headers = simulator.events_api._headers(body) if signed else {}
    form = headers | {"Content-Type": "application/x-www-form-urlencoded"}
    return WebhookRequest(body, {name.lower(): value for name, value in form.items()})


async def test_over_http_a_signed_command_is_taken_and_a_forged_one_is_not():
    async with over_http() as (simulator, channel, invoked):
        body = urlencode(FIELDS).encode()
        forged = await channel.receive(request(simulator, body, signed=False))
        taken = await channel.receive(request(simulator, body))
        invoked.refuses = True
        failed = await channel.receive(request(simulator, body))
        rubbish = await channel.receive(request(simulator, b"command=%2Fx"))
    assert (forged.status, taken.status, failed.status, rubbish.status) == (401, 200, 500, 400)
    assert [one.envelope.text for one in invoked.taken] == ["link ABC-123"]
    answer = json.loads(taken.body)
    assert taken.content_type.startswith("application/json")
    assert answer["response_type"] == "ephemeral"
    assert SlackPlatform(simulator).text(answer) == ANSWER.replace("*said*", "_said_")


@pytest.mark.parametrize("text", ["payload", "payload=x&command=y", "a & b + c = ü", '{"payload": 1}', "100%"])
async def test_over_http_whatever_people_type_arrives_as_it_is(text):
    async with over_http() as (simulator, channel, invoked):
        answer = await channel.receive(request(simulator, urlencode(FIELDS | {"text": text}).encode()))
    assert answer.status == 200
    assert [one.envelope.text for one in invoked.taken] == [text]
