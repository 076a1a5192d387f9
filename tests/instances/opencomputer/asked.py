"""What an instance of OpenComputer is asked, in one session."""

from collections.abc import Callable

from bridge.instance import Step, Turn
from bridge.instances.opencomputer import OpenComputerInstance
from bridge.testing.instance_contract import ending, turn

SESSION = "slack-t1-c1-17.5"
Make = Callable[..., OpenComputerInstance]


def next_turn(text: str, before: list[Step] | None = None) -> Turn:
    return turn(text, session=SESSION, continuation=ending(before).continuation if before else None)
