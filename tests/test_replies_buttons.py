"""What is said for a turn: where the buttons are, and where they are not."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from bridge import feedback, handles, replies
from bridge.actions import Button, TakePress
from bridge.channel import Payload
from bridge.instance import Ending
from bridge.replies import Manner, Said
from bridge.store.protocol import TurnLease
from bridge.testing.store_examples import arrival
from tests.scripted import ScriptedChannel, reply

ASKED = arrival(1).envelope
LEASE = TurnLease(
    seq=7, session="s", channel="c", attempt=1, in_doubt=False, claimed_at=0.0, failing_for=None, instance="main",
    envelope=ASKED, direct=False, wants_context=False, continuation=None,
    accepted_at=datetime(2026, 1, 1, tzinfo=UTC).timestamp(),
)  # fmt: skip


class ButtonChannel(ScriptedChannel):
    """Shows buttons in a message of their own."""

    @classmethod
    def render_with_buttons(cls, text: str, buttons: Sequence[Button]) -> Sequence[Payload]:
        return [*cls.render(text), {"buttons": [button.id for button in buttons]}]

    def on_press(self, take: TakePress) -> None: ...


ROW = {"buttons": [button.id for button in feedback.buttons(7)]}


RATED = Manner(rated=True)


def said(*texts: str, ending: Ending | None = None) -> Said:
    return Said(replies=[reply(ASKED, text) for text in texts], ending=ending or Ending())


def test_what_the_agent_wrote_ends_with_the_buttons_once() -> None:
    found = replies.answer(LEASE, ButtonChannel(), said("one", "two|three"), RATED)
    assert [(one.kind, one.part) for one in found] == [("reply", 0), ("reply", 1), ("reply", 2)]
    assert [one.payload for one in found] == [{"text": "one\n\ntwo"}, {"text": "three"}, ROW]


def test_a_sentence_of_the_bridge_after_the_answer_has_none() -> None:
    found = replies.answer(LEASE, ButtonChannel(), said("half", ending=Ending("incomplete")), RATED)
    assert [one.kind for one in found] == ["reply", "reply", "notice"]
    assert found[1].payload == ROW


def test_without_an_answer_there_is_nothing_to_rate() -> None:
    (only,) = replies.answer(LEASE, ButtonChannel(), said("  "), RATED)
    assert (only.kind, list(only.payload)) == ("notice", ["text"])


def test_what_failed_can_be_asked_again_by_a_button() -> None:
    sentence, row = replies.answer(LEASE, ButtonChannel(), said(ending=Ending("failed")), RATED)
    assert "`!retry`" in sentence.payload["text"]
    assert row.payload == {"buttons": [handles.retry(7).id]}


@pytest.mark.parametrize(("channel", "rated"), [(ButtonChannel(), False), (ScriptedChannel(), True)])
def test_there_are_none_where_they_are_not_wanted_or_cannot_be(channel: ScriptedChannel, rated: bool) -> None:
    (only,) = replies.answer(LEASE, channel, said("hello"), Manner(rated=rated))
    assert only.payload == {"text": "hello"}
