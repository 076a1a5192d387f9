"""What people in a thread have of an agent that runs on a real OpenClaw."""

import base64

import pytest

from adapters.slack.simulator import SharedFile
from bridge.demo.instance_agent import IMAGE, agent
from tests.journeys.program import in_time

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

PNG = base64.b64decode(IMAGE)
SLOW = "[[drip:40:0.2]]"  # a word every fifth of a second, for eight seconds


async def test_a_thread_is_known_to_the_agent_and_to_no_other_thread(world):
    await world.start()
    pears, _ = await world.ask("my pears are green")
    plums, answer = await world.ask("what did I say?")
    assert answer == "You have not said anything before."
    await world.ask("my plums are blue", plums, person="Bo")
    await world.program.kill()
    await world.restart()
    _, answer = await world.ask("what did I say?", pears)
    assert answer == "Before this you said:\n1. my pears are green"
    _, answer = await world.ask("what did I say?", plums)
    assert answer == "Before this you said:\n1. what did I say?\n2. my plums are blue"
    await world.end()
    assert world.inputs()[:3] == ["[Ada] my pears are green", "[Ada] what did I say?", "[Bo] my plums are blue"]
    assert len(world.agent.requests) == 5


@pytest.mark.parametrize("streaming", ["edits", "native"])
async def test_an_answer_grows_in_the_thread_and_ends_with_the_exact_text(world, streaming):
    seen = []
    world.channel_options = {"streaming": streaming}
    await world.start()
    world.platform.watch(lambda said: seen.append(said.text.removesuffix(" …")) if said.by_bot else None)
    said = await world.say(SLOW)
    whole = f"You said: {SLOW}" + "".join(f" w{number}" for number in range(40))
    await in_time("the whole answer", world.platform.until(lambda: world.answers(said) == [whole]), world.patience)
    await world.end()
    assert world.answers(said) == [whole]
    assert all(whole.startswith(text) for text in seen)
    assert len({len(text) for text in seen}) >= 3


async def test_an_answer_that_is_not_streamed_is_the_same(world):
    await world.start(instance={"stream": False})
    said, _ = await world.ask("hello")
    await world.ask("recall", said)
    await world.end()
    assert world.answers(said) == ["You said: hello", "Before this you said:\n1. hello"]


async def test_an_image_and_a_document_reach_the_model(world):
    await world.start()
    files = [SharedFile("dot.png", PNG, "image/png"), SharedFile("notes.md", b"# Quinces\n", "text/markdown")]
    said = world.slack.say_in("Ada", "look", mention=True, files=files)
    (answer,) = await world.until_answers(said, 1)
    await world.end()
    (request,) = world.agent.requests
    assert [image.media_type for image in request.images] == ["image/png"]
    assert "# Quinces" in request.everything
    assert answer.startswith("You said: look\n(attached: dot.png, image/png)\n(attached: notes.md, text/markdown)")


async def test_a_long_answer_comes_whole_as_several_messages(world):
    await world.start()
    lines = agent("[[big:20000]]", []).text.splitlines()

    def shown():
        return [line for answer in world.answers(said) for line in answer.splitlines() if line]

    said = await world.say("[[big:20000]]")
    await in_time("the whole answer", world.platform.until(lambda: shown() == lines), world.patience)
    await world.end()
    assert shown() == lines
    assert len(world.answers(said)) > 1


async def test_an_answer_that_became_too_long_for_the_model_is_said_to_be_incomplete(world):
    await world.start()
    said = await world.say("go on and on [[length]]")
    answer, notice = await world.until_answers(said, 2)
    await world.end()
    assert answer.startswith("You said: go on and on [[length]]")
    assert notice == "The answer ends here because it became too long for the agent. Ask it to go on."
