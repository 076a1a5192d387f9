"""What was given up, and that a person can have it posted or asked again while the program runs."""

import json
import time

from tests.journeys.program import in_time
from tests.journeys.test_acknowledgement import refusing

POST = "chat.postMessage"


async def dead(world, *filters):
    """What `dead list --json` shows."""
    return json.loads(await world.command("dead", "list", "--json", *filters))


async def trace(world, what):
    """What `trace --json` shows."""
    return json.loads(await world.command("trace", what, "--json"))


async def test_an_answer_that_slack_refused_is_posted_on_request_without_a_restart(world):
    await world.start()
    said, _ = await world.ask("hello")
    world.slack.faults.refuse(POST, "restricted_action_thread_locked")
    await world.say("one", said)
    await world.program.logged("delivery.dead")
    await world.ask("two", said)
    (letter,) = await dead(world)
    assert (letter["kind"], letter["session"], letter["channel"], letter["in_doubt"]) == (
        "reply", world.session_of(said), "slack", False,
    )  # fmt: skip
    assert "restricted_action_thread_locked" in letter["why"]
    assert "You said: one" in await world.command("dead", "show", letter["id"])
    assert await world.command("dead", "retry", letter["id"]) == f"{letter['id']}: opened again\n"
    since = time.monotonic()
    answers = await world.until_answers(said, 3)
    assert time.monotonic() - since < 5
    assert [answer.split(" (")[0] for answer in answers] == ["You said: hello", "You said: two", "You said: one"]
    await world.program.logged("delivery.sent", 3)
    assert await dead(world) == []
    assert world.sessions()[world.session_of(said)]["dead"] == 0
    await world.end()
    assert len(world.answers(said)) == 3


async def test_an_answer_for_a_locked_discord_thread_is_posted_once_it_is_unlocked(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.agent.hold()
    await world.say("and?", said)
    await in_time("the turn", world.agent.wait_for_requests(2))
    world.discord.archive(said.thread, locked=True)
    world.agent.release()
    await world.program.logged("delivery.dead")
    (letter,) = await dead(world, "--session", world.session_of(said), "--since", "1h", "--channel", "discord")
    world.discord.lock(said.thread, locked=False)
    await world.command("dead", "retry", "--all", "--session", world.session_of(said))
    assert (await world.until_answers(said, 2))[1] == "You said: and? (message 2 of this session)"
    await world.program.logged("delivery.sent", 2)
    assert await dead(world) == []
    assert (await trace(world, letter["id"]))["turns"][0]["deliveries"][0]["status"] == "delivered"


async def test_what_is_dropped_is_never_posted_and_no_longer_listed(world):
    await world.start()
    said, _ = await world.ask("hello")
    world.slack.faults.refuse(POST, "is_archived")
    await world.say("one", said)
    await world.program.logged("delivery.dead")
    (letter,) = await dead(world)
    await world.command("dead", "drop", letter["id"])
    assert await dead(world) == []
    assert [one["status"] for one in await dead(world, "--dropped")] == ["dropped"]
    await world.ask("two", said)
    await world.end()
    await world.restart()
    await world.ask("three", said)
    await world.end()
    assert [answer.split(" (")[0] for answer in world.answers(said)] == [
        "You said: hello", "You said: two", "You said: three",
    ]  # fmt: skip


async def test_a_question_that_failed_is_asked_again_on_request_and_answered(world):
    await world.start()
    known, world.agent.instance_id = world.agent.instance_id, "another"
    said, notice = await world.ask("hello")
    assert "does not know the instance" in notice
    (letter,) = await dead(world)
    assert (letter["kind"], letter["status"]) == ("turn", "failed")
    await world.command("dead", "retry", letter["id"])
    assert "does not know the instance" in (await world.until_answers(said, 2))[1]  # and said again
    world.agent.instance_id = known
    await world.command("dead", "retry", "--all")
    assert (await world.until_answers(said, 3))[2] == "You said: hello"
    assert await dead(world) == []


async def test_a_question_whose_fate_nobody_knows_waits_for_what_runs_when_it_is_asked_again(world):
    await world.start()
    said, _ = await world.ask("[[cut]] and then a somewhat longer text")
    (letter,) = await dead(world)
    assert letter["status"] == "unknown"
    world.agent.hold()
    await world.say("meanwhile", said)
    await in_time("the turn", world.agent.wait_for_requests(2))
    await world.command("dead", "retry", letter["id"])
    await world.say("afterwards", said)
    world.agent.release()
    await in_time("all turns", world.agent.wait_for_requests(4))
    asked = [text.removeprefix("[Ada] ") for text in world.inputs()]
    assert [text.split()[0] for text in asked] == ["[[cut]]", "meanwhile", "[[cut]]", "afterwards"]
    assert world.agent.overlaps == 0


async def test_all_that_one_outage_left_is_opened_again_at_once_beside_a_busy_bridge(world):
    await world.start()
    world.slack.faults.refuse(POST, "channel_not_found", times=20)
    threads = [await world.say(f"thread {number}") for number in range(20)]
    await world.program.logged("delivery.dead", 20)
    busy = await world.say("a new thread")
    assert len((await world.command("dead", "retry", "--all")).splitlines()) == 20
    for number, thread in enumerate(threads):
        assert await world.until_answers(thread, 1) == [f"You said: thread {number}"]
    await world.until_answers(busy, 1)
    await world.end()
    assert all(len(world.answers(thread)) == 1 for thread in threads)
    assert world.program.events("store.refused") == []


async def test_one_trace_goes_with_a_message_from_the_event_to_the_post(world):
    await world.start()
    first, _ = await world.ask("hello")
    second, _ = await world.ask("another")
    await world.program.logged("delivery.sent", 2)
    for said, request in zip((first, second), world.agent.requests, strict=True):
        shown = await trace(
            world, f"https://demo.slack.com/archives/{said.thread.partition('/')[0]}/p{said.id.replace('.', '')}"
        )
        lines = [json.loads(line) for line in world.program.log]
        told = [line["event"] for line in lines if line.get("trace") == shown["trace"]]
        assert told == ["turn.accepted", "turn.ended", "delivery.sent"]
        assert request.traceparent.split("-")[:2] == ["00", shown["trace"]]
        (turn,) = shown["turns"]
        assert [one["stage"] for one in turn["stages"]] == [
            "written", "accepted", "started", "ended", "created", "posted",
        ]  # fmt: skip
        answer = next(one for one in world.slack.read(said.thread) if one.by_bot)
        room = said.thread.partition("/")[0]
        link = f"https://demo.slack.com/archives/{room}/p{answer.id.replace('.', '')}?thread_ts={said.id}&cid={room}"
        assert await trace(world, link) == await trace(world, turn["id"]) == shown
    assert len({request.traceparent for request in world.agent.requests}) == 2


async def test_a_trace_goes_through_trouble_and_is_found_by_discords_links(discord_world):
    world = discord_world
    await world.start()
    world.agent.status = "stopped"
    said, _ = await world.ask("hello")
    world.agent.status = "running"
    await world.until_answers(said, 2)
    await world.program.logged("delivery.sent", 2)
    guild = world.discord.guild.id
    room = said.thread.rpartition("/")[0].rpartition("/")[2] or world.discord.room("general").id
    shown = await trace(world, f"https://discord.com/channels/{guild}/{room}/{said.id}")
    told = {line["event"] for line in map(json.loads, world.program.log) if line.get("trace") == shown["trace"]}
    assert told == {"turn.accepted", "turn.waits", "turn.ended", "delivery.sent"}
    answer = [one for one in world.discord.read(said.thread) if one.by_bot][-1]
    assert await trace(world, f"https://discord.com/channels/{guild}/{said.id}/{answer.id}") == shown
    assert {request.traceparent.split("-")[1] for request in world.agent.requests} == {shown["trace"]}


async def test_what_could_not_be_accepted_is_logged_under_its_trace(world):
    await world.start()
    with refusing(world.store, "INSERT ON turns"):
        said = await world.say("hello")
        refused = await world.program.logged("turn.not_accepted")
    await world.until_answers(said, 1)
    assert refused[0]["trace"] == (await world.program.logged("turn.accepted"))[0]["trace"]
