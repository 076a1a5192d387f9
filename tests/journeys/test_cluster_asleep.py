"""Two real bridges on one PostgreSQL: one sleeps, and wakes while its agent still writes."""

from tests.journeys.test_preview import SLOW


async def test_one_is_stopped_while_its_answer_grows_and_does_not_write_over_what_is_said_of_it_meanwhile(cluster):
    await cluster.start()
    thread = await cluster.say("[[drip:150:0.1]]")
    await cluster.until("more of the answer", thread, lambda shown: bool(shown) and " w40" in shown[0])
    worker = await cluster.worker_in(thread)
    await cluster.stop(worker)
    await cluster.until("the notice", thread, lambda shown: "nobody knows whether it finished" in shown[-1])
    await cluster.all_done()
    shown = cluster.shown(thread)
    cluster.go_on(worker)
    await cluster.worlds[worker].program.logged("turn.lost")
    await cluster.end()
    assert cluster.shown(thread) == shown


async def test_one_is_stopped_before_its_answer_grows_and_shows_nothing_of_it_once_it_wakes(cluster):
    await cluster.start()
    thread, _ = await cluster.ask("hello")
    cluster.agent.hold()
    await cluster.say(SLOW, thread)
    await cluster.asked(2)
    worker = await cluster.worker_in(thread)
    await cluster.stop(worker)
    shown = await cluster.until_shown(thread, 2)
    await cluster.all_done()
    cluster.go_on(worker)
    cluster.agent.release()
    await cluster.worlds[worker].program.logged("turn.lost")
    await cluster.end()
    assert cluster.shown(thread) == shown
