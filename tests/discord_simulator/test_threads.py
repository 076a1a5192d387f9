"""Threads and forum posts over the REST API, and what becomes of them."""

import pytest

from tests.discord_simulator.conftest import error, place


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
