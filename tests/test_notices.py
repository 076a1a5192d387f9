from typing import get_args

import pytest

from bridge import notices
from bridge.attached import Left
from bridge.errors import Interruption


def test_an_agents_own_words_are_part_of_one_sentence() -> None:
    assert notices.failed("rate limit\nreached.") == (
        "The agent could not answer: rate limit reached. Write `!retry` to ask it again, or ask your operator."
    )
    assert notices.failed(None) == "The agent could not answer. Write `!retry` to ask it again, or ask your operator."


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("max_output_tokens", "The answer ends here because it became too long for the agent. Ask it to go on."),
        (
            "content_filter",
            "The answer ends here because a content filter stopped the agent. Put the question differently.",
        ),
        ("cancelled", "The answer ends here because the agent was stopped. Write `!retry` to ask it again."),
        ("the moon", "The answer ends here before its end: the moon. Ask the agent to go on."),
        (None, "The answer ends here before its end. Ask the agent to go on."),
    ],
)
def test_an_unfinished_answer_says_why_and_what_to_do(reason: str | None, sentence: str) -> None:
    assert notices.incomplete(reason) == sentence


def test_every_interruption_has_its_own_words() -> None:
    said = {sentence(why) for sentence in (notices.unknown, notices.dropped) for why in get_args(Interruption)}
    assert len(said) == 2 * len(get_args(Interruption))
    assert all("`!retry`" in one for one in said)


def test_files_that_are_not_passed_on_are_named_by_why() -> None:
    left = [Left("a.zip", "no"), Left("b`c`.exe", "too large"), Left("d.zip", "no")]
    assert notices.not_passed_on(left) == "Not passed on to the agent: `a.zip`, `d.zip` (no); `b'c'.exe` (too large)."
