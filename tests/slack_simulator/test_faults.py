"""Every fault as the real slack-sdk meets it."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.simulator.faults import Faults

POST = "chat.postMessage"


@pytest.fixture
def room(simulator):
    return simulator.add_room("general")


def texts(room):
    return [room.messages[ts].text for ts in room.top]


async def test_a_failed_post_shows_nothing_and_the_next_one_works(simulator, client, room):
    simulator.faults.fail(POST, status=502)
    with pytest.raises(SlackApiError) as failed:
        await client.chat_postMessage(channel=room.id, text="lost")
    assert failed.value.response.status_code == 502
    await client.chat_postMessage(channel=room.id, text="shown")
    assert texts(room) == ["shown"]
    assert [call.status for call in simulator.calls] == [502, 200]


async def test_a_lost_answer_shows_the_post_and_closes_the_connection(simulator, client, room):
    simulator.faults.lose_answer(POST)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel=room.id, text="shown")
    assert texts(room) == ["shown"]
    assert [call.status for call in simulator.calls] == [0]


async def test_the_sdks_default_retry_turns_a_lost_answer_into_two_posts(simulator, room):
    simulator.faults.lose_answer(POST)
    careless = AsyncWebClient(token=simulator.bot_token, base_url=simulator.api_base)
    await careless.chat_postMessage(channel=room.id, text="twice")
    assert texts(room) == ["twice", "twice"]


async def test_a_post_can_take_effect_and_still_be_answered_with_500(simulator, client, room):
    simulator.faults.lose_answer(POST, status=500)
    with pytest.raises(SlackApiError) as failed:
        await client.chat_postMessage(channel=room.id, text="shown")
    assert failed.value.response.status_code == 500
    assert texts(room) == ["shown"]


async def test_garbage_is_a_page_instead_of_json(simulator, client, room):
    simulator.faults.garbage(POST)
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel=room.id, text="lost")
    simulator.faults.garbage(POST, applied=True)
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel=room.id, text="shown")
    assert texts(room) == ["shown"]


async def test_a_rate_limit_on_demand(simulator, client):
    simulator.faults.rate_limit("*", retry_after=7, times=2)
    for call in (client.auth_test, client.team_info):
        with pytest.raises(SlackApiError) as limited:
            await call()
        assert limited.value.response.headers["Retry-After"] == "7"
        assert limited.value.response.data == {"ok": False, "error": "ratelimited"}
    await client.auth_test()


async def test_an_error_code_on_demand(simulator, client):
    simulator.faults.refuse("auth.test", "account_inactive")
    with pytest.raises(SlackApiError) as refused:
        await client.auth_test()
    assert refused.value.response.data == {"ok": False, "error": "account_inactive"}


async def test_a_delayed_answer_is_right(simulator, client, room):
    simulator.faults.delay(POST, 0.01)
    assert (await client.chat_postMessage(channel=room.id, text="slow"))["message"]["text"] == "slow"


async def test_refused_posts_get_503_until_they_are_allowed_again(simulator, client, room):
    simulator.refuse_posts(True)
    for _ in range(2):
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel=room.id, text="lost")
        assert refused.value.response.status_code == 503
    simulator.refuse_posts(False)
    await client.chat_postMessage(channel=room.id, text="shown")
    assert texts(room) == ["shown"]


async def test_a_blackout_closes_the_socket_and_every_call(simulator, client, connect):
    bot = await connect(simulator)
    simulator.faults.blackout = True
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.auth_test()
    assert simulator.sockets.connections() == 0
    said = simulator.say_in("Ada", "anyone?")
    simulator.faults.blackout = False
    assert (await bot.next())["ts"] == said.id
    await simulator.settled()


async def test_a_duplicated_event_arrives_twice(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.duplicate_events()
    simulator.say_in("Ada", "one")
    simulator.say_in("Ada", "two")
    await simulator.settled()
    events = [await bot.next() for _ in range(3)]
    assert sorted(event["text"] for event in events) == ["one", "one", "two"]
    assert len({body["event_id"] for body in bot.bodies}) == 2
    assert simulator.journal.acked == 2


async def test_a_dropped_event_never_comes_but_is_in_the_history(simulator, client, connect):
    bot = await connect(simulator)
    simulator.faults.drop_events()
    simulator.say_in("Ada", "lost")
    simulator.say_in("Ada", "heard")
    assert (await bot.next())["text"] == "heard"
    await simulator.settled()
    assert bot.events.empty()
    history = await client.conversations_history(channel="#general")
    assert [message["text"] for message in history["messages"]] == ["heard", "lost"]


async def test_a_deaf_socket_gets_nothing_and_the_event_runs_out_of_retries(impatient, connect):
    bot = await connect(impatient)
    impatient.faults.deaf = True
    impatient.say_in("Ada", "hello?")
    await impatient.until(lambda: bool(impatient.journal.dropped))
    assert bot.events.empty()
    assert impatient.journal.deliveries == 0


def test_plans_are_used_up_in_their_order_and_the_method_comes_before_any():
    faults = Faults()
    faults.fail("*", status=504)
    faults.fail(POST, status=500)
    faults.fail(POST, status=502, times=2)
    taken = [faults.take(POST) for _ in range(5)]
    assert [fault and fault.status for fault in taken] == [500, 502, 502, 504, None]


def test_a_plan_without_a_number_lasts_until_everything_is_cleared():
    faults = Faults()
    faults.fail(POST, times=None)
    faults.drop_events(None)
    assert [faults.take(POST) is not None, faults.take(POST) is not None, faults.take_drop()] == [True, True, True]
    faults.clear()
    assert (faults.take(POST), faults.take_drop(), faults.take_duplicate()) == (None, False, False)
