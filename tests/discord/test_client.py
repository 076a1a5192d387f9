"""Calls of the REST API."""

import asyncio

import pytest

from adapters.discord.client import DiscordClient
from bridge.errors import ConfigError, NotSent, OutcomeUnknown, RateLimited, Rejected


async def test_it_logs_in_once_however_many_call_at_once(client, simulator):
    await asyncio.gather(*(client.me() for _ in range(5)))
    assert [call.name for call in simulator.calls] == ["users.me"]


async def test_a_login_that_failed_is_tried_again(client, simulator):
    simulator.faults.rest_down = True
    with pytest.raises(NotSent):
        await client.me()
    simulator.faults.rest_down = False
    assert (await client.me())["id"] == simulator.bot.id


async def test_the_same_nonce_posts_once(client, simulator):
    said = simulator.say_in("Ada", "hello")
    room = said.thread.partition("/")[0]
    first = await client.post(room, {"content": "hi"}, "n1")
    assert await client.post(room, {"content": "hi"}, "n1") == first
    assert await client.post(room, {"content": "hi"}, "n2") != first
    assert [one.text for one in simulator.read_room("general") if one.by_bot] == ["hi", "hi"]


async def test_what_was_posted_and_deleted_since_is_not_posted_again(client, simulator):
    room = simulator.room("general").id
    await client.post(room, {"content": "hi"}, "n1")
    simulator.delete(simulator.read_room("general")[-1])
    with pytest.raises(Rejected):
        await client.post(room, {"content": "hi"}, "n1")


async def test_a_short_wait_is_made_here_and_a_long_one_is_given_back(client, simulator):
    room = simulator.room("general").id
    simulator.faults.rate_limit("messages.create", retry_after=0.2)
    await client.post(room, {"content": "hi"}, "n1")
    simulator.faults.rate_limit("messages.create", retry_after=3600)
    with pytest.raises(RateLimited) as limited:
        await client.post(room, {"content": "hi"}, "n2")
    assert limited.value.retry_after == pytest.approx(3600, abs=1)


async def test_a_repetition_that_is_refused_leaves_open_what_became_of_a_failed_one(client, simulator):
    room = simulator.room("general").id
    await client.me()
    simulator.faults.lose_answer("messages.create", status=500)
    simulator.faults.rate_limit("messages.create", retry_after=3600)
    with pytest.raises(OutcomeUnknown):
        await client.post(room, {"content": "hi"}, "n1")
    assert [one.text for one in simulator.read_room("general") if one.by_bot] == ["hi"]


async def test_an_answer_that_is_not_discords_leaves_it_open(client, simulator):
    simulator.faults.garbage("messages.create")
    with pytest.raises(OutcomeUnknown):
        await client.post(simulator.room("general").id, {"content": "hi"}, "n1")


async def test_history_is_given_oldest_first(client, simulator):
    texts = [f"number {number}" for number in range(5)]
    said = [simulator.say_in("Ada", text) for text in texts]
    found = await client.before(simulator.room("general").id, said[-1].id, 3)
    assert [one["content"] for one in found] == texts[1:4]


async def test_an_unknown_room_is_refused_with_its_code(client):
    with pytest.raises(Rejected) as refused:
        await client.channel("1")
    assert refused.value.code == 10003


async def test_a_wrong_token_is_a_matter_of_the_configuration(simulator):
    client = DiscordClient("chat", "Bot wrong", simulator.api_base)
    with pytest.raises(ConfigError, match=r"channels\.chat\.token: Discord does not accept it.*without the word Bot"):
        await client.me()
    await client.close()


async def test_two_discords_in_one_process_are_refused(client, simulator):
    with pytest.raises(ConfigError, match=r"channels\.other\.api_base: .*shares it"):
        DiscordClient("other", simulator.token, "http://127.0.0.1:1/api")
    same = DiscordClient("same", simulator.token, simulator.api_base)
    assert (await same.me())["id"] == (await client.me())["id"]
    await same.close()


async def test_whoever_stops_waiting_does_not_stop_the_others(client, simulator):
    room = simulator.room("general").id
    await client.me()
    simulator.faults.rate_limit("typing", retry_after=0.3, is_global=True)
    typing = asyncio.create_task(client.show_typing(room))
    await simulator.until(lambda: any(call.name == "typing" for call in simulator.calls))
    typing.cancel()
    await asyncio.gather(typing, return_exceptions=True)
    await asyncio.wait_for(client.post(room, {"content": "hi"}, "n1"), 10)


async def test_a_login_that_is_answered_with_a_page_is_tried_again(client, simulator):
    simulator.faults.garbage("users.me")
    with pytest.raises(NotSent):
        await client.me()
    assert (await client.me())["id"] == simulator.bot.id
