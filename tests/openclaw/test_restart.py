"""The gateway ends in the middle, well or badly, and comes back."""

import asyncio
import signal

import pytest

from tests.journeys.program import eventually, in_time

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

WAITS = "The agent cannot be reached at the moment. Your message waits and is answered as soon as it is back."


async def test_what_is_said_while_the_gateway_is_away_waits_and_the_session_goes_on(world):
    await world.start()
    known, _ = await world.ask("my pears are green")
    await world.gateway.end()
    _, notice = await world.ask("what did I say?", known)
    new, new_notice = await world.ask("is anybody there?")
    assert (notice, new_notice) == (WAITS, WAITS)
    await world.gateway.start()
    assert (await world.until_answers(known, 3))[2] == "Before this you said:\n1. my pears are green"
    assert (await world.until_answers(new, 2))[1] == "You said: is anybody there?"
    await world.end()
    assert (len(world.answers(known)), len(world.answers(new))) == (3, 2)
    assert len(world.agent.requests) == 3


async def test_a_gateway_that_is_told_to_end_finishes_what_runs_and_what_comes_then_waits(world):
    await world.start()
    world.model.hold()
    running = await world.say("the last one")
    await in_time("the turn", world.model.until(lambda model: model.running == 1), world.patience)
    ending = asyncio.create_task(world.gateway.end())

    async def draining() -> bool | None:
        return None if await world.gateway.ready() else True

    await eventually("the drain", draining)
    late = await world.say("one more")
    await world.program.logged("turn.waits")
    world.model.release()
    await ending
    await world.gateway.start()
    assert (await world.until_answers(late, 1))[-1] in {WAITS, "You said: one more"}
    await in_time(
        "both answers",
        world.platform.until(lambda: world.answers(late)[-1] == "You said: one more" and bool(world.answers(running))),
        world.patience,
    )
    await world.end()
    assert world.answers(running) == ["You said: the last one"]
    assert len(world.agent.requests) == 2


async def test_a_turn_that_was_cut_off_is_said_to_be_unknown_and_the_thread_goes_on(world):
    await world.start()
    world.model.hold()
    said = await world.say("transfer the money")
    await in_time("the turn", world.model.until(lambda model: model.running == 1), world.patience)
    await world.gateway.end(signal.SIGKILL)
    (notice,) = await world.until_answers(said, 1)
    assert "nobody knows whether it finished" in notice
    world.model.release()
    await world.gateway.start()
    _, answer = await world.ask("what did I say?", said)
    await world.end()
    assert answer == "Before this you said:\n1. transfer the money"
    assert world.answers(said) == [notice, answer]
