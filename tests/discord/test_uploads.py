"""Files into Discord's threads, as they are posted over the simulator."""

from dataclasses import replace

import pytest

from adapters.discord import limits, sent
from adapters.discord.threads import Threads
from bridge import files
from bridge.errors import FileRefused, RateLimited, Rejected
from bridge.files import File
from tests.discord.test_threads import delivery

FILE = File("answer.md", "text/markdown", "Ümläute 🦞".encode())
POSTING = "messages.create"


@pytest.fixture
async def posting(client):
    opened = Threads("discord", client)
    yield opened
    await opened.close()


def with_file(simulator, said, name="d1", file=FILE):
    return replace(delivery(simulator, said, name=name), payload=files.payload(file))


def messages(simulator, place):
    return list(simulator.guild.rooms[place].messages.values())


async def test_a_file_pings_nobody_and_carries_the_nonce(posting, simulator):
    said = await simulator.say("Ada", "hello")
    await posting.post(with_file(simulator, said))
    await posting.post(with_file(simulator, said))
    (call, again) = (call for call in simulator.calls if call.name == POSTING and call.status == 200)
    assert call.body == again.body
    assert call.body == {
        "allowed_mentions": {"parse": [], "replied_user": False},
        "attachments": [{"id": 0, "filename": "answer.md"}],
        "enforce_nonce": True,
        "flags": 4,
        "nonce": "d1",
    }
    (posted,) = [one for one in messages(simulator, said.id) if one.attachments]
    assert [one["filename"] for one in posted.attachments] == ["answer.md"]


async def test_without_the_right_to_attach_files_the_file_alone_is_refused(posting, simulator):
    said = await simulator.say("Ada", "hello")
    await posting.post(delivery(simulator, said, "the beginning"))
    simulator.deny("general", "attach_files")
    with pytest.raises(FileRefused, match="let the bot attach files in this channel"):
        await posting.post(with_file(simulator, said, "d2"))
    await posting.post(delivery(simulator, said, "in words", "d3"))
    assert [one.text for one in simulator.read(said.thread) if one.by_bot] == ["the beginning", "in words"]


async def test_a_file_that_is_too_large_is_refused(posting, simulator):
    said = await simulator.say("Ada", "hello")
    with pytest.raises(FileRefused, match="40005"):
        await posting.post(with_file(simulator, said, file=File("b", "", bytes(limits.FILE_BYTES + 1))))
    await posting.post(with_file(simulator, said, "d2", File("b", "", bytes(limits.FILE_BYTES))))


async def test_another_refusal_is_not_the_files(posting, simulator):
    said = await simulator.say("Ada", "hello")
    simulator.faults.refuse(POSTING, 200000)
    with pytest.raises(Rejected) as refused:
        await posting.post(with_file(simulator, said))
    assert not isinstance(refused.value, FileRefused)


async def test_a_rate_limit_repeats_all_bytes(posting, simulator):
    said = await simulator.say("Ada", "hello")
    simulator.faults.rate_limit(POSTING, retry_after=0.01)
    ref = await posting.post(with_file(simulator, said))
    assert await posting.find(with_file(simulator, said)) == [ref]
    simulator.faults.rate_limit(POSTING, retry_after=90)
    with pytest.raises(RateLimited):
        await posting.post(with_file(simulator, said, "d2"))


async def test_where_no_thread_may_be_opened_a_file_is_a_reply_and_found_there(posting, simulator):
    simulator.deny("general", "create_public_threads")
    said = await simulator.say("Ada", "hello")
    ref = await posting.post(with_file(simulator, said))
    room = said.thread.partition("/")[0]
    assert ref.startswith(room)
    assert await posting.find(with_file(simulator, said, "d2")) == [ref]


async def test_a_name_that_discord_changed_is_known_again(posting, simulator):
    said = await simulator.say("Ada", "hello")
    named = File("Übersicht (2) 日本語.csv", "text/csv", b"a;b")
    ref = await posting.post(with_file(simulator, said, file=named))
    (attached,) = next(one.attachments for one in messages(simulator, said.id) if one.attachments)
    assert (attached["filename"], attached["title"]) == ("bersicht_2_.csv", named.name)
    assert await posting.find(with_file(simulator, said, "d2", named)) == [ref]


OURS = {
    "id": "5", "type": 0, "content": "", "author": {"id": "1", "bot": True},
    "attachments": [{"filename": "answer.md", "size": len(FILE.content)}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "file"),
    [
        ({}, FILE),
        (
            {"attachments": [{"filename": "bersicht__.csv", "title": "Übersicht 日本"}]},
            File("Übersicht 日本.csv", "image/x", b""),
        ),
        ({"attachments": [{"filename": "a_chart_1.png", "size": 1}]}, File("a chart (1).png", "image/png", b"22")),
    ],
)
def test_a_file_is_known_by_its_name_and_size_as_far_as_discord_keeps_them(changed, file):
    assert list(sent.holding(file, [OURS | changed], "1")) == ["5"]


@pytest.mark.parametrize(
    "other",
    [
        {"attachments": [{"filename": "answer.md", "size": 1}]},
        {"attachments": [{"filename": "other.md", "size": len(FILE.content)}]},
        {"attachments": [*OURS["attachments"] * 2]},
        {"attachments": []},
        {"attachments": None},
        {"author": {"id": "2"}},
    ],
)
def test_another_message_is_not(other):
    assert list(sent.holding(FILE, [OURS | other, None, 7], "1")) == []
