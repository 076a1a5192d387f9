"""The Web API: one call each, and what its failures mean, as the real slack-sdk meets them."""

import time
from dataclasses import replace

import pytest

from adapters.slack import ids, limits
from adapters.slack.client import SlackClient
from adapters.slack.parse import Bot
from adapters.slack.simulator import SlackSimulator
from bridge.channel import Delivery
from bridge.envelope import Conversation
from bridge.errors import ConfigError, NotSent, OutcomeUnknown, RateLimited, Rejected

POST = "chat.postMessage"
WITH_BLOCKS = {"text": "*Head*", "blocks": [{"type": "markdown", "text": "# Head"}]}


@pytest.fixture
async def thread(simulator):
    return simulator.say_in("Ada", "root")


def delivery(thread, text="hello", name="d1", *, in_thread=True):
    room, _, root = thread.thread.partition("/")
    ref = ids.conversation_ref(ids.Place("T0DEMO0001", room, root if in_thread else None))
    return Delivery(
        id=name,
        session="s",
        conversation=Conversation(source="slack", ref=ref),
        payload={"text": text},
        created_at=time.time(),
    )


def methods(simulator):
    return [call.method for call in simulator.calls]


async def test_it_knows_who_it_is(client):
    assert await client.who_am_i() == Bot(team="T0DEMO0001", user="U0DEMO0BOT", bot="B0DEMO0001")


@pytest.mark.parametrize("code", ["invalid_auth", "account_inactive", "token_revoked", "token_expired"])
async def test_a_token_that_slack_refuses_is_a_problem_of_the_configuration(simulator, client, code):
    simulator.faults.refuse("auth.test", code)
    with pytest.raises(ConfigError) as refused:
        await client.who_am_i()
    assert refused.value.problems == (
        f"channels.slack.bot_token: Slack does not accept it ({code}): copy it from OAuth & Permissions",
    )


async def test_the_app_token_is_tried(simulator, client):
    await client.check_app_token(simulator.app_token)
    with pytest.raises(ConfigError, match=r"channels\.slack\.app_token: .*connections:write"):
        await client.check_app_token(simulator.bot_token)


@pytest.mark.parametrize("fault", ["fail", "garbage", "lose_answer", "rate_limit"])
async def test_what_slack_cannot_say_now_is_no_problem_of_the_configuration(simulator, client, fault):
    getattr(simulator.faults, fault)("auth.test")
    with pytest.raises((OutcomeUnknown, RateLimited)):
        await client.who_am_i()
    assert methods(simulator) == ["auth.test"]


async def test_a_post_goes_into_its_thread_with_its_delivery_id(simulator, client, thread):
    ref = await client.post(delivery(thread))
    posted = simulator.read(thread.thread)[-1]
    assert (ref, posted.text) == (f"{thread.thread.partition('/')[0]}/{posted.id}", "hello")
    assert simulator.message(posted).metadata == {
        "event_type": "threadbridge_delivery",
        "event_payload": {"delivery_id": "d1"},
    }


async def test_a_post_into_a_room_itself_is_in_no_thread(simulator, client):
    direct = simulator.say_direct("Ada", "hi")
    await client.post(delivery(direct, in_thread=False))
    assert [said.text for said in simulator.read(direct.thread)] == ["hi"]
    room = simulator.workspace.rooms[direct.thread.partition("/")[0]]
    assert [room.messages[ts].text for ts in room.top] == ["hi", "hello"]


@pytest.mark.parametrize("in_thread", [True, False])
async def test_a_post_is_found_by_its_delivery_id(simulator, client, in_thread):
    said = simulator.say_direct("Ada", "hi")
    ref = await client.post(delivery(said, name="d1", in_thread=in_thread))
    await client.post(delivery(said, name="d2", in_thread=in_thread))
    assert await client.find(delivery(said, name="d1", in_thread=in_thread)) == ref
    assert await client.find(delivery(said, name="d3", in_thread=in_thread)) is None


async def test_a_post_is_found_on_a_later_page(simulator, client, thread):
    ref = await client.post(delivery(thread, name="first"))
    for number in range(limits.PAGE + 20):
        simulator.say_in("Ada", f"chatter {number}", thread_ts=thread.id)
    last = await client.post(delivery(thread, name="last"))
    assert await client.find(delivery(thread, name="first")) == ref
    assert await client.find(delivery(thread, name="last")) == last


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        ("fail", {"status": 500}, OutcomeUnknown),
        ("fail", {"status": 404}, OutcomeUnknown),
        ("lose_answer", {}, OutcomeUnknown),
        ("lose_answer", {"status": 500}, OutcomeUnknown),
        ("garbage", {}, OutcomeUnknown),
        ("garbage", {"applied": True}, OutcomeUnknown),
        ("refuse", {"error": "token_revoked"}, NotSent),
        ("refuse", {"error": "brand_new_error"}, NotSent),
        ("refuse", {"error": "is_archived"}, Rejected),
    ],
)
async def test_a_failed_post_says_what_may_have_become_of_it_and_is_tried_once(
    simulator, client, thread, *, fault, options, kind
):
    getattr(simulator.faults, fault)(POST, **options)
    with pytest.raises(kind):
        await client.post(delivery(thread))
    assert methods(simulator) == [POST]


async def test_a_room_that_the_bot_is_not_in_is_rejected_with_what_to_do(simulator, client):
    outside = simulator.add_room("private", with_bot=False)
    said = simulator.say_in("Ada", "secret", room=outside.name)
    with pytest.raises(Rejected, match="invite the bot to the channel"):
        await client.post(delivery(said))


@pytest.mark.parametrize("code", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"])
async def test_where_slack_refuses_the_blocks_the_text_is_posted_alone(simulator, client, thread, code):
    simulator.faults.refuse(POST, code)
    ref = await client.post(replace(delivery(thread), payload=WITH_BLOCKS))
    assert [bool(call.args["blocks"]) for call in simulator.calls] == [True, False]
    posted = simulator.read(thread.thread)[1:]
    assert [(said.id, said.text) for said in posted] == [(ref.partition("/")[2], "*Head*")]
    assert simulator.message(posted[0]).metadata["event_payload"] == {"delivery_id": "d1"}


async def test_a_text_that_slack_refuses_is_posted_once_at_most(simulator, client, thread):
    simulator.faults.refuse(POST, "invalid_blocks", times=2)
    with pytest.raises(NotSent):
        await client.post(replace(delivery(thread), payload=WITH_BLOCKS))
    assert methods(simulator) == [POST, POST]
    simulator.faults.refuse(POST, "msg_too_long")
    with pytest.raises(Rejected):
        await client.post(delivery(thread))
    assert methods(simulator) == [POST, POST, POST]


async def test_a_lost_answer_to_a_post_with_blocks_is_not_repeated(simulator, client, thread):
    simulator.faults.lose_answer(POST)
    with pytest.raises(OutcomeUnknown):
        await client.post(replace(delivery(thread), payload=WITH_BLOCKS))
    assert [said.text for said in simulator.read(thread.thread)] == ["root", "# Head"]


async def test_after_a_rate_limit_nothing_is_posted_in_that_room_until_it_is_over(simulator, client, thread):
    elsewhere = simulator.say_in("Ada", "root", room="#elsewhere")
    simulator.faults.rate_limit(POST, retry_after=30)
    with pytest.raises(RateLimited) as limited:
        await client.post(delivery(thread))
    assert limited.value.retry_after == 30
    with pytest.raises(RateLimited) as held:
        await client.post(delivery(thread))
    assert 29 < held.value.retry_after <= 30
    assert methods(simulator) == [POST]
    await client.post(delivery(elsewhere))


async def test_a_slack_that_is_not_there_was_sent_nothing(simulator, thread):
    nowhere = SlackClient("slack", simulator.bot_token, "http://127.0.0.1:9/api/", connections=1)
    with pytest.raises(NotSent, match="cannot be reached"):
        await nowhere.post(delivery(thread))
    await nowhere.close()


async def test_what_was_said_before_comes_oldest_first_and_the_newest_of_it(simulator, client, thread):
    said = [simulator.say_in("Ada", str(number), thread_ts=thread.id) for number in range(6)]
    where = ids.Place("T0DEMO0001", thread.thread.partition("/")[0], thread.id)
    before = await client.before(where, said[4].id, 3)
    assert [message["text"] for message in before] == ["1", "2", "3"]
    assert [message["text"] for message in await client.before(where, said[0].id, 3)] == ["root"]


async def test_people_have_names(simulator, client):
    assert await client.user_name(simulator.person("Ada Lovelace").id) == "Ada Lovelace"
    assert await client.user_name("U404") is None
    simulator.faults.refuse("users.info", "missing_scope")
    with pytest.raises(NotSent):
        await client.user_name(simulator.person("Ada Lovelace").id)


async def test_a_name_that_slack_gives_oddly_is_none():
    async with SlackSimulator() as simulator:
        client = SlackClient("slack", simulator.bot_token, simulator.api_base, connections=1)
        simulator.person("Ada").real_name = simulator.person("Ada").name = ""
        assert await client.user_name(simulator.person("Ada").id) is None
        await client.close()


async def test_a_post_is_found_however_far_ahead_our_clock_was_when_its_delivery_was_made(client, thread):
    ref = await client.post(delivery(thread))
    tomorrow = replace(delivery(thread), created_at=time.time() + 86_400)
    assert await client.find(tomorrow) is None
    assert await client.find(replace(tomorrow, answers=ids.envelope_id("T0DEMO0001", "C1", thread.id))) == ref


@pytest.mark.parametrize("refused", [False, True])
async def test_an_edit_leaves_no_blocks_of_before(simulator, client, thread, refused):
    ref = await client.post(replace(delivery(thread), payload=WITH_BLOCKS))
    if refused:
        simulator.faults.refuse("chat.update", "invalid_blocks")
        await client.edit(ref, {**WITH_BLOCKS, "text": "*New*"})
    else:
        await client.edit(ref, {"text": "*New*"})
    room, ts = ids.message(ref)
    message = simulator.workspace.rooms[room].messages[ts]
    assert (message.text, message.blocks) == ("*New*", [])
