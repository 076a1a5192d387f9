"""What is too long for messages, and what the agent made, arrives as files: once, whole, and never silently not."""

import base64
import json

import pytest

from bridge.demo.instance_agent import IMAGE
from tests.journeys.program import in_time
from tests.journeys.stand_in import stand_in

LINE = "All work and no play makes Jack a dull boy.\n"
COMPLETE = "files.completeUploadExternal"


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms."""
    return await (make_world if request.param == "slack" else make_discord_world)()


def files(world, said):
    """Name and bytes of each file that the bot posted in the thread, as whoever opens them gets them."""
    room, _, thread = said.thread.partition("/")
    if world.platform.source == "slack":
        space = world.slack.workspace
        found = [one for message in space.thread(space.rooms[room], thread) for one in message.files]
        return [(one["title"], space.contents[one["id"]]) for one in found]
    guild = world.discord.guild
    posted = guild.rooms[thread].messages.values() if thread in guild.rooms else ()
    found = [one for message in posted for one in message.attachments]
    return [(one["filename"], guild.files[one["id"]].content) for one in found]


async def until_files(world, said, count):
    await in_time(f"file {count}", world.platform.until(lambda: len(files(world, said)) >= count))
    return files(world, said)


async def test_an_answer_over_the_limit_arrives_as_its_beginning_and_a_file_of_the_exact_text(either):
    world = either
    whole = (LINE * 2_000)[:80_001]
    await world.start(bridge={"longest_answer": 5})
    said = await world.say(f"[[big:{len(whole)}]]")
    assert await until_files(world, said, 1) == [("answer.md", whole.encode())]
    await world.ask("and?", said)
    await world.end()
    beginning, sentence, file, _ = world.answers(said)
    assert whole.startswith(beginning)
    assert "80,001 characters" in sentence
    assert "answer.md" in sentence
    assert (file, len(files(world, said))) == ("", 1)


async def test_an_answer_within_the_limit_or_without_one_stays_messages(world):
    await world.start(bridge={"longest_answer": 12})
    said = await world.say("[[big:45000]]")
    await world.until_answers(said, 12)
    await world.end()
    await world.start(bridge={"longest_answer": 0})
    another = await world.say("[[big:180000]]")
    await world.until_answers(another, 45)
    await world.end()
    assert (files(world, said), files(world, another)) == ([], [])


async def test_a_preview_becomes_the_beginning_and_not_a_file(either):
    world = either
    await world.start(bridge={"longest_answer": 1})
    said = await world.say(f"[[drip:30:0.1]] {LINE * 200}")
    await world.until_answers(said, 1)
    assert files(world, said) == []
    ((name, content),) = await until_files(world, said, 1)
    await world.program.logged("delivery.sent", 3)
    await world.end()
    beginning, sentence, _ = world.answers(said)
    assert (name, content[-4:]) == ("answer.md", b" w29")
    assert content.decode().replace("\n", "").startswith(beginning.replace("\n", ""))
    assert sentence.startswith("The answer goes on")


@pytest.mark.parametrize("place", ["delivery.posted", "turn.finished"])
async def test_killed_around_an_upload_there_is_one_file(either, place):
    world = either
    world.program.environment["THREADBRIDGE_DIE_AT"] = {"delivery.posted": f"{place}:3"}.get(place, f"{place}:1")
    await world.start(bridge={"longest_answer": 1})
    said = await world.say("[[big:9000]]")
    await world.program.ended()
    del world.program.environment["THREADBRIDGE_DIE_AT"]
    await world.restart()
    ((_, content),) = await until_files(world, said, 1)
    await world.ask("and?", said)
    await world.end()
    assert content == (LINE * 300)[:9000].encode()
    assert (len(files(world, said)), len(world.answers(said)), world.agent.received) == (1, 4, 2)


async def test_killed_before_slack_shows_what_it_took_there_is_one_file(make_world):
    world = await make_world(share_seconds=3.0)
    await world.start(bridge={"longest_answer": 1})
    said = await world.say("[[big:9000]]")
    await in_time("the upload", world.slack.until(lambda: COMPLETE in [call.method for call in world.slack.calls]))
    await world.program.kill()
    await world.restart()
    assert (await world.program.logged("delivery.sent"))[0]["found"] is True
    await world.ask("and?", said)
    await world.end()
    assert len(files(world, said)) == 1


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("directive", "name"), [("image", "image-1.png"), ("inline", "a dot.png")])
async def test_an_image_of_the_agent_arrives_as_a_file(either, directive, name, stream):
    world = either
    await world.start(instance={"stream": stream})
    said = await world.say(f"[[{directive}]]")
    (posted,) = await until_files(world, said, 1)
    await world.end()
    assert (posted[0].replace("_", " "), posted[1]) == (name, base64.b64decode(IMAGE))
    text, _ = world.answers(said)
    assert text == ("Here it is: a dot and that is all." if directive == "inline" else "You said: [[image]]")


async def test_without_the_scope_long_answers_stay_messages_and_images_are_named(make_world):
    scopes = {"app_mentions:read", "channels:history", "channels:read", "chat:write", "users:read"}
    world = await make_world(scopes=scopes)
    await world.start(bridge={"longest_answer": 1})
    said = await world.say("[[big:9000]]")
    assert "".join(await world.until_answers(said, 3)) == (LINE * 300)[:9000]
    await world.say("[[image]]", said)
    answers = await world.until_answers(said, 5)
    await world.end()
    assert "`image-1.png` (files cannot be posted here)" in answers[-1]
    (lacking,) = world.program.events("channel.lacks_scope")
    assert (lacking["scope"], "install it again" in lacking["remedy"]) == ("files:write", True)
    assert [call for call in world.slack.calls if call.method.startswith("files.")] == []


async def test_where_files_may_not_be_attached_the_text_comes_as_messages_and_a_file_is_named(discord_world):
    world = discord_world
    world.discord.deny("general", "attach_files")
    await world.start(bridge={"longest_answer": 1})
    said = await world.say("[[big:9000]]")
    answers = await world.until_answers(said, 7)
    assert "".join("".join(answers[2:]).split()) == "".join((LINE * 300)[:9000].split())
    await world.say("[[image]]", said)
    assert "The file `image-1.png` could not be posted here." in (await world.until_answers(said, 9))[-1]
    await world.end()
    dead = json.loads(await world.command("dead", "list", "--json"))
    assert [one["kind"] for one in dead] == ["file", "reply"]
    assert all("let the bot attach files in this channel" in one["why"] for one in dead)
    shown = await world.command("dead", "show", dead[0]["id"])
    assert "(a file: image-1.png, image/png, 70 bytes)" in shown


async def test_no_request_goes_to_an_address_that_the_agent_wrote(world):
    async with stand_in() as elsewhere, stand_in() as agent:
        content = [
            {
                "type": "output_text",
                "text": f"![an image]({elsewhere.base_url}/a.png) [a file]({agent.base_url}/b.pdf)",
            },
            {"type": "output_image", "image_url": f"{elsewhere.base_url}/c.png"},
            {"type": "output_file", "filename": "d.pdf", "file_url": f"{agent.base_url}/d.pdf"},
        ]
        item = {"type": "message", "role": "assistant", "content": content}
        body = {"id": "r", "object": "response", "status": "completed", "output": [item]}
        agent.sends(200, json.dumps(body).encode(), "application/json")
        elsewhere.says("nobody asks")
        await world.start(instance={"base_url": agent.base_url})
        said, answer = await world.ask("go")
        await world.end()
        assert (elsewhere.received, elsewhere.looked_at, agent.received) == (0, [], 1)
        assert not any("d.pdf" in path or "b.pdf" in path for path in agent.looked_at)
        assert f"{elsewhere.base_url}/c.png" in answer
        assert files(world, said) == []
