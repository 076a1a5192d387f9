"""Events and answers against the facts in facts.py."""

import re
from datetime import datetime
from typing import Any

from adapters.discord.simulator import SharedFile
from adapters.discord.simulator.guild import DISCORD_EPOCH
from tests.discord_simulator.facts import (
    ATTACHMENT,
    FORUM,
    IN_THREAD,
    MEMBER,
    MESSAGE,
    MESSAGE_CREATE,
    METADATA,
    REFERENCE,
    TEXT,
    THREAD,
    THREAD_MEMBER,
    USER,
    check,
)


async def test_ready(simulator, wire):
    app = await wire(simulator)
    ready = app.ready
    facts: dict[str, Any] = {
        "v": 10,
        "user": dict,
        "guilds": list,
        "session_id": str,
        "session_type": "normal",
        "resume_gateway_url": str,
        "application": dict,
        "private_channels": list,
    }
    check({name: ready[name] for name in facts}, facts)
    check(ready["application"], {"id": simulator.application_id, "flags": 1 << 19})
    own = {"bot": True, "mfa_enabled": bool, "locale": str, "verified": bool, "email": None, "flags": int, "bio": str}
    check(ready["user"], USER | own)


async def test_the_guild_with_its_channels_roles_and_the_bot_as_member(simulator, wire):
    simulator.open_thread("Ada", "plans")
    simulator.archive(simulator.open_thread("Ada", "old"))
    app = await wire(simulator, None)
    await app.identify()
    guild = await app.event("GUILD_CREATE")
    assert (guild["id"], guild["name"], guild["unavailable"], guild["large"]) == (
        simulator.guild.id,
        "Demo",
        False,
        False,
    )
    text, forum = guild["channels"]
    check(text, TEXT)
    check(forum, FORUM)
    (thread,) = guild["threads"]
    check(thread, THREAD)
    check(thread["thread_metadata"], METADATA)
    role, own = guild["roles"]
    assert (own["managed"], own["tags"]) == (True, {"bot_id": simulator.bot.id})
    assert (role["id"], role["name"]) == (guild["id"], "@everyone")
    assert re.fullmatch(r"\d+", role["permissions"])
    (member,) = guild["members"]
    check(member, MEMBER | {"user": dict})
    assert member["user"]["id"] == simulator.bot.id


async def test_a_message_in_the_guild(simulator, wire):
    app = await wire(simulator)
    said = simulator.say_in("Ada", "hello", mention=True)
    message = await app.event("MESSAGE_CREATE")
    check(message, MESSAGE_CREATE)
    check(message["author"], USER)
    check(message["member"], MEMBER)
    (mentioned,) = message["mentions"]
    check(mentioned, USER | {"bot": True, "member": dict})
    assert (message["id"], message["channel_type"], message["content"]) == (said.id, 0, f"<@{simulator.bot.id}> hello")
    assert said.text == "@threadbridge hello"


async def test_an_id_tells_the_time_of_the_message(simulator, wire):
    app = await wire(simulator)
    simulator.say_in("Ada", "hello")
    message = await app.event("MESSAGE_CREATE")
    milliseconds = (int(message["id"]) >> 22) + DISCORD_EPOCH
    assert datetime.fromisoformat(message["timestamp"]).timestamp() == milliseconds / 1000


async def test_a_direct_message_has_no_guild_and_no_member(simulator, wire):
    app = await wire(simulator)
    simulator.say_direct("Ada", "psst")
    message = await app.event("MESSAGE_CREATE")
    check(message, MESSAGE | {"channel_type": 1})


async def test_a_reply(simulator, wire):
    app = await wire(simulator)
    said = simulator.say_in("Ada", "one")
    answer = simulator.say_in("Ben", "two", reply_to=said)
    simulator.say_in("Cy", "three", reply_to=answer)
    for _ in range(2):
        await app.event("MESSAGE_CREATE")
    message = await app.event("MESSAGE_CREATE")
    check(message, MESSAGE_CREATE | {"type": 19, "message_reference": dict, "referenced_message": dict})
    check(message["message_reference"], REFERENCE)
    check(message["referenced_message"], MESSAGE | {"type": 19, "message_reference": dict})
    assert [user["global_name"] for user in message["mentions"]] == ["Ben"]


async def test_files_and_stickers(simulator, wire):
    app = await wire(simulator)
    simulator.say_in("Ada", "", attachments=[SharedFile("notes.txt", b"12345")], stickers=["wave"])
    message = await app.event("MESSAGE_CREATE")
    check(message, MESSAGE_CREATE | {"sticker_items": list})
    check(message["attachments"][0], ATTACHMENT)
    check(message["sticker_items"][0], {"id": str, "name": "wave", "format_type": int})


async def test_bots_and_webhooks(simulator, wire):
    app = await wire(simulator)
    simulator.other_bot_says("Jenkins", "green")
    simulator.webhook_says("Deploys", "done")
    bot = await app.event("MESSAGE_CREATE")
    check(bot, MESSAGE_CREATE)
    check(bot["author"], USER | {"bot": True})
    webhook = await app.event("MESSAGE_CREATE")
    check(webhook, {name: fact for name, fact in MESSAGE_CREATE.items() if name != "member"} | {"webhook_id": str})
    assert (webhook["author"]["id"], webhook["author"]["discriminator"]) == (webhook["webhook_id"], "0000")


async def test_the_bots_own_message_brings_its_nonce(simulator, wire, rest):
    app = await wire(simulator)
    path = f"/channels/{simulator.room('general').id}/messages"
    _, answer = await rest("POST", path, {"content": "hello", "nonce": "n1"})
    check(answer, MESSAGE | {"nonce": "n1"})
    message = await app.event("MESSAGE_CREATE")
    check(message, MESSAGE_CREATE | {"nonce": "n1"})
    assert message["author"]["id"] == simulator.bot.id


async def test_a_thread_that_the_bot_opens_from_a_message(simulator, wire, rest):
    app = await wire(simulator)
    said = simulator.say_in("Ada", "hello")
    await app.event("MESSAGE_CREATE")
    path = f"/channels/{simulator.room('general').id}/messages/{said.id}/threads"
    _, answer = await rest("POST", path, {"name": "hello"})
    check(answer, THREAD | {"member": dict})
    check(answer["member"], THREAD_MEMBER)
    created, joined, starter, first = [await app.take() for _ in range(4)]
    assert [each["t"] for each in (created, joined, starter, first)] == [
        "THREAD_CREATE",
        "THREAD_MEMBERS_UPDATE",
        "MESSAGE_UPDATE",
        "MESSAGE_CREATE",
    ]
    check(created["d"], THREAD | {"newly_created": True, "member": dict})
    check(
        joined["d"],
        {"id": str, "guild_id": str, "member_count": int, "added_members": list, "removed_member_ids": list},
    )
    check(starter["d"], MESSAGE_CREATE | {"flags": 1 << 5, "thread": dict})
    check(first["d"], IN_THREAD | {"type": 21, "content": "", "message_reference": dict, "referenced_message": dict})
    check(first["d"]["message_reference"], REFERENCE)
    assert first["d"]["referenced_message"]["id"] == said.id


async def test_a_thread_that_a_person_opens_without_a_message(simulator, wire):
    app = await wire(simulator)
    name = simulator.open_thread("Ada", "plans")
    created = await app.event("THREAD_CREATE")
    check(created, THREAD | {"newly_created": True})
    announced = await app.event("MESSAGE_CREATE")
    check(announced, MESSAGE_CREATE | {"type": 18, "content": "plans", "message_reference": dict})
    check(announced["message_reference"], {"type": 0, "channel_id": created["id"], "guild_id": str})
    assert name == f"{created['parent_id']}/{created['id']}"


async def test_a_post_in_a_forum(simulator, wire):
    app = await wire(simulator)
    said = simulator.post_in_forum("Ada", "It fails", "with an error")
    created = await app.event("THREAD_CREATE")
    check(created, THREAD | {"newly_created": True, "applied_tags": list})
    message = await app.event("MESSAGE_CREATE")
    check(message, IN_THREAD | {"position": 0})
    assert message["id"] == message["channel_id"] == created["id"] == said.id


async def test_a_thread_counts_its_messages_without_the_first(simulator, rest):
    said = simulator.post_in_forum("Ada", "It fails", "with an error")
    replies = [simulator.say_in("Ada", str(number), thread=said.thread) for number in range(3)]
    simulator.delete(replies[0])
    _, thread = await rest("GET", f"/channels/{said.id}")
    assert (thread["message_count"], thread["total_message_sent"], thread["member_count"]) == (2, 3, 1)


async def test_an_edit_and_a_deletion(simulator, wire):
    app = await wire(simulator)
    said = simulator.say_in("Ada", "helo")
    simulator.edit(said, "hello")
    simulator.delete(said)
    updated = await app.event("MESSAGE_UPDATE")
    check(updated, MESSAGE_CREATE | {"edited_timestamp": str, "content": "hello"})
    check(await app.event("MESSAGE_DELETE"), {"id": said.id, "channel_id": str, "guild_id": simulator.guild.id})


async def test_a_preview_and_the_deletion_of_several(simulator, wire):
    app = await wire(simulator)
    gone = [simulator.say_in("Ada", "https://example.com/") for _ in range(2)]
    simulator.unfurl(gone[0])
    simulator.delete_many(gone)
    shown = await app.event("MESSAGE_UPDATE")
    check(shown, MESSAGE_CREATE | {"content": "https://example.com/", "edited_timestamp": None})
    assert len(shown["embeds"]) == 1
    deleted = await app.event("MESSAGE_DELETE_BULK")
    check(deleted, {"ids": [said.id for said in gone], "channel_id": str, "guild_id": simulator.guild.id})


async def test_what_happens_to_threads_and_channels(simulator, wire):
    app = await wire(simulator)
    name = simulator.open_thread("Ada", "plans")
    simulator.archive(name, locked=True)
    archived = await app.event("THREAD_UPDATE")
    check(archived, THREAD)
    assert (archived["thread_metadata"]["archived"], archived["thread_metadata"]["locked"]) == (True, True)
    simulator.delete_thread(name)
    check(await app.event("THREAD_DELETE"), {"id": archived["id"], "guild_id": str, "parent_id": str, "type": 11})
    simulator.add_room("news", topic="what is new")
    check(await app.event("CHANNEL_CREATE"), TEXT | {"name": "news", "topic": "what is new"})
    simulator.add_room("voices", kind="voice")
    voice = await app.event("CHANNEL_CREATE")
    assert (voice["type"], voice["bitrate"]) == (2, 64000)
    simulator.delete_room("news")
    check(await app.event("CHANNEL_DELETE"), TEXT | {"name": "news"})


async def test_permissions_and_what_comes_with_them(simulator, wire):
    app = await wire(simulator)
    simulator.open_thread("Ada", "plans")
    simulator.deny("general", "view_channel", "send_messages")
    (overwrite,) = (await app.event("CHANNEL_UPDATE"))["permission_overwrites"]
    denied = str(1 << 10 | 1 << 11)
    check(overwrite, {"id": simulator.bot.id, "type": 1, "allow": "0", "deny": denied})
    simulator.say_in("Ada", "unseen")
    simulator.allow("general", "view_channel")
    names = await app.names("THREAD_LIST_SYNC")
    assert names == ["CHANNEL_UPDATE", "THREAD_LIST_SYNC"]


async def test_the_bot_is_removed_and_invited(simulator, wire):
    app = await wire(simulator)
    simulator.kick()
    assert await app.event("GUILD_DELETE") == {"id": simulator.guild.id}
    simulator.invite_again()
    guild = await app.event("GUILD_CREATE")
    assert "unavailable" not in guild


async def test_a_command(simulator, wire):
    app = await wire(simulator)
    simulator.interact("Ada", "ask", options=[{"name": "text", "type": 3, "value": "why?"}])
    facts: dict[str, Any] = {
        "id": str,
        "application_id": simulator.application_id,
        "type": 2,
        "token": str,
        "version": 1,
        "channel_id": str,
        "channel": dict,
        "data": dict,
        "app_permissions": str,
        "locale": str,
        "entitlements": list,
        "authorizing_integration_owners": dict,
        "attachment_size_limit": int,
        "context": 0,
        "guild_id": str,
        "guild": dict,
        "guild_locale": str,
        "member": dict,
    }
    interaction = await app.event("INTERACTION_CREATE")
    check(interaction, facts | {"entitlement_sku_ids": list})
    check(interaction["member"], MEMBER | {"user": dict, "permissions": str})
    assert interaction["data"]["name"] == "ask"
    assert interaction["data"]["options"][0]["value"] == "why?"


async def test_a_command_in_a_direct_channel(simulator, wire):
    app = await wire(simulator)
    direct = simulator.say_direct("Ada", "psst")
    simulator.interact("Ada", "ask", thread=direct.thread)
    interaction = await app.event("INTERACTION_CREATE")
    assert (interaction["context"], interaction["user"]["global_name"]) == (1, "Ada")
    assert "member" not in interaction


async def test_a_reaction(simulator, wire, rest):
    app = await wire(simulator, 1 << 10)
    said = simulator.say_in("Ada", "hello")
    path = f"/channels/{simulator.room('general').id}/messages/{said.id}"
    await rest("PUT", f"{path}/reactions/%F0%9F%91%80/@me")
    reaction = await app.event("MESSAGE_REACTION_ADD")
    assert (reaction["emoji"], reaction["user_id"]) == ({"id": None, "name": "👀"}, simulator.bot.id)
    _, message = await rest("GET", path)
    assert (message["reactions"][0]["count"], message["reactions"][0]["me"]) == (1, True)
    await rest("DELETE", f"{path}/reactions/%F0%9F%91%80/@me")
    assert "reactions" not in (await rest("GET", path))[1]


async def test_the_application(rest):
    _, application = await rest("GET", "/applications/@me")
    facts: dict[str, Any] = {
        "id": str,
        "name": str,
        "icon": None,
        "description": str,
        "bot": dict,
        "bot_public": bool,
        "bot_require_code_grant": bool,
        "verify_key": str,
        "flags": int,
        "owner": dict,
        "team": None,
        "interactions_endpoint_url": None,
        "redirect_uris": list,
    }
    check({name: application[name] for name in facts}, facts)
