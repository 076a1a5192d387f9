"""Messages that are written bit by bit, with the real slack-sdk and its own helper for them."""

from collections.abc import Awaitable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from adapters.slack.simulator import SlackSimulator
from adapters.slack.simulator.rate_limit import TIERS, Limiter, PostRate


async def refusal(call: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


@pytest.fixture
async def place(simulator: SlackSimulator) -> dict[str, str]:
    asked = simulator.say_in("Ada", "hello")
    ada, team = simulator.person("Ada").id, simulator.workspace.team_id
    room = simulator.workspace.room("general").id
    return {"channel": room, "thread_ts": asked.id, "recipient_user_id": ada, "recipient_team_id": team}


def texts(simulator: SlackSimulator, place: dict[str, str]) -> list[str]:
    return [said.text for said in simulator.read(f"{place['channel']}/{place['thread_ts']}")][1:]


async def test_a_stream_of_the_sdk_grows_in_the_thread_and_ends(simulator, client, place):
    seen: list[str] = []
    simulator.watch(lambda said: seen.append(said.text))
    stream = await client.chat_stream(**place, buffer_size=1)
    await stream.append(markdown_text="**one** ")
    await stream.append(markdown_text="two ")
    answer = await stream.stop(markdown_text="three")
    assert seen == ["**one** ", "**one** two ", "**one** two three"]
    assert texts(simulator, place) == ["**one** two three"]
    assert answer["message"]["thread_ts"] == place["thread_ts"]


@pytest.mark.parametrize("missing", ["recipient_user_id", "recipient_team_id"])
async def test_a_stream_in_a_channel_needs_its_recipient(client, place, missing):
    del place[missing]
    assert await refusal(client.chat_startStream(**place, markdown_text="x")) == f"missing_{missing}"


async def test_a_stream_to_a_person_alone_needs_no_recipient(simulator, client):
    asked = simulator.say_direct("Ada", "hello")
    room = simulator.workspace.direct(simulator.person("Ada")).id
    await client.chat_startStream(channel=room, thread_ts=asked.id, markdown_text="x")
    assert [said.text for said in simulator.read(asked.thread)] == ["hello", "x"]


async def test_while_a_message_is_streamed_it_is_neither_edited_nor_deleted(simulator, client, place):
    begun = await client.chat_startStream(**place, markdown_text="x")
    message = {"channel": place["channel"], "ts": begun["ts"]}
    assert await refusal(client.chat_update(**message, text="y")) == "streaming_state_conflict"
    assert await refusal(client.chat_delete(**message)) == "cant_delete_message"
    await client.chat_stopStream(**message)
    await client.chat_update(**message, text="y", blocks=[])
    assert texts(simulator, place) == ["y"]


@pytest.mark.parametrize("seconds", [301.0, 31.0])
async def test_a_stream_that_slack_ended_takes_no_more_but_can_be_edited(client, simulator, place, seconds):
    now = simulator.workspace.clock()
    begun = await client.chat_startStream(**place, markdown_text="x")
    message = {"channel": place["channel"], "ts": begun["ts"]}
    if seconds > 300:
        simulator.workspace.stream_idle_seconds = 1000.0
    simulator.workspace.clock = lambda: now + seconds
    ended = "message_not_in_streaming_state"
    assert await refusal(client.chat_appendStream(**message, markdown_text="y")) == ended
    assert await refusal(client.chat_stopStream(**message)) == ended
    await client.chat_update(**message, text="y", blocks=[])
    assert texts(simulator, place) == ["y"]


async def test_every_stream_can_be_ended_at_once(client, simulator, session, place):
    begun = await client.chat_startStream(**place, markdown_text="x")
    async with session.post(f"{simulator.url}/_sim/end_streams", json={}) as answer:
        assert answer.status == 200
    more = client.chat_appendStream(channel=place["channel"], ts=begun["ts"], markdown_text="y")
    assert await refusal(more) == "message_not_in_streaming_state"


async def test_more_text_than_one_call_takes_is_refused(client, place):
    begun = await client.chat_startStream(**place)
    message = {"channel": place["channel"], "ts": begun["ts"]}
    assert await refusal(client.chat_appendStream(**message, markdown_text="x" * 12_001)) == "msg_too_long"


async def test_only_the_bots_own_streams_take_more(client, place):
    message = {"channel": place["channel"], "ts": place["thread_ts"]}
    assert await refusal(client.chat_appendStream(**message, markdown_text="y")) == "message_not_owned_by_app"


@pytest.mark.parametrize(("method", "most"), TIERS.items())
def test_a_method_takes_so_many_calls_in_any_minute(method: str, most: int):
    now = [100.0]
    limiter = Limiter(PostRate(), lambda: now[0])
    assert [limiter.call(method) for _ in range(most)] == [0] * most
    now[0] += 15
    assert limiter.call(method) == 45
    now[0] += 45
    assert limiter.call(method) == 0
