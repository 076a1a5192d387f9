"""What the bot may not do."""

import pytest

from tests.discord_simulator.conftest import error, place


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
