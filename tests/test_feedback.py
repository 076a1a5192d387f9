"""The buttons under an answer: whose turn they name, and nothing that others made up."""

import pytest

from bridge import feedback


def test_a_button_names_its_turn_and_what_is_said_of_it() -> None:
    good, bad = feedback.buttons(7)
    assert [feedback.read(button.id) for button in (good, bad)] == [(7, "good"), (7, "bad")]
    assert [button.says for button in (good, bad)] == ["good", "bad"]


def test_the_longest_id_is_within_what_every_platform_takes() -> None:
    assert max(len(button.id) for button in feedback.buttons(2**63 - 1)) <= 100


@pytest.mark.parametrize(
    "text", ["", "feedback", "feedback/fine/7", "feedback/good/", "feedback/good/-1", "feedback/good/7 ",
             "feedback/good/٧", "xfeedback/good/7", "feedback/good/" + "9" * 19, "feedback/good/7\n"],
)  # fmt: skip
def test_what_is_no_id_of_these_buttons_is_nothing(text: str) -> None:
    assert feedback.read(text) is None
