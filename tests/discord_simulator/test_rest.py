"""The REST API without a library: messages, nonces, threads, permissions, limits, errors."""

import asyncio
from typing import Any

import aiohttp
import pytest

from adapters.discord.simulator import DiscordSimulator, SharedFile
from adapters.discord.simulator.rate_limit import PostRate
from adapters.discord.simulator.rest import ROUTES
from tests.discord_simulator.conftest import Rest


@pytest.fixture
def room(simulator) -> str:
    return f"/channels/{simulator.room('general').id}"


@pytest.fixture
def forum(simulator) -> str:
    return f"/channels/{simulator.room('help').id}"


def place(thread: str) -> str:
    return f"/channels/{thread.partition('/')[2]}"


async def error(rest: Rest, method: str, path: str, body: object = None) -> tuple[int, int]:
    status, answer = await rest(method, path, body)
    return status, answer["code"]


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


async def test_content_is_stripped_and_limited(rest, room):
    _, sent = await rest("POST", f"{room}/messages", {"content": "  \n hello \n"})
    assert sent["content"] == "hello"
    assert (await rest("POST", f"{room}/messages", {"content": "x" * 2000}))[0] == 200
    status, refused = await rest("POST", f"{room}/messages", {"content": "x" * 2001})
    assert (status, refused) == (
        400,
        {
            "message": "Invalid Form Body",
            "code": 50035,
            "errors": {
                "content": {
                    "_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer in length."}]
                }
            },
        },
    )


@pytest.mark.parametrize("body", [{}, {"content": ""}, {"content": " \n "}, {"content": None, "embeds": []}])
async def test_an_empty_message_is_refused(rest, room, body):
    assert await error(rest, "POST", f"{room}/messages", body) == (400, 50006)


async def test_flags_that_an_app_may_not_set_are_dropped(rest, room):
    _, sent = await rest("POST", f"{room}/messages", {"content": "x", "flags": 1 << 2 | 1 << 5 | 1 << 12})
    assert sent["flags"] == 1 << 2 | 1 << 12


async def test_a_nonce_is_shown_once(rest, room):
    _, sent = await rest("POST", f"{room}/messages", {"content": "x", "nonce": "n" * 25})
    assert sent["nonce"] == "n" * 25
    _, read = await rest("GET", f"{room}/messages/{sent['id']}")
    assert "nonce" not in read
    assert await error(rest, "POST", f"{room}/messages", {"content": "x", "nonce": "n" * 26}) == (400, 50035)


async def test_an_enforced_nonce_gives_the_same_message_and_shows_nothing_new(simulator, rest, room):
    body = {"content": "once", "nonce": "n1", "enforce_nonce": True}
    first = await rest("POST", f"{room}/messages", body)
    again = await rest("POST", f"{room}/messages", body | {"content": "twice"})
    assert again == first
    await rest("POST", f"{room}/messages", body | {"nonce": "n2"})
    await rest("POST", f"{room}/messages", body | {"enforce_nonce": False})
    assert [said.text for said in simulator.read_room("general")] == ["once", "once", "once"]


async def test_an_enforced_nonce_does_not_bring_a_deleted_message_back(rest, room):
    body = {"content": "once", "nonce": "n1", "enforce_nonce": True}
    _, sent = await rest("POST", f"{room}/messages", body)
    await rest("DELETE", f"{room}/messages/{sent['id']}")
    assert await error(rest, "POST", f"{room}/messages", body) == (404, 10008)


async def test_an_enforced_nonce_is_forgotten_after_a_while(session):
    async with DiscordSimulator(nonce_seconds=0) as simulator:
        rest, path = Rest(simulator, session), f"/channels/{simulator.room('general').id}/messages"
        for _ in range(2):
            await rest("POST", path, {"content": "again", "nonce": "n1", "enforce_nonce": True})
        assert len(simulator.read_room("general")) == 2


async def test_a_reply_needs_a_message_unless_it_may_go_without(simulator, rest, room):
    asked = simulator.say_in("Ada", "well?")
    body: dict[str, Any] = {"content": "so", "message_reference": {"message_id": asked.id}}
    _, sent = await rest("POST", f"{room}/messages", body)
    assert (sent["type"], sent["message_reference"]["message_id"], sent["referenced_message"]["content"]) == (
        19,
        asked.id,
        "well?",
    )
    simulator.delete(asked)
    assert await error(rest, "POST", f"{room}/messages", body) == (400, 50035)
    body["message_reference"]["fail_if_not_exists"] = False
    _, plain = await rest("POST", f"{room}/messages", body)
    assert (plain["type"], "message_reference" in plain) == (0, False)
    _, read = await rest("GET", f"{room}/messages/{sent['id']}")
    assert read["referenced_message"] is None


@pytest.mark.parametrize(
    ("allowed", "pinged"),
    [
        (None, ["Ada", "everyone"]),
        ({"parse": []}, []),
        ({"parse": ["users"]}, ["Ada"]),
        ({"parse": ["everyone"]}, ["everyone"]),
        ({"parse": [], "replied_user": True}, ["Ben"]),
    ],
)
async def test_allowed_mentions_decide_who_is_notified(simulator, rest, room, allowed, pinged):
    asked = simulator.say_in("Ben", "who?")
    ada = simulator.person("Ada")
    body: dict[str, Any] = {"content": f"<@{ada.id}> and @everyone"}
    if allowed:
        body |= {"allowed_mentions": allowed, "message_reference": {"message_id": asked.id}}
    _, sent = await rest("POST", f"{room}/messages", body)
    stored = simulator.message(simulator.read_room("general")[-1])
    assert stored.allowed_mentions == allowed
    assert stored.pinged == [simulator.person(name).id if name != "everyone" else name for name in pinged]
    assert [user["global_name"] for user in sent["mentions"]] == [name for name in pinged if name != "everyone"]
    assert sent["mention_everyone"] == ("everyone" in pinged)


async def test_allowed_mentions_must_not_contradict_themselves(rest, room):
    body = {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}
    assert await error(rest, "POST", f"{room}/messages", body) == (400, 50035)


async def test_lists_are_newest_first_and_bounded(simulator, rest, room):
    said = [simulator.say_in("Ada", str(number)).id for number in range(120)]
    ids = lambda answer: [each["id"] for each in answer[1]]  # noqa: E731
    assert ids(await rest("GET", f"{room}/messages")) == said[:69:-1]
    assert ids(await rest("GET", f"{room}/messages?limit=3")) == said[:116:-1]
    assert ids(await rest("GET", f"{room}/messages?after={said[9]}&limit=3")) == said[12:9:-1]
    assert ids(await rest("GET", f"{room}/messages?before={said[9]}&limit=3")) == said[8:5:-1]
    assert ids(await rest("GET", f"{room}/messages?around={said[50]}&limit=5")) == said[52:47:-1]
    assert ids(await rest("GET", f"{room}/messages?after=0&limit=2")) == [said[1], said[0]]
    for query in ("limit=0", "limit=101", "limit=x", "after=x"):
        assert await error(rest, "GET", f"{room}/messages?{query}") == (400, 50035)


async def test_a_thread_from_a_message_has_its_id(simulator, rest, room):
    asked = await simulator.say("Ada", "hello")
    status, thread = await rest("POST", f"{room}/messages/{asked.id}/threads", {"name": "hello"})
    assert (status, thread["id"], thread["parent_id"], thread["type"]) == (201, asked.id, room.split("/")[2], 11)
    assert thread["member"]["user_id"] == thread["owner_id"] == simulator.bot.id
    _, starter = await rest("GET", f"{room}/messages/{asked.id}")
    assert (starter["flags"], starter["thread"]["id"]) == (1 << 5, asked.id)
    again = await rest("POST", f"{room}/messages/{asked.id}/threads", {"name": "hello"})
    assert again == (
        400,
        {"message": "A thread has already been created for this message", "code": 160004},
    )


async def test_a_thread_in_an_announcement_channel_is_an_announcement_thread(simulator, rest):
    simulator.add_room("news", kind="announcement")
    said = simulator.say_in("Ada", "new!", room="news")
    path = f"/channels/{simulator.room('news').id}/messages/{said.id}/threads"
    _, thread = await rest("POST", path, {"name": "new!"})
    assert thread["type"] == 10


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": "x" * 101}])
async def test_a_thread_needs_a_name_of_at_most_100_characters(simulator, rest, room, body):
    asked = await simulator.say("Ada", "hello")
    assert await error(rest, "POST", f"{room}/messages/{asked.id}/threads", body) == (400, 50035)


async def test_where_no_thread_can_be_opened(simulator, rest, room, forum):
    asked = await simulator.say("Ada", "hello")
    direct = simulator.say_direct("Ada", "psst")
    reply = await simulator.say("Ben", "in the thread", thread=asked.thread)
    name = {"name": "x"}
    assert await error(rest, "POST", f"{room}/messages/1/threads", name) == (404, 10008)
    assert await error(rest, "POST", f"/channels/1/messages/{asked.id}/threads", name) == (404, 10003)
    assert await error(rest, "POST", f"/channels/{direct.thread}/messages/{direct.id}/threads", name) == (400, 50024)
    assert await error(rest, "POST", f"{place(asked.thread)}/messages/{reply.id}/threads", name) == (400, 50024)
    assert await error(rest, "POST", f"{forum}/messages/{asked.id}/threads", name) == (400, 50024)


async def test_threads_without_a_message_are_private_unless_said_otherwise(simulator, rest, room):
    _, private = await rest("POST", f"{room}/threads", {"name": "secret"})
    _, public = await rest("POST", f"{room}/threads", {"name": "open", "type": 11})
    assert (private["type"], public["type"]) == (12, 11)
    assert [(said.author, said.text) for said in simulator.read_room("general")] == [("threadbridge", "open")]


async def test_a_post_in_a_forum_needs_a_message(rest, forum):
    assert await error(rest, "POST", f"{forum}/threads", {"name": "x"}) == (400, 50035)
    assert await error(rest, "POST", f"{forum}/threads", {"name": "x", "message": {}}) == (400, 50006)
    assert await error(rest, "POST", f"{forum}/messages", {"content": "x"}) == (400, 40058)
    status, made = await rest("POST", f"{forum}/threads", {"name": "x", "message": {"content": "first"}})
    assert (status, made["message"]["content"], made["message"]["id"]) == (201, "first", made["id"])


async def test_writing_into_an_archived_thread_makes_it_active_again(simulator, rest):
    thread = simulator.open_thread("Ada", "old")
    simulator.archive(thread)
    _, found = await rest("GET", place(thread))
    assert found["thread_metadata"]["archived"] is True
    await rest("POST", f"{place(thread)}/messages", {"content": "news"})
    _, found = await rest("GET", place(thread))
    assert found["thread_metadata"]["archived"] is False
    simulator.archive(thread)
    await simulator.say("Ben", "more news", thread=thread)
    _, found = await rest("GET", place(thread))
    assert found["thread_metadata"]["archived"] is False


async def test_a_locked_thread_is_for_moderators(simulator, rest):
    thread = simulator.open_thread("Ada", "done")
    simulator.lock(thread)
    assert await error(rest, "POST", f"{place(thread)}/messages", {"content": "x"}) == (403, 160005)
    simulator.archive(thread, locked=True)
    assert await error(rest, "POST", f"{place(thread)}/messages", {"content": "x"}) == (400, 50083)
    simulator.allow("general", "manage_threads")
    assert (await rest("POST", f"{place(thread)}/messages", {"content": "x"}))[0] == 200


async def test_nothing_in_an_archived_thread_can_be_edited(simulator, rest):
    thread = simulator.open_thread("Ada", "old")
    _, sent = await rest("POST", f"{place(thread)}/messages", {"content": "x"})
    simulator.archive(thread)
    message = f"{place(thread)}/messages/{sent['id']}"
    assert await error(rest, "PATCH", message, {"content": "y"}) == (400, 50083)
    assert await error(rest, "PUT", f"{message}/reactions/%F0%9F%91%80/@me") == (400, 50083)


async def test_what_is_gone_is_unknown(simulator, rest, room):
    asked = await simulator.say("Ada", "hello")
    await simulator.say("Ada", "more", thread=asked.thread)
    simulator.delete_thread(asked.thread)
    assert await error(rest, "POST", f"{place(asked.thread)}/messages", {"content": "x"}) == (404, 10003)
    assert [said.text for said in simulator.read(asked.thread)] == ["@threadbridge hello"]
    simulator.delete_room("general")
    assert await error(rest, "POST", f"{room}/messages", {"content": "x"}) == (404, 10003)


@pytest.mark.parametrize(
    ("denied", "call", "code"),
    [
        ("view_channel", "GET ", 50001),
        ("view_channel", "POST /messages", 50001),
        ("send_messages", "POST /messages", 50013),
        ("send_messages", "POST /typing", 50013),
        ("create_public_threads", "POST /messages/{message}/threads", 50013),
        ("read_message_history", "GET /messages/{message}", 50013),
        ("add_reactions", "PUT /messages/{message}/reactions/x/@me", 50013),
    ],
)
async def test_what_is_denied_is_refused(simulator, rest, denied, call, code):
    said = await simulator.say("Ada", "hello")
    simulator.deny("general", denied)
    method, _, rest_of_path = call.format(message=said.id).partition(" ")
    path = f"/channels/{simulator.room('general').id}{rest_of_path}"
    body = {"content": "x", "name": "x"}
    assert await error(rest, method, path, body) == (403, code)
    simulator.allow("general", denied)
    status, _ = await rest(method, path, body)
    assert status in (200, 201, 204)


async def test_threads_have_a_permission_of_their_own(simulator, rest):
    thread = simulator.open_thread("Ada", "plans")
    simulator.deny("general", "send_messages")
    assert (await rest("POST", f"{place(thread)}/messages", {"content": "x"}))[0] == 200
    simulator.deny("general", "send_messages_in_threads")
    assert await error(rest, "POST", f"{place(thread)}/messages", {"content": "x"}) == (403, 50013)


async def test_without_the_history_permission_lists_are_empty(simulator, rest, room):
    simulator.say_in("Ada", "hello")
    simulator.deny("general", "read_message_history")
    assert await rest("GET", f"{room}/messages") == (200, [])


async def test_messages_of_others_cannot_be_changed(simulator, rest, room):
    said = simulator.say_in("Ada", "mine")
    assert await error(rest, "PATCH", f"{room}/messages/{said.id}", {"content": "x"}) == (403, 50005)
    assert await error(rest, "DELETE", f"{room}/messages/{said.id}") == (403, 50013)
    simulator.allow("general", "manage_messages")
    assert (await rest("DELETE", f"{room}/messages/{said.id}"))[0] == 204


async def test_a_kicked_bot_has_no_access(simulator, rest, room):
    simulator.kick()
    assert await error(rest, "GET", f"/guilds/{simulator.guild.id}") == (403, 50001)
    assert await error(rest, "POST", f"{room}/messages", {"content": "x"}) == (403, 50001)
    simulator.invite_again()
    assert (await rest("GET", f"/guilds/{simulator.guild.id}"))[1]["name"] == "Demo"


async def test_active_and_archived_threads_are_listed(simulator, rest, room):
    simulator.open_thread("Ada", "one")
    archived = simulator.open_thread("Ada", "two")
    simulator.open_thread("Ada", "secret", private=True)
    simulator.archive(archived)
    _, active = await rest("GET", f"/guilds/{simulator.guild.id}/threads/active")
    assert [thread["name"] for thread in active["threads"]] == ["one"]
    _, old = await rest("GET", f"{room}/threads/archived/public")
    assert ([thread["name"] for thread in old["threads"]], old["has_more"]) == (["two"], False)


async def test_a_private_thread_is_there_once_the_bot_is_mentioned_in_it(simulator, rest, wire):
    app = await wire(simulator)
    secret = simulator.open_thread("Ada", "secret", private=True)
    simulator.say_in("Ada", "without the bot", thread=secret)
    assert await error(rest, "GET", place(secret)) == (403, 50001)
    simulator.say_in("Ada", "with the bot", thread=secret, mention=True)
    names = await app.names("MESSAGE_CREATE")
    assert names == ["THREAD_CREATE", "THREAD_MEMBERS_UPDATE", "MESSAGE_CREATE"]
    assert (await rest("GET", place(secret)))[1]["type"] == 12


async def test_a_bot_joins_a_thread(simulator, rest):
    thread = simulator.open_thread("Ada", "plans")
    assert (await rest("PUT", f"{place(thread)}/thread-members/@me"))[0] == 204
    assert (await rest("GET", place(thread)))[1]["member"]["user_id"] == simulator.bot.id


async def test_the_bot_renames_and_archives_its_own_threads_only(simulator, rest, room):
    asked = await simulator.say("Ada", "hello")
    await rest("POST", f"{room}/messages/{asked.id}/threads", {"name": "hello"})
    _, changed = await rest("PATCH", place(asked.thread), {"name": "done", "archived": True})
    assert (changed["name"], changed["thread_metadata"]["archived"]) == ("done", True)
    of_ada = simulator.open_thread("Ada", "plans")
    assert await error(rest, "PATCH", place(of_ada), {"archived": True}) == (403, 50013)


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


async def test_files_are_uploaded_and_downloaded(simulator, session, room):
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", '{"content": "look", "attachments": [{"id": 0, "filename": "b.txt"}]}')
    form.add_field("files[0]", b"12345", filename="a.txt", content_type="text/plain")
    headers = {"Authorization": f"Bot {simulator.token}"}
    async with session.post(f"{simulator.api_base}{room}/messages", data=form, headers=headers) as answer:
        (attachment,) = (await answer.json())["attachments"]
    assert (attachment["filename"], attachment["size"], attachment["content_type"]) == ("b.txt", 5, "text/plain")
    async with session.get(attachment["url"]) as answer:
        assert (await answer.read(), answer.content_type) == (b"12345", "text/plain")
    async with session.get(f"{simulator.url}/attachments/1/1/x") as answer:
        assert answer.status == 404


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


async def test_an_edit_can_take_everything_but_not_leave_nothing(rest, room):
    _, sent = await rest("POST", f"{room}/messages", {"content": "x", "embeds": [{"title": "t"}]})
    message = f"{room}/messages/{sent['id']}"
    _, edited = await rest("PATCH", message, {"content": None})
    assert (edited["content"], edited["embeds"][0]["title"]) == ("", "t")
    assert await error(rest, "PATCH", message, {"embeds": []}) == (400, 50006)
    _, quiet = await rest("PATCH", message, {"flags": 1 << 2})
    assert quiet["flags"] == 1 << 2


async def test_a_file_of_a_person_can_be_read_by_its_url(simulator, rest, session):
    said = simulator.say_direct("Ada", "look", attachments=[SharedFile("a.bin", b"\0\1", "application/octet-stream")])
    _, (message,) = await rest("GET", f"/channels/{said.thread}/messages")
    async with session.get(message["attachments"][0]["url"]) as answer:
        assert await answer.read() == b"\0\1"
