"""What every instance promises, as tests. Subclass `InstanceContract`, give a fixture `instance`, run pytest.

    class TestMyAgent(InstanceContract):
        @pytest.fixture
        async def instance(self) -> AsyncIterator[Instance]:
            ...

An agent that runs elsewhere and remembers its sessions subclasses `RemoteInstanceContract`. Needs pytest-asyncio.
"""

import asyncio
import contextlib
import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from bridge.envelope import Actor, Conversation, Envelope
from bridge.files import File
from bridge.instance import Activity, CanTakeFiles, Ending, Instance, Progress, Step, Turn

PATIENCE = 20.0  # seconds for an agent to answer or to notice that nobody listens any more
EXAMPLES = {"application/pdf": b"%PDF-1.4\n%%EOF\n", "application/json": b"{}"}
_numbers = itertools.count(1)


def turn(prompt: str, *, session: str = "contract-1", continuation: str | None = None) -> Turn:
    """A turn of a person called Ada, with a new message id."""
    number = next(_numbers)
    envelope = Envelope(
        id=f"contract:{number}",
        source="contract",
        actor=Actor(id="contract:ada", display="Ada", type="human"),
        conversation=Conversation(source="contract", ref=f"thread of {session}"),
        text=prompt,
        ts=datetime(2026, 11, 21, tzinfo=UTC),
    )
    return Turn(session=session, envelope=envelope, prompt=f"[Ada] {prompt}", continuation=continuation)


async def ask(instance: Instance, question: Turn) -> list[Step]:
    """Everything that the instance yields for one turn."""
    async with asyncio.timeout(PATIENCE):
        return [step async for step in instance.run(question)]


def texts(steps: list[Step]) -> str:
    """What people would read in the thread."""
    return "\n".join(step.text for step in steps if isinstance(step, Envelope))


def ending(steps: list[Step]) -> Ending:
    """The last step, which has to be the ending."""
    last = steps[-1]
    assert isinstance(last, Ending), f"the last step is no Ending: {last!r}"
    return last


@pytest.mark.asyncio
class InstanceContract:
    """The promises of `Instance.run`. `greeting` has to be answered with some text."""

    greeting: ClassVar[str] = "hello"

    async def test_a_turn_yields_progress_then_replies_then_files_then_one_ending(self, instance: Instance) -> None:
        """The order of the steps."""
        kinds = [type(step) for step in await ask(instance, turn(self.greeting))]
        order: dict[type[Step], int] = {Progress: 0, Activity: 0, Envelope: 1, File: 2, Ending: 3}
        assert kinds == sorted(kinds, key=lambda kind: order[kind])
        assert kinds.count(Ending) == 1
        assert kinds.count(Envelope) >= 1

    async def test_a_greeting_is_completed(self, instance: Instance) -> None:
        """The outcome of a turn that went well."""
        assert ending(await ask(instance, turn(self.greeting))).outcome == "completed"

    async def test_a_reply_is_a_message_of_an_agent_in_the_conversation_of_the_turn(self, instance: Instance) -> None:
        """The fields of a reply."""
        question = turn(self.greeting)
        replies = [step for step in await ask(instance, question) if isinstance(step, Envelope)]
        for reply in replies:
            assert reply.conversation == question.envelope.conversation
            assert (reply.kind, reply.actor.type) == ("message", "agent")
            assert reply.actor.id.startswith(f"{reply.source}:")
            assert reply.text.strip()

    async def test_two_turns_have_replies_of_different_ids(self, instance: Instance) -> None:
        """Equal ids in one session would be the same message."""
        steps = [step for _ in range(2) for step in await ask(instance, turn(self.greeting))]
        ids = [step.id for step in steps if isinstance(step, Envelope)]
        assert len(set(ids)) == len(ids)

    async def test_progress_grows(self, instance: Instance) -> None:
        """Each text so far is longer than the one before."""
        lengths = [len(step.text) for step in await ask(instance, turn(self.greeting)) if isinstance(step, Progress)]
        assert lengths == sorted(set(lengths))

    async def test_sessions_are_answered_at_the_same_time(self, instance: Instance) -> None:
        """No turn waits for another session's."""
        questions = [turn(self.greeting, session=f"contract-many-{number}") for number in range(5)]
        answers = await asyncio.gather(*(ask(instance, question) for question in questions))
        for question, steps in zip(questions, answers, strict=True):
            refs = {step.conversation.ref for step in steps if isinstance(step, Envelope)}
            assert refs == {question.envelope.conversation.ref}

    async def test_files_of_each_type_that_it_takes_come_with_a_message(self, instance: Instance) -> None:
        """All at once, and none that it says it takes is refused."""
        if not isinstance(instance, CanTakeFiles):
            pytest.skip("this instance takes no files")
        types = [each.replace("*", "x-contract") for each in instance.takes.types]
        files = [File(f"file {number}", each, EXAMPLES.get(each, b"a word")) for number, each in enumerate(types)]
        question = turn(self.greeting, session="contract-files")
        assert ending(await ask(instance, replace(question, files=files))).outcome == "completed"

    async def test_closing_a_turn_leaves_the_instance_usable(self, instance: Instance) -> None:
        """Hanging up after the first step does not harm the next turn."""
        async with asyncio.timeout(PATIENCE):
            steps = instance.run(turn(self.greeting, session="contract-closed"))
            await anext(steps)
            await steps.aclose()
        assert texts(await ask(instance, turn(self.greeting)))


@pytest.mark.asyncio
class RemoteInstanceContract(InstanceContract):
    """The promises of an agent that runs elsewhere and remembers what a session said.

    `recall` makes it repeat what was said in the session before; `hanging` keeps it busy until it is hung up on.
    """

    recall: ClassVar[str]
    hanging: ClassVar[str]

    async def is_busy(self) -> None:
        """Returns once the agent works on the `hanging` message. To be overridden."""
        raise AssertionError("override is_busy")

    async def was_hung_up_on(self) -> None:
        """Returns once the agent noticed that nobody waits for it any more. To be overridden."""
        raise AssertionError("override was_hung_up_on")

    async def test_a_session_remembers_and_another_one_does_not_know(self, instance: Instance) -> None:
        """The continuation of each turn leads on in its own session."""
        first = ending(await ask(instance, turn("the word is albatross", session="contract-a")))
        second = ending(await ask(instance, turn("the word is bandicoot", session="contract-b")))
        recalled_first = texts(
            await ask(instance, turn(self.recall, session="contract-a", continuation=first.continuation))
        )
        recalled_second = texts(
            await ask(instance, turn(self.recall, session="contract-b", continuation=second.continuation))
        )
        assert ("albatross" in recalled_first, "bandicoot" in recalled_first) == (True, False)
        assert ("albatross" in recalled_second, "bandicoot" in recalled_second) == (False, True)

    async def test_a_third_turn_still_remembers_the_first(self, instance: Instance) -> None:
        """Continuations make a chain."""
        continuation = None
        for word in ("cormorant", "dugong"):
            steps = await ask(instance, turn(word, session="contract-chain", continuation=continuation))
            continuation = ending(steps).continuation
        recalled = texts(await ask(instance, turn(self.recall, session="contract-chain", continuation=continuation)))
        assert "cormorant" in recalled
        assert "dugong" in recalled

    async def test_cancelling_a_turn_hangs_up_on_the_agent(self, instance: Instance) -> None:
        """As the core does when a person says stop."""
        question = turn(self.hanging, session="contract-cancelled")
        task = asyncio.create_task(ask(instance, question))
        async with asyncio.timeout(PATIENCE):
            await self.is_busy()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self.was_hung_up_on()
        assert texts(await ask(instance, turn(self.greeting, session="contract-after")))
