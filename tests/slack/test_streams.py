"""What Slack is given of a text that grows."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.simulator.notifications import notified
from adapters.slack.streams import opening, streamable
from bridge.envelope import Actor, Conversation, Envelope

PIECES = (
    "<", "!", "@", "#", "channel", "here", "everyone", "subteam^S123", "U123ABC", "|", ">", "&", "lt;", "&lt;", "&#60;", "gt;",
    "`", "```\n", " ", "\n", "\\", "\u200b", "*", "x", "<!channel>", "<@U123ABC>", "<!subteam^S1|x>",
)  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def appended(bits: Sequence[str]) -> str:
    """What stands there in the end if each longer text is shown by appending to what stands there."""
    text = shown = ""
    for bit in bits:
        text += bit
        said = streamable(text)
        assert said.startswith(shown)
        shown = said
        assert notified("", [{"type": "markdown", "text": shown}], names=False) == []
    return shown


@given(st.lists(HOSTILE | st.text(max_size=5), max_size=12))
def test_a_longer_text_only_adds_and_nobody_is_notified_on_the_way(bits: list[str]) -> None:
    appended(bits)


@given(st.text(alphabet=st.characters(exclude_characters="<&", exclude_categories=("Cs",))))
def test_ordinary_text_is_shown_as_it_is_at_once(text: str) -> None:
    assert streamable(text) == text


@pytest.mark.parametrize(
    ("bits", "shown"),
    [
        (["a <", "!channel> b"], "a <\u200b!channel> b"),
        (["a <", "= b"], "a <= b"),
        (["R&", "D"], "R"),
        (["R&", "D and"], "R&D and"),
        (["&l", "t;!here>"], "&amp;lt;!here>"),
        (["<", "@U1", ">"], "<\u200b@U1>"),
    ],
)
def test_the_beginning_of_what_could_notify_waits_for_the_rest(bits: list[str], shown: str) -> None:
    assert appended(bits) == shown


def asked(**changes: object) -> Envelope:
    return Envelope(
        id="slack:T1:C1:1.1",
        source="slack",
        actor=Actor(id="slack:U7", display="Ada", type="human"),
        conversation=Conversation(source="slack", ref="T1/C1/1.1"),
        text="",
        ts=datetime(2026, 11, 22, tzinfo=UTC),
    ).model_copy(update=changes)


PLAIN = {"text": "so far …"}


def test_a_stream_is_begun_for_whoever_asked() -> None:
    payload = opening("so far", asked(), PLAIN)
    who = {"recipient_user_id": "U7", "recipient_team_id": "T1"}
    assert payload == {"text": "so far …", "stream": {"markdown_text": "so far", **who}}


def test_whoever_is_of_another_team_gets_it_there() -> None:
    payload = opening("so far", asked(raw={"event": {"user_team": "T9"}}), PLAIN)
    assert payload is not None
    assert payload["stream"]["recipient_team_id"] == "T9"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("so far", asked(conversation=Conversation(source="slack", ref="T1/D1"))),
        ("so far", asked(actor=Actor(id="slack:B7", display="Bot", type="agent"))),
        ("<", asked()),
        ("x" * 10_001, asked()),
    ],
    ids=["no thread", "asked by a bot", "nothing to show yet", "too long"],
)
def test_elsewhere_there_is_no_stream(text: str, message: Envelope) -> None:
    assert opening(text, message, PLAIN) is None
