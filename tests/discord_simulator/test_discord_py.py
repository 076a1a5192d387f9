"""The real discord.py: login, messages, threads, answers."""

import asyncio

import discord
import pytest
from discord import app_commands

from adapters.discord.simulator import DiscordSimulator, SharedFile
from adapters.discord.simulator.rate_limit import PostRate
from tests.discord_simulator.conftest import Bot


async def test_it_logs_in_and_knows_itself_the_app_and_the_guild(simulator, connect):
    bot = await connect(simulator)
    assert bot.user is not None
    assert (str(bot.user.id), bot.user.name) == (simulator.bot.id, "threadbridge")
    assert str(bot.application_id) == simulator.application_id
    assert bot.application is not None
    assert bot.application.flags.gateway_message_content_limited
    (guild,) = bot.guilds
    assert (str(guild.id), guild.name) == (simulator.guild.id, "Demo")
    assert [(room.name, str(room.type)) for room in guild.channels] == [("general", "text"), ("help", "forum")]
    assert guild.me.id == bot.user.id


async def test_a_wrong_token_fails_the_login(simulator, aim):
    aim(simulator)
    async with Bot() as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.start("wrong")


async def test_a_mention_is_answered_in_a_thread_that_the_bot_opens_from_it(simulator, connect):
    bot = await connect(simulator)
    said = await simulator.say("Ada", "are you there?")
    question = await bot.next()
    assert question.content == f"<@{simulator.bot.id}> are you there?"
    assert (question.author.display_name, question.author.bot) == ("Ada", False)
    assert question.mentions == [bot.guilds[0].me]
    thread = await question.create_thread(name="are you there?")
    sent = await thread.send("at your service", nonce="0123456789abcdef012345678")
    assert thread.id == question.id
    assert sent.nonce == "0123456789abcdef012345678"
    assert [(each.author, each.text, each.by_bot) for each in simulator.read(said.thread)] == [
        ("Ada", "@threadbridge are you there?", False),
        ("threadbridge", "at your service", True),
    ]
    assert {each.thread for each in simulator.read(said.thread)} == {said.thread}


async def test_the_bots_own_posts_come_back_with_their_nonce(simulator, connect):
    bot = await connect(simulator)
    await bot.get_channel(int(simulator.room("general").id)).send("hello", nonce="n1")
    own = await bot.next()
    assert (own.author, own.content, own.nonce) == (bot.user, "hello", "n1")


async def test_a_new_thread_begins_with_its_starter(simulator, connect):
    bot = await connect(simulator)
    await simulator.say("Ada", "hello")
    question = await bot.next()
    await question.create_thread(name="hello")
    starter = await bot.next()
    assert starter.type is discord.MessageType.thread_starter_message
    assert starter.reference is not None
    assert starter.reference.resolved.content == question.content


async def test_a_person_answers_in_a_thread_and_opens_it_where_nobody_did(simulator, connect):
    bot = await connect(simulator)
    said = await simulator.say("Ada", "a question for all")
    first = await bot.next()
    reply = await simulator.say("Ben", "I know", thread=said.thread)
    starter, second = await bot.next(), await bot.next()
    assert starter.type is discord.MessageType.thread_starter_message
    assert (second.content, second.channel.id, second.channel.parent) == ("I know", first.id, first.channel)
    assert reply.thread == said.thread
    assert [each.text for each in simulator.read(said.thread)] == ["@threadbridge a question for all", "I know"]


async def test_a_forum_post_is_a_thread_with_its_first_message_in_it(simulator, connect):
    bot = await connect(simulator)
    said = simulator.post_in_forum("Ada", "It fails", "with an error", mention=True)
    message = await bot.next()
    assert message.channel.id == message.id
    assert (message.channel.name, message.channel.parent.name) == ("It fails", "help")
    await message.channel.send("I see")
    assert [each.text for each in simulator.read(said.thread)] == ["@threadbridge with an error", "I see"]


async def test_the_bot_opens_a_post_in_a_forum(simulator, connect):
    bot = await connect(simulator)
    forum = bot.get_channel(int(simulator.room("help").id))
    made = await forum.create_thread(name="News", content="nothing new")
    assert made.thread.id == made.message.id
    assert [each.text for each in simulator.read(f"{forum.id}/{made.thread.id}")] == ["nothing new"]


async def test_direct_messages_go_both_ways(simulator, connect):
    bot = await connect(simulator)
    said = simulator.say_direct("Ada", "psst")
    message = await bot.next()
    assert (message.guild, message.content, str(message.channel.id)) == (None, "psst", said.thread)
    await message.channel.send("yes?")
    assert [each.text for each in simulator.read(said.thread)] == ["psst", "yes?"]
    user = await bot.fetch_user(int(simulator.person("Ben").id))
    await user.send("hello Ben")
    assert [each.text for each in simulator.read(str(user.dm_channel.id))] == ["hello Ben"]


async def test_a_reply_brings_the_whole_message_it_answers(simulator, connect):
    bot = await connect(simulator)
    said = simulator.say_in("Ada", "the build is red")
    simulator.say_in("Ben", "look at this", reply_to=said, mention=True)
    first, second = await bot.next(), await bot.next()
    assert second.type is discord.MessageType.reply
    assert second.reference.resolved.content == first.content == "the build is red"
    answer = await second.reply("I am looking", mention_author=False)
    assert answer.reference.message_id == second.id
    assert simulator.message(simulator.read_room("general")[-1]).pinged == []


async def test_files_go_both_ways(simulator, connect):
    bot = await connect(simulator)
    simulator.say_in("Ada", "", attachments=[SharedFile("notes.txt", b"12345")])
    message = await bot.next()
    (attachment,) = message.attachments
    assert (attachment.filename, attachment.size, await attachment.read()) == ("notes.txt", 5, b"12345")
    await message.channel.send(file=discord.File(__file__, filename="own.py"))
    own = simulator.message(simulator.read_room("general")[-1])
    assert [each["filename"] for each in own.attachments] == ["own.py"]


async def test_other_bots_and_webhooks_are_known_as_such(simulator, connect):
    bot = await connect(simulator)
    simulator.other_bot_says("Jenkins", "green")
    simulator.webhook_says("Deploys", "done")
    jenkins, deploys = await bot.next(), await bot.next()
    assert (jenkins.author.bot, jenkins.webhook_id) == (True, None)
    assert (deploys.author.bot, deploys.author.name) == (True, "Deploys")
    assert deploys.webhook_id == deploys.author.id


async def test_history_is_read_page_by_page(simulator, connect):
    bot = await connect(simulator)
    thread = simulator.open_thread("Ada", "many")
    said = [simulator.say_in("Ada", str(number), thread=thread) for number in range(230)]
    room = await bot.fetch_channel(int(thread.partition("/")[2]))
    newest = [message.content async for message in room.history(limit=150)]
    assert newest == [str(number) for number in range(229, 79, -1)]
    later = [message.content async for message in room.history(limit=None, after=discord.Object(said[99].id))]
    assert later == [str(number) for number in range(100, 230)]
    around = [message.content async for message in room.history(limit=3, around=discord.Object(said[50].id))]
    assert sorted(around) == ["49", "50", "51"]


async def test_edits_and_deletions_are_seen_on_both_sides(simulator, connect):
    bot = await connect(simulator)
    said = simulator.say_in("Ada", "helo")
    message = await bot.next()
    changed = bot.wait_for("message_edit", timeout=10)
    assert simulator.edit(said, "hello").edited
    _, after = await changed
    assert (after.content, after.edited_at is not None) == ("hello", True)
    sent = await message.channel.send("draft")
    await sent.edit(content="final")
    await sent.add_reaction("👀")
    assert [each.text for each in simulator.read_room("general")] == ["hello", "final"]
    assert simulator.message(simulator.read_room("general")[1]).reactions == {"👀": [simulator.bot.id]}
    await sent.delete()
    gone = bot.wait_for("message_delete", check=lambda each: each.id == message.id, timeout=10)
    simulator.delete(said)
    await gone
    assert simulator.read_room("general") == []


async def test_typing_is_noted_where_it_happens(simulator, connect):
    bot = await connect(simulator)
    said = await simulator.say("Ada", "think!")
    message = await bot.next()
    thread = await message.create_thread(name="think!")
    await thread.typing()
    assert len(simulator.typing(said.thread)) == 1
    assert simulator.typing("general") == []
    await message.channel.typing()
    assert len(simulator.typing("general")) == 1


async def test_a_command_is_registered_used_and_answered(simulator, connect):
    bot = await connect(simulator)
    tree = app_commands.CommandTree(bot)

    @tree.command(description="asks")
    async def ask(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        await interaction.followup.send("one more thing")
        await interaction.edit_original_response(content="here you are")

    await tree.sync()
    used = simulator.interact("Ada", "ask")
    await simulator.until(lambda: len(used.followups) == 2)
    assert used.response[0]["type"] == 5
    assert [(said.text, said.by_bot, said.edited) for said in simulator.read_room("general")] == [
        ("here you are", True, False),
        ("one more thing", True, False),
    ]


async def test_an_ephemeral_answer_is_shown_to_nobody_else(simulator, connect):
    bot = await connect(simulator)
    tree = app_commands.CommandTree(bot)

    @tree.command(description="asks")
    async def ask(interaction: discord.Interaction) -> None:
        answered = await interaction.response.send_message("only you see this", ephemeral=True)
        assert answered.message_id

    used = simulator.interact("Ada", "ask")
    await simulator.until(lambda: bool(used.response))
    assert used.response[0]["data"]["content"] == "only you see this"
    assert simulator.read_room("general") == []


async def test_permissions_are_seen_and_enforced(simulator, connect):
    bot = await connect(simulator)
    room = bot.get_channel(int(simulator.room("general").id))
    assert room.permissions_for(room.guild.me).send_messages
    changed = bot.wait_for("guild_channel_update", timeout=10)
    simulator.deny("general", "send_messages")
    await changed
    assert not room.permissions_for(room.guild.me).send_messages
    with pytest.raises(discord.Forbidden) as refused:
        await room.send("hello")
    assert refused.value.code == 50013


async def test_the_library_keeps_within_the_limit_of_posts(connect):
    async with DiscordSimulator(post_rate=PostRate(2, 0.2)) as simulator:
        bot = await connect(simulator)
        room = bot.get_channel(int(simulator.room("general").id))
        await asyncio.gather(*(room.send(str(number)) for number in range(6)))
        posts = [call for call in simulator.calls if call.name == "messages.create"]
        assert {call.status for call in posts} == {200}
        assert posts[5].at - posts[0].at > 0.3
        assert len(simulator.read_room("general")) == 6


async def test_threads_come_and_go(simulator, connect):
    bot = await connect(simulator)
    opened = bot.wait_for("thread_create", timeout=10)
    name = simulator.open_thread("Ada", "plans")
    thread = await opened
    assert name == f"{thread.parent_id}/{thread.id}"
    archived = bot.wait_for("thread_update", timeout=10)
    simulator.archive(name)
    await archived
    assert thread.archived
    await thread.send("back to life")
    assert not simulator.guild.threads[str(thread.id)].archived
    simulator.delete_thread(name)
    with pytest.raises(discord.NotFound) as gone:
        await thread.send("too late")
    assert gone.value.code == 10003


async def test_a_kicked_bot_sees_nothing_until_it_is_invited_again(simulator, connect):
    bot = await connect(simulator)
    room = bot.get_channel(int(simulator.room("general").id))
    left = bot.wait_for("guild_remove", timeout=10)
    simulator.kick()
    await left
    with pytest.raises(discord.Forbidden) as refused:
        await room.send("let me in")
    assert refused.value.code == 50001
    simulator.say_in("Ada", "is it gone?")
    back = bot.wait_for("guild_join", timeout=10)
    simulator.invite_again()
    await back
    simulator.say_in("Ada", "welcome back")
    assert (await bot.next()).content == "welcome back"
