"""What is said for a turn, as deliveries."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge import files, notices
from bridge.attached import Left
from bridge.envelope import Actor, Conversation, Envelope
from bridge.files import File
from bridge.instance import Ending
from bridge.replies import MAX_FILES, MAX_FILES_BYTES, Manner, Said, answer
from bridge.store.protocol import NewDelivery, TurnLease
from tests.scripted import ScriptedChannel, reply

ASKED = Envelope(
    id="p:1", source="p", actor=Actor(id="p:u", display="Ada", type="human"),
    conversation=Conversation(source="p", ref="t"), text="?", ts=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip
LEASE = TurnLease(
    seq=1, session="s", channel="c", attempt=1, in_doubt=False, claimed_at=0, failing_for=None, instance="main",
    envelope=ASKED, direct=False, wants_context=False, continuation=None, accepted_at=0,
)  # fmt: skip
BY_A_BOT = replace(LEASE, envelope=ASKED.model_copy(update={"actor": Actor(id="p:b", display="CI", type="agent")}))
BY_ITSELF = replace(BY_A_BOT, envelope=BY_A_BOT.envelope.model_copy(update={"kind": "unasked"}))
PNG = File("chart.png", "image/png", b"\x89PNG")


class FilesChannel(ScriptedChannel):
    """Takes files of a hundred bytes."""

    file_bytes = 100

    def __init__(self, *, may: bool = True) -> None:
        super().__init__()
        self.may = may

    def sends_files(self) -> bool:
        return self.may


def said(channel: ScriptedChannel, text: str, *made: File, longest: int = 3, **ending: Any) -> list[NewDelivery]:
    replies = [reply(ASKED, text)] if text else []
    came = Said(replies=replies, files=list(made), ending=Ending(**ending))
    return answer(LEASE, channel, came, Manner(longest=longest))


def shown(deliveries: list[NewDelivery]) -> list[str]:
    """Texts, and files by their names."""
    found = [(one.payload, files.read(one.payload)) for one in deliveries]
    return [f"<{file.name}>" if file else payload["text"] for payload, file in found]


def keys(deliveries: list[NewDelivery]) -> set[tuple[str, int]]:
    return {(one.kind, one.part) for one in deliveries}


def test_an_answer_of_more_messages_than_wanted_is_its_beginning_and_a_file_of_the_exact_text() -> None:
    deliveries = said(FilesChannel(), "one|two|three|föur")
    assert shown(deliveries) == [
        "one",
        "The answer goes on: it has 18 characters, and the whole of it is attached as `answer.md`.",
        "<answer.md>",
    ]
    assert files.read(deliveries[2].payload) == File("answer.md", "text/markdown", "one|two|three|föur".encode())
    assert len(keys(deliveries)) == 3


@pytest.mark.parametrize(
    ("channel", "text", "longest"),
    [
        (FilesChannel(), "one|two|three", 3),
        (FilesChannel(), "one|two|three|four", 0),
        (FilesChannel(may=False), "one|two|three|four", 3),
        (ScriptedChannel(), "one|two|three|four", 3),
    ],
    ids=["short_enough", "never_a_file", "may_not_send_files", "cannot_send_files"],
)
def test_otherwise_it_stays_messages(channel: ScriptedChannel, text: str, longest: int) -> None:
    assert shown(said(channel, text, longest=longest)) == text.split("|")


def test_an_answer_that_is_too_long_for_one_file_is_several_and_nothing_is_lost() -> None:
    text = "|".join("🦞" * 9 for _ in range(20))
    deliveries = said(FilesChannel(), text)
    parts = [file for one in deliveries if (file := files.read(one.payload))]
    assert "".join(part.content.decode() for part in parts) == text
    assert [part.name for part in parts] == [f"answer-{number}.md" for number in range(1, len(parts) + 1)]
    assert max(len(part.content) for part in parts) <= 100


@pytest.mark.parametrize(
    ("text", "made"), [("a|b|c|d", ()), ("a", (PNG,)), ("", (PNG, PNG)), ("", (File("e", "", b""),))]
)
def test_the_first_that_is_said_is_never_a_file(text: str, made: tuple[File, ...]) -> None:
    """It takes over the preview's message, which cannot become a file."""
    deliveries = said(FilesChannel(), text, *made)
    assert files.read(deliveries[0].payload) is None
    assert len(keys(deliveries)) == len(deliveries)


def test_files_come_after_the_words_and_before_what_the_bridge_says_of_the_ending() -> None:
    deliveries = said(FilesChannel(), "look", PNG, PNG, outcome="incomplete", detail="length")
    assert shown(deliveries)[:3] == ["look", "<chart.png>", "<chart.png>"]
    assert shown(deliveries)[3].startswith("The answer ends here")


def test_files_alone_are_announced_and_no_empty_answer() -> None:
    assert shown(said(FilesChannel(), "", PNG)) == ["The agent answered with `chart.png`.", "<chart.png>"]


def test_what_cannot_be_posted_is_said() -> None:
    big, empty = File("../big.bin", "", bytes(101)), File("empty.txt", "text/plain", b"")
    assert shown(said(FilesChannel(), "look", PNG, big, empty))[2] == (
        "Not everything that the agent made could be posted: `big.bin` is larger than 0 MiB; "
        "`empty.txt` came without content. Ask the agent for it in another way."
    )


@pytest.mark.parametrize("channel", [ScriptedChannel(), FilesChannel(may=False)])
def test_where_no_file_can_be_posted_every_one_is_named(channel: ScriptedChannel) -> None:
    (sentence,) = shown(said(channel, "", PNG, File("b.txt", "", b"b")))
    assert "`chart.png` (files cannot be posted here); `b.txt` (files cannot be posted here)" in sentence


def test_number_and_size_of_all_files_together_are_limited() -> None:
    many = said(FilesChannel(), "look", *[PNG] * (MAX_FILES + 2))
    assert shown(many).count("<chart.png>") == MAX_FILES
    assert shown(many)[-1].count("`chart.png` is one more than the 10 files") == 2
    channel = FilesChannel()
    channel.file_bytes = files.MAX_BYTES
    third = File("third.bin", "", bytes(MAX_FILES_BYTES - 2 * files.MAX_BYTES + 1))
    large = said(channel, "look", *[File("l.bin", "", bytes(files.MAX_BYTES))] * 2, third, PNG)
    assert shown(large)[1:4] == ["<l.bin>", "<l.bin>", "<chart.png>"]
    assert "`third.bin` is too much with the others" in shown(large)[-1]


@pytest.mark.parametrize("outcome", ["completed", "incomplete", "failed", "refused"])
@pytest.mark.parametrize("text", ["", "hello"])
def test_another_bot_is_given_the_agents_answer_and_nothing_of_the_bridges_own(outcome: Any, text: str) -> None:
    replies = [reply(ASKED, text)] if text else []
    huge = File("huge.bin", "application/octet-stream", b"x" * 101)
    came = Said([Left("a.zip", "too large")], replies, [PNG, huge], Ending(outcome=outcome))
    posted = shown(answer(BY_A_BOT, FilesChannel(), came))
    assert posted == [text or "The agent answered with `chart.png`.", "<chart.png>"]


def test_another_bot_is_told_nothing_where_there_is_no_answer() -> None:
    assert answer(BY_A_BOT, ScriptedChannel(), Said()) == []
    assert shown(answer(LEASE, ScriptedChannel(), Said())) == [notices.EMPTY]


def test_what_an_agent_says_by_itself_is_no_question_of_a_bot() -> None:
    huge = File("huge.bin", "application/octet-stream", b"x" * 101)
    posted = shown(answer(BY_ITSELF, FilesChannel(), Said(replies=[reply(ASKED, "hello")], files=[huge])))
    assert len(posted) == 2
