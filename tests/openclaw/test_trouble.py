"""What a person sees when something is wrong between the bridge, OpenClaw and its model."""

import pytest

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

FAILING = [*(f"[[http:{code}]]" for code in (400, 404, 429, 500, 503)), "[[empty]]", "[[silent]]"]
"""What a model does that OpenClaw makes a failure of, some of it after many attempts."""
LONGEST = 350
"""Seconds of silence: at a 429 OpenClaw 2026.9.6 asks ten times in two and a half minutes, on a busy machine in three."""


async def test_a_wrong_token_is_said_and_what_was_asked_can_be_asked_again(world):
    world.program.environment["AGENT_KEY"] = "wrong-token"
    await world.start()
    said, notice = await world.ask("hello")
    assert "does not accept the key of [instances.main]: check api_key" in notice
    await world.end()
    assert world.agent.requests == []
    assert "wrong-token" not in notice + world.program.text()
    world.program.environment["AGENT_KEY"] = world.agent.api_key
    await world.restart()
    _, answer = await world.ask("!retry", said)
    assert answer == "You said: hello"
    await world.end()


async def test_a_failure_of_the_model_is_said_in_one_sentence_and_the_thread_goes_on(world):
    await world.start(instance={"timeout": LONGEST})
    threads = [await world.say(text) for text in FAILING]
    for thread in threads:
        (notice,) = await world.until_answers(thread, 1)
        assert notice.startswith("The agent could not answer: ")
        assert notice.endswith(" Write `!retry` to ask it again, or ask your operator.")
        assert "\n" not in notice
    for thread in threads:
        _, answer = await world.ask("are you well again?", thread)
        assert answer == "You said: are you well again? (message 2 of this session)"
    await world.end()
