from bridge import notices
from bridge.attached import Left


def test_an_agents_own_words_are_part_of_one_sentence() -> None:
    assert notices.failed("rate limit\nreached.") == (
        "The agent could not answer: rate limit reached. Write `!retry` to ask it again, or ask your operator."
    )
    assert notices.failed(None) == "The agent could not answer. Write `!retry` to ask it again, or ask your operator."


def test_an_unfinished_answer_says_why() -> None:
    assert notices.incomplete("max_output_tokens") == (
        "The answer ends here before its end: max_output_tokens. Ask the agent to go on."
    )


def test_files_that_are_not_passed_on_are_named_by_why() -> None:
    left = [Left("a.zip", "no"), Left("b`c`.exe", "too large"), Left("d.zip", "no")]
    assert notices.not_passed_on(left) == "Not passed on to the agent: `a.zip`, `d.zip` (no); `b'c'.exe` (too large)."
