"""The echo: the contract, and what it says."""

import dataclasses

import pytest

from bridge.envelope import Envelope
from bridge.instance import Ending, InstanceSettings
from bridge.instances.echo import EchoInstance
from bridge.testing.instance_contract import InstanceContract, ask, texts, turn


class TestEcho(InstanceContract):
    @pytest.fixture
    def instance(self) -> EchoInstance:
        return EchoInstance.create("main", InstanceSettings(type="echo"))


async def test_it_answers_with_the_message_alone_not_with_the_prompt() -> None:
    steps = await ask(EchoInstance("main"), turn("hello *there* 🦞"))
    assert texts(steps) == "hello *there* 🦞"
    assert steps[-1] == Ending("completed")


async def test_a_blank_message_is_answered_with_the_prompt() -> None:
    question = turn("  ")
    steps = await ask(EchoInstance("main"), dataclasses.replace(question, prompt="(a file)"))
    assert texts(steps) == "(a file)"


async def test_asking_again_gives_the_same_reply_id() -> None:
    question = turn("hello")
    ids = [
        step.id for _ in range(2) for step in await ask(EchoInstance("main"), question) if isinstance(step, Envelope)
    ]
    assert ids == [f"echo:{question.envelope.id}"] * 2
    assert EchoInstance.repeatable
