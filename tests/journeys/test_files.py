"""What people attach: to the agent, or named to it and to them."""

import pytest

from adapters.discord.simulator import SharedFile as DiscordFile
from adapters.slack.simulator import SharedFile as SlackFile
from tests.journeys.program import SlackWorld

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
IMAGE = ("plan.png", PNG, "image/png")
NOTES = ("notes.md", b"# Pears\n", "text/markdown")
ZIP = ("build [1].zip", b"PK\x03\x04", "application/zip")
EXE = ("setup.exe", b"MZ", "application/x-msdownload")
FETCHING = {"slack": "files-pri", "discord": "attachments.get"}


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms."""
    return await (make_world if request.param == "slack" else make_discord_world)()


def attach(world, text, *files):
    """Mentions the bot, with these files."""
    if isinstance(world, SlackWorld):
        return world.slack.say_in("Ada", text, mention=True, files=[SlackFile(*each) for each in files])
    return world.discord.say_in("Ada", text, mention=True, attachments=[DiscordFile(*each) for each in files])


async def test_an_image_and_a_document_reach_the_agent(either):
    world = either
    await world.start()
    said = attach(world, "look", IMAGE, NOTES)
    (answer,) = await world.until_answers(said, 1)
    await world.end()
    given = f"I was given: image (image/png, {len(PNG)} bytes), file notes.md (text/markdown, 8 bytes)."
    assert answer.endswith(given)
    assert world.answers(said) == [answer]
    (request,) = world.agent.requests
    assert request.input == "[Ada] look\n(attached: plan.png, image/png)\n(attached: notes.md, text/markdown)"


async def test_what_the_agent_does_not_take_is_named_to_it_and_to_the_person_once(either):
    world = either
    await world.start()
    said = attach(world, "run these", ZIP, EXE, NOTES)
    answer, notice = await world.until_answers(said, 2)
    await world.end()
    assert answer.endswith("I was given: file notes.md (text/markdown, 8 bytes).")
    only = "is not passed on, only images (JPEG, PNG, GIF, WebP, HEIC), PDF, JSON and text"
    assert notice == (
        f"Not passed on to the agent: `build (1).zip` (application/zip {only}); "
        f"`setup.exe` (application/x-msdownload {only})."
    )
    assert f"(not passed on to you: build (1).zip: application/zip {only})" in world.inputs()[0]
    assert len(world.answers(said)) == 2


async def test_what_is_too_large_is_named(either):
    world = either
    await world.start()
    said = attach(world, "read", ("book.txt", b"x" * (5 * 2**20 + 1), "text/plain"))
    _, notice = await world.until_answers(said, 2)
    await world.end()
    assert notice == "Not passed on to the agent: `book.txt` (it is larger than 5 MB; send a smaller one)."


async def test_nothing_is_passed_on_where_the_operator_says_so(either):
    world = either
    await world.start(instance={"files": False})
    said = attach(world, "look", IMAGE)
    _, notice = await world.until_answers(said, 2)
    await world.end()
    assert notice == (
        "Not passed on to the agent: `plan.png` (this agent is given no files; paste what matters into a message)."
    )
    assert world.agent.requests[0].files == []


async def test_a_file_that_cannot_be_fetched_for_now_is_fetched_later(either):
    world = either
    await world.start()
    fetching = FETCHING[world.platform.source]
    world.platform.faults.rate_limit(fetching, retry_after=1)
    world.platform.faults.fail(fetching, status=503)
    said = attach(world, "look", NOTES)
    (answer,) = await world.until_answers(said, 1)
    await world.end()
    assert answer.endswith("I was given: file notes.md (text/markdown, 8 bytes).")


async def test_a_file_that_cannot_be_fetched_is_done_without_after_some_attempts(either):
    world = either
    await world.start()
    world.platform.faults.fail(FETCHING[world.platform.source], status=503, times=None)
    said = attach(world, "look", NOTES)
    _, notice = await world.until_answers(said, 2)
    await world.end()
    assert notice == "Not passed on to the agent: `notes.md` (it could not be fetched; send it again)."


async def test_the_files_of_earlier_messages_are_only_named(either):
    world = either
    await world.start()
    source = world.platform.source
    kinds = {"files": [SlackFile(*NOTES)]} if source == "slack" else {"attachments": [DiscordFile(*NOTES)]}
    root = world.platform.say_in("Ada", "our plan", **kinds)
    bot = world.slack.workspace.bot.id if source == "slack" else world.discord.bot.id
    await world.say(f"<@{bot}> what do you see?", root)
    (answer,) = await world.until_answers(root, 1)
    await world.end()
    assert "I was given" not in answer
    assert "(attached: notes.md, text/markdown)" in world.inputs()[0]


async def test_without_files_read_the_person_and_the_operator_are_told(make_world):
    scopes = {"chat:write", "channels:history", "channels:read", "users:read"}
    world = await make_world(scopes=scopes)
    await world.start()
    said = attach(world, "look", IMAGE, NOTES)
    _, notice = await world.until_answers(said, 2)
    await world.end()
    why = "this Slack app may not read files; ask whoever runs it to add the scope files:read and install it again"
    assert notice == f"Not passed on to the agent: `plan.png`, `notes.md` ({why})."
    assert [line["scope"] for line in world.program.events("channel.lacks_scope")].count("files:read") == 1


async def test_a_file_whose_address_expired_is_fetched_at_a_fresh_one(discord_world):
    world = discord_world
    await world.start()
    world.agent.hold()
    first = await world.say("wait")
    await world.agent.wait_for_requests(1)
    world.discord.say_in("Ada", "look", thread=first.thread, attachments=[DiscordFile(*NOTES)])
    await world.settled()
    world.discord.expire_addresses()
    world.agent.release()
    answers = await world.until_answers(first, 2)
    await world.end()
    assert answers[-1].endswith("I was given: file notes.md (text/markdown, 8 bytes).")


async def test_a_file_waits_with_its_message_for_an_agent_that_is_stopped(discord_world):
    world = discord_world
    world.agent.status = "stopped"
    await world.start()
    said = attach(world, "look", NOTES)
    (notice,) = await world.until_answers(said, 1)
    await world.program.logged("turn.waits", 2)
    world.agent.status = "running"
    answers = await world.until_answers(said, 2)
    await world.end()
    assert notice == "main is stopped; your message waits and is answered when it runs."
    assert answers[-1].endswith("I was given: file notes.md (text/markdown, 8 bytes).")
