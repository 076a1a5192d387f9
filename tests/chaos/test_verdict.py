"""Every way in which a thread can differ from what it should be, and how it is counted."""

import pytest

from bridge import notices
from tests.chaos.people import Question, words_in
from tests.chaos.verdict import Stored, Verdict, verdict

FIRST = Question(number=1, platform="p", thread="t", id="m1", words=1)
LONG = Question(number=2, platform="p", thread="t", id="m2", words=3)
ELSEWHERE = Question(number=3, platform="p", thread="u", id="m3", words=1)
QUESTIONS = (FIRST, LONG, ELSEWHERE)
ANSWERED = (Stored(1, "answered"), Stored(2, "answered"), Stored(3, "answered"))
WHOLE = ("You said: #1.1", "You said: #2.1 #2.2", "#2.3", "You said: #3.1")


def judge(*in_t: str, in_u: tuple[str, ...] = WHOLE[3:], stored: tuple[Stored, ...] = ANSWERED) -> Verdict:
    return verdict(QUESTIONS, stored, {("p", "t"): in_t, ("p", "u"): in_u}, {1: 1, 2: 1, 3: 1})


def counts(found: Verdict) -> dict[str, int]:
    return {name: count for name, count in found.broken().items() if count}


def test_words_are_found_in_any_text() -> None:
    assert words_in("You said: #12.1 and #12.2 [[cut]]") == [(12, 1), (12, 2)]


def test_everything_answered_once_and_in_order_is_kept() -> None:
    found = judge(*WHOLE[:3])
    assert (found.said, found.accepted, found.answered, found.kept) == (3, 3, 3, True)


@pytest.mark.parametrize(
    ("in_t", "broken"),
    [
        (WHOLE[1:3], {"lost": 1}),
        (WHOLE[:2], {"lost": 1}),
        ((*WHOLE[:3], WHOLE[0]), {"answered twice": 1}),
        ((*WHOLE[:3], WHOLE[2]), {"answered twice": 1}),
        ((WHOLE[1], WHOLE[2], WHOLE[0]), {"out of order": 1}),
        ((WHOLE[0], WHOLE[2], WHOLE[1]), {"out of order": 1}),
        ((*WHOLE[:3], notices.unknown()), {"answered twice": 1}),
    ],
    ids=[
        "an_answer",
        "a_part",
        "an_answer_twice",
        "a_part_twice",
        "answers_swapped",
        "parts_swapped",
        "a_false_notice",
    ],
)
def test_what_a_thread_shows_wrongly_is_counted(in_t: tuple[str, ...], broken: dict[str, int]) -> None:
    assert counts(judge(*in_t)) == broken


DRIPPED = Question(number=1, platform="p", thread="t", id="m1", words=2, dripped=3)


@pytest.mark.parametrize(
    ("shown", "broken"),
    [
        (("You said: #1.1 #1.2 [[drip:3:0]] w0 w1 w2",), {}),
        (("You said: #1.1 #1.2 [[drip:3:0]] w0", "w1 w2"), {}),
        (("You said: #1.1 #1.2 [[drip:3:0]] w0",), {"lost": 1}),
        (("You said: #1.1 #1.2 [[drip:3:0]] w0", "w1 w2", "w1 w2"), {"answered twice": 1}),
        (("w1 w2", "You said: #1.1 #1.2 [[drip:3:0]] w0"), {"lost": 1, "answered twice": 1}),
    ],
)
def test_what_the_agent_adds_belongs_to_its_answer(shown: tuple[str, ...], broken: dict[str, int]) -> None:
    found = verdict([DRIPPED], [Stored(1, "answered")], {("p", "t"): shown}, {1: 1})
    assert counts(found) == broken


def test_an_instance_that_only_repeats_adds_nothing() -> None:
    stored = [Stored(1, "answered", repeatable=True)]
    assert verdict([DRIPPED], stored, {("p", "t"): ["#1.1 #1.2 [[drip:3:0]]"]}, {}).kept


def test_an_answer_in_another_thread_is_lost_there_and_spare_here() -> None:
    assert counts(judge(*WHOLE[1:3], in_u=(WHOLE[3], WHOLE[0]))) == {"lost": 1, "answered twice": 1}


@pytest.mark.parametrize("status", ["unknown", "failed"])
def test_what_is_reported_in_its_thread_is_not_lost(status: str) -> None:
    stored = (Stored(1, status), *ANSWERED[1:])
    said = notices.unknown() if status == "unknown" else notices.failed("x")
    assert counts(judge(said, *WHOLE[1:3], stored=stored)) == {}
    assert counts(judge(*WHOLE[1:3], stored=stored)) == {"lost": 1}
    assert counts(judge(*WHOLE[1:3], said, stored=stored)) == {"out of order": 1}


def test_a_turn_that_is_still_open_is_lost() -> None:
    assert counts(judge(*WHOLE[1:3], stored=(Stored(1, "open"), *ANSWERED[1:]))) == {"lost": 1}


def test_a_message_that_is_in_no_store_is_lost() -> None:
    found = judge(*WHOLE[1:3], stored=ANSWERED[1:])
    assert (found.accepted, counts(found)) == (2, {"lost": 1})


def test_a_message_that_is_in_the_store_twice_is_counted() -> None:
    assert counts(judge(*WHOLE[:3], stored=(*ANSWERED, ANSWERED[0]))) == {"answered twice": 1}


def test_a_turn_of_an_instance_that_can_be_asked_again_has_to_be_answered() -> None:
    stored = (Stored(1, "unknown", repeatable=True), *ANSWERED[1:])
    found = judge(notices.unknown(), *WHOLE[1:3], stored=stored)
    assert counts(found) == {"unknown where it can be asked again": 1}


def test_an_agent_that_was_asked_more_than_once_is_counted() -> None:
    shown = {("p", "t"): WHOLE[:3], ("p", "u"): WHOLE[3:]}
    assert counts(verdict(QUESTIONS, ANSWERED, shown, {1: 2, 2: 1, 3: 1})) == {"agent asked again": 1}
