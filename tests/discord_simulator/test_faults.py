"""Every fault as it is met without a library; how discord.py comes back is in test_resume.py."""

import aiohttp
import pytest

from adapters.discord.simulator.faults import Faults

POST = "messages.create"


@pytest.fixture
def posts(simulator) -> str:
    return f"/channels/{simulator.room('general').id}/messages"


def texts(simulator):
    return [said.text for said in simulator.read_room("general")]


async def status_of(simulator, session, path):
    headers = {"Authorization": f"Bot {simulator.token}"}
    async with session.post(f"{simulator.api_base}{path}", json={"content": "x"}, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_a_failed_call_does_nothing_and_the_next_one_works(simulator, session, posts):
    simulator.faults.fail(POST, status=502)
    assert await status_of(simulator, session, posts) == (502, "upstream failure")
    assert (await status_of(simulator, session, posts))[0] == 200
    assert texts(simulator) == ["x"]
    assert [call.status for call in simulator.calls] == [502, 200]


async def test_a_refused_call_has_its_code_and_message(simulator, rest, posts):
    simulator.faults.refuse(POST, 50013)
    simulator.faults.refuse(POST, 30046, status=400, message="Maximum number of edits")
    assert await rest("POST", posts, {"content": "x"}) == (403, {"message": "Missing Permissions", "code": 50013})
    assert await rest("POST", posts, {"content": "x"}) == (400, {"message": "Maximum number of edits", "code": 30046})
    assert texts(simulator) == []


async def test_a_rate_limit_on_demand(simulator, rest):
    simulator.faults.rate_limit("*", retry_after=7.5, is_global=True)
    status, body = await rest("GET", "/users/@me")
    assert (status, body["retry_after"], body["global"]) == (429, 7.5, True)
    assert (rest.headers["Retry-After"], rest.headers["X-RateLimit-Scope"]) == ("8", "global")
    assert (await rest("GET", "/users/@me"))[0] == 200


async def test_a_lost_answer_shows_the_post_and_closes_the_connection(simulator, rest, posts):
    simulator.faults.lose_answer(POST)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await rest("POST", posts, {"content": "shown"})
    assert texts(simulator) == ["shown"]
    assert [call.status for call in simulator.calls] == [0]


async def test_a_post_can_take_effect_and_still_be_answered_with_500(simulator, session, posts):
    simulator.faults.lose_answer(POST, status=500)
    assert (await status_of(simulator, session, posts))[0] == 500
    assert texts(simulator) == ["x"]


async def test_garbage_is_a_page_instead_of_json(simulator, session, posts):
    simulator.faults.garbage(POST)
    status, page = await status_of(simulator, session, posts)
    assert (status, page.startswith("<!DOCTYPE html>")) == (200, True)
    assert texts(simulator) == []


async def test_a_delayed_answer_is_right(simulator, rest, posts):
    simulator.faults.delay(POST, 0.01)
    _, sent = await rest("POST", posts, {"content": "slow"})
    assert sent["content"] == "slow"


async def test_refused_posts_get_503_until_they_are_allowed_again(simulator, session, rest, posts):
    simulator.refuse_posts(True)
    for _ in range(2):
        assert await status_of(simulator, session, posts) == (503, "no healthy upstream")
    assert (await rest("GET", "/users/@me"))[0] == 200
    simulator.refuse_posts(False)
    assert (await status_of(simulator, session, posts))[0] == 200
    assert texts(simulator) == ["x"]


async def test_the_api_can_be_down_while_the_gateway_goes_on(simulator, session, wire, posts):
    app = await wire(simulator)
    simulator.faults.rest_down = True
    assert (await status_of(simulator, session, posts))[0] == 503
    simulator.say_in("Ada", "hello")
    assert (await app.event("MESSAGE_CREATE"))["content"] == "hello"


async def test_a_blackout_breaks_calls_connections_and_new_ones(simulator, session, rest, wire):
    app = await wire(simulator)
    simulator.faults.blackout = True
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await rest("GET", "/users/@me")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await session.ws_connect(simulator.gateway.url)
    await app.closed()
    simulator.faults.blackout = False
    assert (await rest("GET", "/users/@me"))[0] == 200
    await wire(simulator)


async def test_the_gateway_can_be_refused(simulator, session, wire):
    simulator.faults.refuse_gateway(2)
    for _ in range(2):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(simulator.gateway.url)
        assert refused.value.status == 503
    simulator.faults.refuse_gateway(None, status=0)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await session.ws_connect(simulator.gateway.url)
    simulator.faults.clear()
    await wire(simulator)


async def test_connections_are_closed_with_a_code_now_or_next_time(simulator, wire):
    app = await wire(simulator)
    simulator.faults.close(4000)
    assert await app.closed() == 4000
    simulator.faults.close_next(4011, times=2)
    for _ in range(2):
        again = await wire(simulator, None)
        await again.identify()
        assert await again.closed() == 4011
    await wire(simulator)


async def test_opcodes_on_demand(simulator, wire):
    app = await wire(simulator)
    simulator.faults.reconnect()
    assert await app.take() == {"op": 7, "d": None}
    assert simulator.gateway.ready() == []
    simulator.faults.invalidate(resumable=True)
    assert await app.take() == {"op": 9, "d": True}
    simulator.faults.invalidate(resumable=False)
    assert await app.take() == {"op": 9, "d": False}
    assert not simulator.gateway.sessions.by_id
    await app.identify()
    assert (await app.take())["t"] == "READY"


async def test_malformed_events(simulator, wire):
    app = await wire(simulator)
    simulator.faults.malformed_dispatch()
    assert await app.take() == {"t": "MESSAGE_CREATE", "s": 3, "op": 0, "d": {"id": "1"}}
    simulator.faults.malformed_dispatch({"content": 7})
    assert (await app.take())["d"] == {"content": 7}
    simulator.faults.malformed_dispatch(text="{rubbish")
    assert (await app.socket.receive(timeout=5)).data == "{rubbish"


async def test_a_deaf_connection_gets_acknowledgements_and_no_events(simulator, wire):
    app = await wire(simulator)
    simulator.faults.deaf = True
    simulator.say_in("Ada", "hello?")
    await app.quiet()
    assert simulator.journal.deliveries == 0
    again = await wire(simulator, None)
    await again.resume(app.ready["session_id"], app.seq)
    assert (await again.take())["d"]["content"] == "hello?"


async def test_heartbeats_can_go_unacknowledged(simulator, wire):
    app = await wire(simulator)
    simulator.faults.mute_heartbeats = True
    await app.send(1, app.seq)
    await simulator.until(lambda: len(simulator.heartbeats()[0]) == 1)
    simulator.say_in("Ada", "but events come")
    assert (await app.take())["d"]["content"] == "but events come"


async def test_dropped_and_duplicated_events_are_about_messages(simulator, wire):
    app = await wire(simulator)
    simulator.faults.drop_events()
    thread = simulator.open_thread("Ada", "plans")
    simulator.faults.duplicate_events()
    simulator.say_in("Ada", "twice", thread=thread)
    assert await app.names("MESSAGE_CREATE") == ["THREAD_CREATE", "MESSAGE_CREATE"]
    assert (await app.take())["d"]["content"] == "twice"
    assert len(simulator.journal.dropped) == 1


def test_plans_are_used_up_in_their_order_and_the_route_comes_before_any():
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
    faults.refuse_gateway(None)
    faults.close_next(4000)
    faults.rest_down = faults.deaf = True
    assert [faults.take(POST) is not None, faults.take_drop(), faults.take_drop()] == [True, True, True]
    faults.clear()
    assert (faults.take(POST), faults.take_drop(), faults.take_duplicate()) == (None, False, False)
    assert (faults.take_refusal(), faults.take_close(), faults.deaf) == (None, 0, False)
