"""What arrives in the thread: all of it, once, in order, within Slack's limits, and without pinging anybody."""

import asyncio

import pytest

from tests.journeys.program import in_time
from tests.journeys.stand_in import stand_in

POST = "chat.postMessage"


async def test_a_rate_limit_is_waited_out_and_the_post_is_made_once(world):
    await world.start()
    world.slack.faults.rate_limit(POST, retry_after=2)
    said = await world.say("hello")
    await world.until_posts(1)
    meanwhile = await world.say("me too")
    elsewhere = world.slack.say_in("Ada", "another room", room="#quiet", mention=True)
    await world.until_answers(elsewhere, 1)
    assert world.answers(said) == world.answers(meanwhile) == []
    await asyncio.gather(world.until_answers(said, 1), world.until_answers(meanwhile, 1))
    await world.end()
    here = [call for call in world.posts() if call.args["channel"] == said.thread.partition("/")[0]]
    assert [call.status for call in here] == [429, 200, 200]
    assert here[1].at - here[0].at >= 2
    assert (len(world.answers(said)), len(world.answers(meanwhile))) == (1, 1)


async def test_slacks_own_pace_loses_and_doubles_nothing(make_world):
    world = await make_world(rate_limits=True)
    await world.start()
    threads = [await world.say(f"thread {number}") for number in range(8)]
    for number, thread in enumerate(threads):
        assert await world.until_answers(thread, 1) == [f"You said: thread {number}"]
    await world.end()
    statuses = [call.status for call in world.posts()]
    assert statuses.count(200) == 8
    closed = [call for call in world.posts() if call.status == 429]
    assert closed
    for refused in closed:
        assert not [call for call in world.posts() if 0 < call.at - refused.at < 0.95 and call.status == 200]


@pytest.mark.parametrize(("fault", "applied"), [("fail", False), ("garbage", False), ("garbage", True)])
async def test_a_post_that_failed_oddly_is_shown_once(world, fault, applied):
    await world.start()
    getattr(world.slack.faults, fault)(POST, **({"applied": True} if applied else {}))
    said, _ = await world.ask("hello")
    assert (await world.program.logged("delivery.sent"))[0]["found"] is applied
    await world.ask("and?", said)
    await world.end()
    assert world.answers(said) == ["You said: hello", "You said: and? (message 2 of this session)"]


async def test_a_reply_that_slack_refuses_for_good_does_not_hold_up_the_next_one(world):
    await world.start()
    said, _ = await world.ask("hello")
    world.slack.faults.refuse(POST, "restricted_action_thread_locked")
    await world.say("one", said)
    await world.program.logged("delivery.dead")
    await world.ask("two", said)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] one", "[Ada] two"]
    assert [answer.split(" (")[0] for answer in world.answers(said)] == ["You said: hello", "You said: two"]


async def test_an_answer_of_45000_characters_arrives_whole_in_parts_that_slack_takes(world):
    await world.start()
    said = await world.say("[[big:45000]]")
    await world.until_answers(said, 12)
    await world.end()
    stored = [call.args["text"] for call in world.posts()]
    assert max(map(len, stored)) <= 4000
    line = "All work and no play makes Jack a dull boy.\n"
    assert "".join(world.answers(said)) == (line * 1024)[:45000]
    assert {call.args["thread_ts"] for call in world.posts()} == {said.id}


async def test_parts_are_measured_as_slack_counts_them_and_keep_every_character(world):
    await world.start()
    text = "\n\n".join(f"{number}: a < b && b > c, 日本語 🦞 {'&' * 200}" for number in range(60))
    async with stand_in() as agent:
        agent.says(text)
        await world.program.kill()
        await world.start(instance={"base_url": agent.base_url})
        said = await world.say("go")
        await in_time("the last part", world.slack.until(lambda: "".join(world.answers(said)) == text))
    assert max(len(call.args["text"]) for call in world.posts()) <= 4000


async def test_nothing_that_the_agent_writes_pings_anybody_or_makes_a_link_of_its_own(world):
    text = "<!channel> <!here|here> <!everyone> <!subteam^S123|@ops> <@U0000000001> @here @channel &amp; <b> & <https://evil.example|bank>"
    async with stand_in() as agent:
        agent.says(text)
        await world.start(instance={"base_url": agent.base_url})
        said = await world.say("go")
        assert await world.until_answers(said, 1) == [text]
    (post,) = world.posts()
    assert "<" not in post.args["text"]
    assert ">" not in post.args["text"]
    assert not post.args.get("link_names")
    assert post.args.get("parse", "none") == "none"
    assert "&lt;!channel&gt;" in post.args["text"]
    assert "&amp;amp;" in post.args["text"]


async def test_an_answer_in_markdown_is_shown_as_such_and_as_text_alone_if_slack_refuses_it(world):
    markdown = "## Done\n\n- **a**\n- <!channel>\n\n| n | what |\n| --- | --- |\n| 1 | `x` |"
    text = "*Done*\n\n• *a*\n• <!channel>\n\n```\nn  what\n─  ────\n1  x\n```"
    async with stand_in() as agent:
        agent.says(markdown)
        await world.start(instance={"base_url": agent.base_url})
        said = await world.say("go")
        assert await world.until_answers(said, 1) == [markdown]
        world.slack.faults.refuse(POST, "invalid_blocks")
        await world.say("again", said)
        assert await world.until_answers(said, 2) == [markdown, text]
    posted = [world.slack.message(one) for one in world.slack.read(said.thread) if one.by_bot]
    assert [(one.pinged, len(one.blocks)) for one in posted] == [([], 1), ([], 0)]


async def test_a_ping_that_a_person_writes_does_not_come_back_as_one(world):
    await world.start()
    said, answer = await world.ask("tell <!channel> & <!here> about a < b")
    assert answer == "You said: tell @channel & @here about a < b"
    assert world.posts()[0].args["text"] == "You said: tell @channel &amp; @here about a &lt; b"
    assert len(world.answers(said)) == 1


async def test_after_a_blackout_what_was_asked_and_what_was_answered_arrives(world):
    await world.start(bridge={"http": "127.0.0.1:0"})
    world.agent.hold()
    said = await world.say("before")
    await world.agent.wait_for_requests(1)
    world.slack.faults.blackout = True
    world.agent.release()
    await world.program.logged("delivery.retried")
    await in_time("the sockets' end", world.slack.until(lambda: world.slack.sockets.connections() == 0))
    assert (await world.get("/readyz"))[0] == 503
    during = await world.say("during")
    world.slack.faults.blackout = False
    assert await world.until_answers(said, 1) == ["You said: before"]
    assert await world.until_answers(during, 1) == ["You said: during"]
    assert (await world.get("/readyz"))[0] == 200
    await world.end()
    assert (len(world.answers(said)), len(world.answers(during))) == (1, 1)
