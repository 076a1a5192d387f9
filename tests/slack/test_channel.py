"""The Slack channel as the core uses it: settings, secrets, names, history, webhooks."""

import asyncio

import pytest
from pydantic import ValidationError

from adapters.slack import ids
from adapters.slack.channel import SlackChannel, SlackSettings
from bridge.abilities import WebhookRequest
from bridge.envelope import Actor, Conversation, Envelope
from bridge.errors import ConfigError, OutcomeUnknown
from tests.slack.conftest import channel_for, closing


def settings(**given):
    base = {"type": "slack", "bot_token": "env:B", "app_token": "env:A", "signing_secret": "env:S"}
    keys = {key: value for key, value in {**base, **given}.items() if value is not None}
    return SlackSettings.model_validate(keys, context={"resolve": lambda _: "secret"})


def envelope(simulator, said, text=None):
    room, _, root = said.thread.partition("/")
    author = simulator.message(said).user
    place = ids.Place(simulator.workspace.team_id, room, root)
    return Envelope(
        id=ids.envelope_id(simulator.workspace.team_id, room, said.id),
        source="slack",
        actor=Actor(id=ids.actor_id(author), display=author, type="human"),
        conversation=Conversation(source="slack", ref=ids.conversation_ref(place)),
        text=said.text if text is None else text,
        ts="2026-11-21T00:00:00Z",
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"app_token": None}, "needs app_token"),
        ({"mode": "http", "signing_secret": None}, "needs signing_secret"),
        ({"mode": "carrier pigeon"}, "socket"),
        ({"bot_token": "xoxb-literal"}, "a secret does not stand here"),
        ({"api_base": "slack.com/api"}, "write an address"),
        ({"api_bsae": "https://slack.com/api/"}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_work_are_refused(given, words):
    with pytest.raises(ValidationError, match=words):
        settings(**given)


def test_the_api_base_ends_with_a_slash_whether_it_is_written_or_not():
    bases = ["https://slack-gov.com/api", "https://slack-gov.com/api/"]
    assert {settings(api_base=base).api_base for base in bases} == {"https://slack-gov.com/api/"}
    assert settings().api_base == "https://slack.com/api/"


def test_http_needs_no_app_token_and_a_socket_no_signing_secret():
    assert settings(mode="http", app_token=None).mode == "http"
    assert settings(signing_secret=None).mode == "socket"


async def test_both_wrong_tokens_are_named_at_once(simulator):
    async with closing(channel_for(simulator, SLACK_BOT_TOKEN="wrong", SLACK_APP_TOKEN="wrong")) as channel:
        with pytest.raises(ConfigError) as refused:
            await channel.verify()
    assert [problem.partition(":")[0] for problem in refused.value.problems] == [
        "channels.slack.bot_token",
        "channels.slack.app_token",
    ]


async def test_an_app_token_in_place_of_the_bot_token_is_refused(simulator):
    async with closing(channel_for(simulator, SLACK_BOT_TOKEN=simulator.app_token)) as channel:
        with pytest.raises(ConfigError, match=r"channels\.slack\.bot_token"):
            await channel.verify()


async def test_names_take_the_place_of_ids_in_actor_and_text(simulator, channel):
    bo = simulator.person("Bo")
    said = simulator.say_in("Ada", "hi")
    resolved = await channel.resolve_names(envelope(simulator, said, f"ask <@{bo.id}> or <@U404>"))
    assert resolved.actor.display == "Ada"
    assert resolved.text == "ask @Bo or <@U404>"


async def test_a_name_is_asked_for_once_and_a_failure_is_forgotten(simulator, channel):
    question = envelope(simulator, simulator.say_in("Ada", "hi"))
    simulator.faults.fail("users.info")
    assert (await channel.resolve_names(question)).actor.display == simulator.person("Ada").id
    names = [one.actor.display for one in await asyncio.gather(*[channel.resolve_names(question)] * 1)]
    names += [(await channel.resolve_names(question)).actor.display for _ in range(3)]
    assert names == ["Ada"] * 4
    assert [call.method for call in simulator.calls] == ["users.info"] * 2


async def test_a_missing_scope_for_names_leaves_the_ids(simulator, channel):
    simulator.faults.refuse("users.info", "missing_scope", times=None)
    question = envelope(simulator, simulator.say_in("Ada", "hi"))
    assert await channel.resolve_names(question) == question


async def test_what_was_said_before_comes_with_facts_and_without_the_bots_own(simulator, channel):
    root = simulator.say_in("Ada", "the build is red")
    simulator.say_in("Bo", "since nine", thread_ts=root.id)
    own = simulator.workspace.bot.name
    simulator.say_in(own, "I said something", thread_ts=root.id)
    gone = simulator.say_in("Ada", "never mind", thread_ts=root.id)
    simulator.delete(gone)
    now = simulator.say_in("Bo", "why?", thread_ts=root.id)
    simulator.say_in("Ada", "too late", thread_ts=root.id)
    earlier = await channel.earlier_in_thread(envelope(simulator, now))
    assert [(one.text, facts.author) for one, facts in earlier] == [
        ("the build is red", simulator.person("Ada").id),
        ("since nine", simulator.person("Bo").id),
    ]
    assert {one.conversation.ref for one, _ in earlier} == {envelope(simulator, now).conversation.ref}


async def test_a_history_that_cannot_be_read_is_an_error_and_not_an_empty_one(simulator, channel):
    await channel.verify()
    simulator.faults.fail("conversations.replies")
    with pytest.raises(OutcomeUnknown):
        await channel.earlier_in_thread(envelope(simulator, simulator.say_in("Ada", "hi")))


async def test_a_socket_channel_takes_nothing_over_http(channel):
    assert (await channel.receive(WebhookRequest(b"{}", {}))).status == 503


def test_the_manifest_asks_for_what_the_bridge_uses():
    manifest = SlackChannel.manifest()
    for scope in ("app_mentions:read", "channels:history", "groups:history", "im:history", "chat:write", "users:read"):
        assert f"- {scope}\n" in manifest
    for event in ("app_mention", "message.channels", "message.groups", "message.im"):
        assert f"- {event}\n" in manifest
