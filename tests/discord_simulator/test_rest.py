"""The REST API without a library: who may call it, its errors, its limits, and what is about the app itself."""

import asyncio

from adapters.discord.simulator import DiscordSimulator
from adapters.discord.simulator.rate_limit import PostRate
from adapters.discord.simulator.rest import ROUTES
from tests.discord_simulator.conftest import Rest, error


async def test_without_the_token_nothing_is_answered(rest, room):
    expected = (401, {"message": "401: Unauthorized", "code": 0})
    assert await rest("GET", "/users/@me", token="wrong") == expected
    assert await rest("POST", f"{room}/messages", {"content": "x"}, token="") == expected


async def test_an_unknown_route_is_not_found(rest):
    assert await rest("GET", "/nothing/here") == (404, {"message": "404: Not Found", "code": 0})


async def test_every_route_has_a_name_and_every_call_is_recorded_under_it(simulator, rest, room):
    assert {route.name for route in ROUTES} >= {
        "application",
        "channel",
        "commands",
        "dm",
        "gateway",
        "guild",
        "interaction",
        "message",
        "message.delete",
        "message.edit",
        "messages.create",
        "messages.list",
        "reaction",
        "threads.active",
        "threads.create",
        "threads.from_message",
        "typing",
        "users.me",
        "webhook",
    }
    await rest("POST", f"{room}/messages", {"content": "hello"})
    await rest("GET", f"{room}/messages/1")
    post, get = simulator.calls
    assert (post.name, post.method, post.body, post.status, post.code) == (
        "messages.create",
        "POST",
        {"content": "hello"},
        200,
        0,
    )
    assert (get.name, get.path, get.status, get.code) == ("message", f"/api/v10{room}/messages/1", 404, 10008)


async def test_a_body_that_is_no_json_is_refused(simulator, session, room):
    headers = {"Authorization": f"Bot {simulator.token}", "Content-Type": "application/json"}
    url = f"{simulator.api_base}{room}/messages"
    async with session.post(url, data="{", headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, 50109)


async def test_who_the_bot_is(simulator, rest):
    _, me = await rest("GET", "/users/@me")
    _, application = await rest("GET", "/applications/@me")
    assert (me["id"], me["username"], me["bot"]) == (simulator.bot.id, "threadbridge", True)
    assert (application["id"], application["flags"]) == (simulator.application_id, 1 << 19)
    assert await rest("GET", "/oauth2/applications/@me") == (200, application)


async def test_an_app_without_the_message_content_intent_has_not_its_flag(session):
    async with DiscordSimulator(message_content=False) as simulator:
        _, application = await Rest(simulator, session)("GET", "/applications/@me")
        assert application["flags"] == 0


async def test_direct_channels(simulator, rest):
    ada = simulator.person("Ada")
    _, channel = await rest("POST", "/users/@me/channels", {"recipient_id": ada.id})
    assert (channel["type"], channel["recipients"][0]["id"]) == (1, ada.id)
    assert (await rest("POST", "/users/@me/channels", {"recipient_id": ada.id}))[1]["id"] == channel["id"]
    assert await error(rest, "POST", "/users/@me/channels", {"recipient_id": "1"}) == (400, 50033)
    assert await error(rest, "POST", "/users/@me/channels", {"recipient_id": simulator.bot.id}) == (403, 50007)
    assert await error(rest, "POST", "/users/@me/channels", {}) == (400, 50035)


async def test_members_and_users(simulator, rest):
    ada = simulator.person("Ada")
    _, member = await rest("GET", f"/guilds/{simulator.guild.id}/members/{ada.id}")
    assert member["user"]["global_name"] == "Ada"
    assert (await rest("GET", f"/users/{ada.id}"))[1] == member["user"]
    assert await error(rest, "GET", "/users/1") == (404, 10013)
    assert await error(rest, "GET", f"/guilds/1/members/{ada.id}") == (404, 10004)


async def test_posts_are_limited_for_each_channel(session):
    async with DiscordSimulator(post_rate=PostRate(2, 60)) as simulator:
        rest = Rest(simulator, session)
        general = f"/channels/{simulator.room('general').id}/messages"
        other = f"/channels/{simulator.add_room('other').id}/messages"
        await rest("POST", general, {"content": "one"})
        assert rest.headers["X-RateLimit-Limit"] == "2"
        assert rest.headers["X-RateLimit-Remaining"] == "1"
        assert 59 < float(rest.headers["X-RateLimit-Reset-After"]) <= 60
        assert rest.headers["X-RateLimit-Bucket"]
        await rest("POST", general, {"content": "two"})
        status, limited = await rest("POST", general, {"content": "three"})
        assert (status, limited["global"]) == (429, False)
        assert 59 < limited["retry_after"] <= 60
        assert rest.headers["Retry-After"] == "60"
        assert rest.headers["X-RateLimit-Scope"] == "user"
        assert "Via" in rest.headers
        assert (await rest("POST", other, {"content": "elsewhere"}))[0] == 200
        assert len(simulator.read_room("general")) == 2


async def test_everything_together_is_limited_to_fifty_a_second(session):
    async with DiscordSimulator() as simulator:
        rest = Rest(simulator, session)
        answers = await asyncio.gather(*(rest("GET", "/users/@me") for _ in range(60)))
        limited = [body for status, body in answers if status == 429]
        assert len(limited) == 10
        assert all(body["global"] and body["retry_after"] <= 1 for body in limited)


async def test_without_limits_there_are_no_headers_of_them(rest, room):
    await rest("POST", f"{room}/messages", {"content": "x"})
    assert not any(name.lower().startswith("x-ratelimit") for name in rest.headers)


async def test_commands_are_kept_for_everywhere_and_for_the_guild(simulator, rest):
    everywhere = f"/applications/{simulator.application_id}/commands"
    here = f"/applications/{simulator.application_id}/guilds/{simulator.guild.id}/commands"
    _, registered = await rest("PUT", everywhere, [{"name": "ask", "description": "asks", "type": 1}])
    assert (registered[0]["name"], registered[0]["application_id"]) == ("ask", simulator.application_id)
    assert await rest("GET", everywhere) == (200, registered)
    _, made = await rest("POST", here, {"name": "stop", "description": "stops"})
    assert (made["guild_id"], made["type"]) == (simulator.guild.id, 1)
    assert (await rest("GET", here))[1] == [made]
    assert (await rest("GET", "/applications/1/commands"))[0] == 403


async def test_an_interaction_is_answered_once_and_in_time(simulator, rest):
    used = simulator.interact("Ada", "ask")
    path = f"/interactions/{used.id}/{used.token}/callback"
    answer = {"type": 4, "data": {"content": "here you are"}}
    assert await error(rest, "POST", f"/interactions/{used.id}/wrong/callback", answer) == (404, 10062)
    assert (await rest("POST", path, answer, token=""))[0] == 204
    assert await error(rest, "POST", path, answer) == (400, 40060)
    late = simulator.interact("Ada", "ask")
    late.created -= 3
    assert await error(rest, "POST", f"/interactions/{late.id}/{late.token}/callback", answer) == (404, 10062)
    assert [said.text for said in simulator.read_room("general")] == ["here you are"]


async def test_a_deferred_answer_is_edited_and_followed(simulator, rest):
    used = simulator.interact("Ada", "ask")
    webhook = f"/webhooks/{simulator.application_id}/{used.token}"
    assert await error(rest, "POST", webhook, {"content": "too early"}) == (401, 50027)
    await rest("POST", f"/interactions/{used.id}/{used.token}/callback", {"type": 5})
    _, edited = await rest("PATCH", f"{webhook}/messages/@original", {"content": "done"}, token="")
    _, more = await rest("POST", webhook, {"content": "more"}, token="")
    assert (edited["type"], edited["webhook_id"]) == (20, simulator.application_id)
    assert (await rest("GET", f"{webhook}/messages/@original"))[1]["content"] == "done"
    await rest("DELETE", f"{webhook}/messages/{more['id']}")
    assert await error(rest, "GET", f"{webhook}/messages/{more['id']}") == (404, 10008)
    assert [said.text for said in simulator.read_room("general")] == ["done"]
    assert [each["content"] for each in used.followups] == ["done", "more"]
