"""Two real bridges on one PostgreSQL: nothing twice, nothing lost, whatever happens to one of them or between them."""

import asyncio
import shutil
import subprocess

import pytest

from bridge import notices
from tests.journeys.program import in_time
from tests.journeys.test_app_commands import told
from tests.journeys.test_feedback import press, whispers
from tests.journeys.test_handles import with_button
from tests.journeys.test_preview import SLOW

WRITING = {
    "chat.postMessage", "chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream",
    "messages.create", "message.edit",
}  # fmt: skip


async def test_what_both_are_told_is_answered_once(cluster):
    await cluster.start()
    threads = [await cluster.say(f"hello {number}") for number in range(6)]
    for thread in threads:
        await cluster.until_shown(thread, 1)
    await cluster.platform.redeliver()
    for number, thread in enumerate(threads):
        assert (await cluster.ask("and again", thread))[1].startswith("You said: and again"), number
    await cluster.settled()
    await cluster.end()
    assert [len(cluster.shown(thread)) for thread in threads] == [2] * 6
    assert cluster.agent.received == 12
    assert len(cluster.sessions()) == 6
    assert len(cluster.events("turn.accepted")) == 12


async def test_what_is_said_in_one_thread_is_answered_in_its_order_whoever_answers(cluster):
    await cluster.start()
    cluster.agent.hold()
    thread = await cluster.say("number 0")
    for number in range(1, 6):
        await cluster.settled()
        await cluster.say(f"number {number}", thread)
    cluster.agent.release()
    await cluster.until_shown(thread, 6)
    await cluster.end()
    assert cluster.world.inputs() == [f"[Ada] number {number}" for number in range(6)]
    assert cluster.agent.overlaps == 0


async def test_both_take_part_in_the_work_and_the_agent_is_given_no_more_at_once_than_it_takes(cluster):
    await cluster.start(instance={"concurrency": 4})
    await cluster.acquainted()
    cluster.agent.hold()
    threads = [await cluster.say(f"hello {number}") for number in range(6)]
    await cluster.asked(4)
    await cluster.settled()
    working = [await cluster.worker(request.session) for request in cluster.agent.requests]
    assert sorted(working) == [0, 0, 1, 1]
    cluster.agent.release()
    for thread in threads:
        await cluster.until_shown(thread, 1)
    assert cluster.agent.received == 6


@pytest.mark.parametrize(("cluster", "on_unknown"), [("slack", "ask"), ("discord", "retry")], indirect=["cluster"])
async def test_one_is_killed_while_its_agent_works_and_the_other_takes_over(cluster, on_unknown):
    await cluster.start(instance={"on_unknown": on_unknown})
    thread, _ = await cluster.ask("hello")
    cluster.agent.hold()
    await cluster.say("dangerous work", thread)
    await cluster.asked(2)
    worker = await cluster.worker_in(thread)
    await cluster.kill(worker)
    cluster.agent.release()
    shown = await cluster.until_shown(thread, 2)
    if on_unknown == "ask":
        assert "nobody knows whether it finished" in shown[1]
    else:
        assert shown[1].startswith("You said: dangerous work")
    assert (await cluster.ask("then again", thread))[1].startswith("You said: then again")
    await cluster.end()
    assert len(cluster.shown(thread)) == 3
    assert cluster.agent.received == (3 if on_unknown == "ask" else 4)


async def test_what_waited_behind_the_work_of_the_killed_one_is_answered_by_the_other(cluster):
    await cluster.start()
    cluster.agent.hold()
    thread = await cluster.say("dangerous work")
    await cluster.asked(1)
    await cluster.say("and then this", thread)
    await cluster.settled()
    await cluster.kill(await cluster.worker_in(thread))
    cluster.agent.release()
    notice, answer = await cluster.until_shown(thread, 2)
    assert "nobody knows whether it finished" in notice
    assert answer.startswith("You said: and then this")


async def test_an_answer_that_the_killed_one_did_not_post_is_posted_by_the_other_once(cluster):
    await cluster.start()
    cluster.platform.refuse_posts(True)
    thread = await cluster.say("hello")
    await cluster.world.until_posts(1)
    for number in range(2):
        await cluster.kill(number)
        cluster.platform.refuse_posts(number == 0)
        if number == 0:
            await cluster.restart(0)
    assert (await cluster.until_shown(thread, 1))[0].startswith("You said: hello")
    await cluster.end()
    assert cluster.agent.received == 1
    assert len(cluster.shown(thread)) == 1


async def test_one_is_stopped_in_the_middle_of_an_answer_and_posts_and_writes_nothing_once_it_wakes(cluster):
    await cluster.start()
    thread, _ = await cluster.ask("hello")
    cluster.agent.hold()
    await cluster.say("dangerous work", thread)
    await cluster.asked(2)
    worker = await cluster.worker_in(thread)
    await cluster.stop(worker)
    cluster.agent.release()
    notice = (await cluster.until_shown(thread, 2))[1]
    assert "nobody knows whether it finished" in notice
    posts = len(cluster.world.posts())
    cluster.go_on(worker)
    await cluster.worlds[worker].program.logged("turn.lost")
    assert (await cluster.ask("then again", thread))[1].startswith("You said: then again")
    await cluster.end()
    assert cluster.shown(thread)[1] == notice
    assert len(cluster.shown(thread)) == 3
    assert len(cluster.world.posts()) == posts + 1
    assert cluster.agent.received == 3


async def test_one_is_stopped_while_its_answer_grows_and_touches_nothing_of_it_once_it_wakes(cluster):
    await cluster.start(instance={"on_unknown": "retry"})
    thread, _ = await cluster.ask("hello")
    await cluster.say(SLOW, thread)
    await cluster.until_shown(thread, 2)
    worker = await cluster.worker_in(thread)
    await cluster.stop(worker)
    await cluster.until("the other's whole answer", thread, lambda shown: shown[1].endswith(" w59"))
    await cluster.all_done()
    calls, shown = writing(cluster.platform.calls), cluster.shown(thread)
    cluster.go_on(worker)
    await cluster.worlds[worker].program.logged("turn.lost")
    assert writing(cluster.platform.calls) == calls
    await cluster.ask("and now?", thread)
    await cluster.end()
    assert cluster.shown(thread)[:-1] == shown
    assert len(shown) == 2
    assert cluster.agent.received == 4


def writing(calls):
    """Those that change what stands in a thread."""
    names = [getattr(call, "name", call.method) for call in calls]
    return [name for name in names if name in WRITING]


async def test_one_is_stopped_while_it_posts_and_the_other_finds_what_it_posted(cluster):
    await cluster.start()
    cluster.platform.faults.delay(cluster.world.posting, 8)
    thread = await cluster.say("hello")
    await cluster.until_shown(thread, 1)
    poster = await cluster.poster_in(thread)
    await cluster.stop(poster)
    (sent,) = await cluster.worlds[1 - poster].program.logged("delivery.sent")
    assert sent["found"] is True
    await cluster.all_done()
    cluster.go_on(poster)
    await cluster.worlds[poster].program.logged("delivery.lost")
    await cluster.ask("and now?", thread)
    await cluster.end()
    assert len(cluster.shown(thread)) == 2
    assert len(cluster.world.posts()) == 2


async def test_what_is_said_while_one_is_stopped_is_answered_by_the_other_once(cluster):
    await cluster.start()
    await cluster.stop(0)
    threads = [await cluster.say(f"hello {number}") for number in range(4)]
    for thread in threads:
        await cluster.until_shown(thread, 1)
    cluster.go_on(0)
    await cluster.settled()
    await cluster.end()
    assert [len(cluster.shown(thread)) for thread in threads] == [1] * 4
    assert cluster.agent.received == 4


@pytest.mark.parametrize(("cluster", "how"), [("slack", "cut"), ("discord", "frozen")], indirect=["cluster"])
async def test_one_that_does_not_reach_the_database_stops_working_and_goes_on_after_it_is_mended(cluster, how):
    await cluster.start()
    await cluster.acquainted()
    thread, _ = await cluster.ask("hello")
    cluster.agent.hold()
    await cluster.say("dangerous work", thread)
    await cluster.asked(2)
    worker = await cluster.worker_in(thread)
    other = 1 - worker
    if how == "cut":
        cluster.cut(worker)
    else:
        cluster.freeze(worker)
    notice = (await cluster.until_shown(thread, 2))[1]
    assert "nobody knows whether it finished" in notice
    await cluster.say("and then this", thread)
    await cluster.asked(3)
    cluster.agent.release()
    assert (await cluster.until_shown(thread, 3))[2].startswith("You said: and then this")
    for number in range(3):
        said = f"while it is {how} {number}"
        assert (await cluster.ask(said, thread))[1].startswith(f"You said: {said}")
    await cluster.mend(worker)
    await cluster.worlds[worker].program.logged("turn.lost")
    await cluster.settled()
    await cluster.worlds[other].end()
    assert (await cluster.ask("and alone?", thread))[1].startswith("You said: and alone?")
    await cluster.end()
    assert len(cluster.shown(thread)) == 7
    assert (cluster.agent.received, cluster.agent.overlaps) == (7, 0), cluster.logs()


async def test_while_neither_reaches_the_database_nothing_is_lost_and_nothing_answered_twice(cluster):
    await cluster.start(instance={"on_unknown": "retry"})
    thread, _ = await cluster.ask("hello")
    for number in range(2):
        cluster.cut(number)
    others = [await cluster.say(f"into the dark {number}") for number in range(3)]
    for number in range(2):
        await cluster.worlds[number].program.logged("turn.not_accepted")
        await cluster.mend(number)
    for other in others:
        await cluster.until_shown(other, 1)
    await cluster.ask("and now?", thread)
    await cluster.settled()
    await cluster.end()
    assert [len(cluster.shown(other)) for other in (thread, *others)] == [2, 1, 1, 1]


@pytest.mark.parametrize(("cluster", "how"), [("slack", "immediate"), ("discord", "fast")], indirect=["cluster"])
async def test_the_database_is_restarted_under_both_and_nothing_is_lost_or_done_twice(cluster, postgresql, how):
    await cluster.start()
    thread, _ = await cluster.ask("hello")
    cluster.agent.hold()
    await cluster.say("long work", thread)
    await cluster.asked(2)
    await cluster.settled()
    await asyncio.to_thread(postgresql.restart, how)
    cluster.agent.release()
    assert (await cluster.until_shown(thread, 2))[1].startswith("You said: long work")
    others = [await cluster.say(f"hello again {number}") for number in range(3)]
    for other in others:
        await cluster.until_shown(other, 1)
    await cluster.end()
    assert len(cluster.shown(thread)) == 2
    assert cluster.agent.received == 5


async def test_a_turn_is_stopped_wherever_it_runs_and_a_command_is_answered_once(cluster):
    await cluster.start({"session": "room"})
    for _ in range(2):
        thread = await cluster.say("[[drip:500:0.2]] a long story")
        await cluster.until_shown(thread, 1)
        assert (await told(cluster.world, "status")).startswith("The agent has been working on a message for ")
        assert await told(cluster.world, "stop") == notices.WILL_STOP
        await cluster.until("the end of it", thread, lambda shown: shown[-1] == notices.STOPPED)
    await cluster.end()
    assert len(cluster.platform.whispers("Ada")) == 4
    assert answered_twice(cluster) == []


def answered_twice(cluster):
    """Discord tells every connection of a press or a command; only one may answer."""
    return [call for call in cluster.platform.calls if getattr(call, "code", 0) == 40060]


async def test_a_button_that_both_are_told_of_is_pressed_once(cluster):
    for world in cluster.worlds if cluster.platform.source == "slack" else ():
        world.channel_options["streaming"] = "edits"
    await cluster.start()
    for asked in range(1, 4):
        thread = await cluster.say("[[drip:400:0.2]] a long story")
        await press(cluster.world, "Ada", await with_button(cluster.world, thread, "Stop"), "Stop")
        again = await with_button(cluster.world, thread, "Ask again")
        before = len(cluster.platform.whispers("Ada"))
        await press(cluster.world, "Ada", again, "Ask again")
        assert (await whispers(cluster.world, "Ada", before + 1))[-1] == notices.ASKED_AGAIN
        await cluster.asked(2 * asked)
        await cluster.say("!stop", thread)
        await cluster.until("the end of it", thread, lambda shown: shown.count(notices.STOPPED) == 2)
    await cluster.end()
    assert answered_twice(cluster) == []
    assert cluster.agent.received == 6


async def test_one_is_replaced_while_people_go_on_writing(cluster):
    await cluster.start()
    thread, _ = await cluster.ask("hello")
    for number in range(2):
        await cluster.worlds[number].end()
        assert (await cluster.ask(f"without {number}", thread))[1].startswith(f"You said: without {number}")
        await cluster.restart(number)
        assert (await cluster.ask(f"with both {number}", thread))[1].startswith(f"You said: with both {number}")
    await cluster.end()
    assert len(cluster.shown(thread)) == 5
    assert cluster.agent.received == 5


@pytest.mark.parametrize("platform", ["slack"])
async def test_three_that_start_at_once_on_an_empty_database_prepare_it_once(make_cluster, platform):
    cluster = await make_cluster(platform, 3, empty=True)
    await cluster.start_together()
    threads = [await cluster.say(f"hello {number}") for number in range(3)]
    for thread in threads:
        await cluster.until_shown(thread, 1)
    await cluster.end()


async def test_many_crashes_of_either_leave_every_thread_answered_exactly_once_in_order(cluster):
    await cluster.start(instance={"on_unknown": "retry"})
    threads = [await cluster.say(f"thread {number}") for number in range(4)]
    for crash in range(4):
        await cluster.taken(4 * (crash + 1))  # what only a dead one had heard may come behind what was said later
        await cluster.kill(crash % 2)
        for thread in threads:
            await cluster.say(f"after crash {crash} [[sleep:0.01]]", thread)
        await cluster.restart(crash % 2)
    for thread in threads:
        await cluster.until_shown(thread, 5)
    await cluster.settled()
    await cluster.end()
    for number, thread in enumerate(threads):
        texts = [answer.removeprefix("You said: ").split(" (")[0] for answer in cluster.shown(thread)]
        assert texts == [f"thread {number}", *(f"after crash {crash} [[sleep:0.01]]" for crash in range(4))]


async def test_one_only_receives_and_the_other_only_works(cluster):
    cluster.configure()
    receives, works = (world.program for world in cluster.worlds)
    await works.start("--only", "work")
    await works.logged("bridge.started")
    await receives.start("--only", "channels")
    await receives.logged("channel.connected")
    await in_time("the connection", cluster.platform.connected())
    thread, answer = await cluster.ask("hello")
    assert answer.startswith("You said: hello")
    assert (await cluster.ask("!status", thread))[1].startswith("Nothing is being worked on")
    assert (await cluster.ask("and again", thread))[1].startswith("You said: and again")
    assert cluster.platform.connections() == 1
    assert await receives.terminate() == 0
    assert await works.terminate() == 0
    assert (len(receives.events("turn.ended")), len(works.events("turn.ended"))) == (0, 2)
    assert (len(receives.events("turn.accepted")), len(works.events("turn.accepted"))) == (2, 0)


def with_clock(ahead):
    """What the environment of a program has to hold for it to see another time of day."""
    asked = ["faketime", "--exclude-monotonic", "-f", ahead, "env"]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith(("FAKETIME=", "FAKETIME_DONT", "LD_PRELOAD=")))


@pytest.mark.parametrize("cluster", ["discord"], indirect=True)
@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs faketime: apt-get install faketime")
async def test_clocks_that_differ_by_minutes_do_no_harm(cluster):
    for world, ahead in zip(cluster.worlds, ("+7m", "-7m"), strict=True):
        world.program.environment |= with_clock(ahead)
        world.program.forked = False
    await cluster.start(instance={"on_unknown": "retry"})
    thread, _ = await cluster.ask("hello")
    cluster.agent.hold()
    await cluster.say("and again", thread)
    await cluster.asked(2)
    await cluster.kill(await cluster.worker_in(thread))
    cluster.agent.release()
    shown = await cluster.until_shown(thread, 2)
    assert shown[1].startswith("You said: and again")
    await cluster.platform.redeliver()
    await cluster.settled()
    assert len(cluster.shown(thread)) == 2
