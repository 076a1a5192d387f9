"""Edits and deletions: events of the gateway -> changes, after the messages that they are about."""

import asyncio
import contextlib

import pytest

from adapters.discord.arrivals import Arrivals
from adapters.discord.parse import Bot, Malformed, Where, deleted, is_edit
from adapters.discord.simulator import SharedFile
from bridge.errors import Unstorable
from bridge.testing.channel_contract import Inbox

ADA = {"id": "1", "username": "ada"}
EDIT = {
    "type": 0,
    "id": "1000",
    "channel_id": "20",
    "guild_id": "10",
    "author": ADA,
    "content": "hello",
    "attachments": [],
    "edited_timestamp": "2026-11-22T10:00:00.766195+00:00",
}


@pytest.mark.parametrize(
    ("data", "whether"),
    [
        (EDIT, True),
        ({**EDIT, "content": ""}, True),
        ({**EDIT, "edited_timestamp": None}, False),
        ({"id": "1000", "channel_id": "20", "embeds": [{}]}, False),
        ({key: value for key, value in EDIT.items() if key != "content"}, False),
        ({key: value for key, value in EDIT.items() if key != "author"}, False),
        (None, False),
    ],
    ids=["whole", "words_taken_away", "a_preview", "as_it_used_to_be", "no_content", "no_author", "nothing"],
)
def test_an_edit_is_told_from_what_discord_does_itself(data, whether):
    assert is_edit(data) is whether


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"t": "MESSAGE_DELETE", "d": {"id": "1000", "channel_id": "20"}}, ["discord:1000"]),
        ({"t": "MESSAGE_DELETE_BULK", "d": {"ids": ["1000", "1001"]}}, ["discord:1000", "discord:1001"]),
    ],
)
def test_a_deletion_names_its_messages_and_nothing_else(payload, found):
    assert [(one.envelope_id, one.said) for one in deleted(payload)] == [(one, None) for one in found]


@pytest.mark.parametrize("data", [{}, {"id": None}, {"ids": ["x"]}, {"ids": [None]}, None])
def test_what_discord_does_not_promise_is_malformed(data):
    with pytest.raises(Malformed):
        deleted({"t": "MESSAGE_DELETE", "d": data})


class Taker:
    """Keeps every change, and can refuse some first."""

    def __init__(self, refusal=None):
        self.refusal = refusal
        self.taken = asyncio.Queue()

    async def take(self, change):
        refusal, self.refusal = self.refusal, None
        if refusal:
            raise refusal
        self.taken.put_nowait(change)

    async def next(self):
        return await asyncio.wait_for(self.taken.get(), 20)


def arrivals(inbox, taker):
    async def locate(room):
        return Where(room)

    bot = Bot("7", "bridge")
    return Arrivals(
        "discord", bot, locate, lambda _: "10", name_of=lambda _: None, accept=inbox.accept, changed=taker.take
    )  # fmt: skip


async def test_a_change_waits_until_its_message_is_taken():
    inbox, taker = Inbox(), Taker()
    inbox.open.clear()
    ours = arrivals(inbox, taker)
    ours.put({"t": "MESSAGE_CREATE", "d": {**EDIT, "content": "helo", "edited_timestamp": None}})
    ours.put_change({"t": "MESSAGE_UPDATE", "d": EDIT})
    ours.put_change({"t": "MESSAGE_DELETE", "d": {"id": "1000", "channel_id": "20"}})
    await inbox.until_offered(1)
    assert taker.taken.empty()
    inbox.open.set()
    edit, deletion = await taker.next(), await taker.next()
    assert (edit.said[0].text, edit.said[1].edited_at, deletion.said) == ("hello", 1795341600.0, None)
    await ours.settle(1)


@pytest.mark.parametrize("refusal", [RuntimeError("the store is full"), OSError()])
async def test_a_change_that_is_refused_is_offered_until_it_is_taken(refusal):
    taker = Taker(refusal)
    ours = arrivals(Inbox(), taker)
    ours.put_change({"t": "MESSAGE_UPDATE", "d": EDIT})
    assert (await taker.next()).envelope_id == "discord:1000"
    await ours.settle(1)


async def test_a_change_that_can_never_be_stored_or_read_does_not_hold_up_the_next():
    taker = Taker(Unstorable("never"))
    ours = arrivals(Inbox(), taker)
    ours.put_change({"t": "MESSAGE_UPDATE", "d": EDIT})
    ours.put_change({"t": "MESSAGE_DELETE", "d": {"id": "x", "channel_id": "20"}})
    ours.put_change({"t": "MESSAGE_DELETE", "d": {"id": "1000"}})
    ours.put_change({"t": "MESSAGE_UPDATE", "d": {**EDIT, "author": {"id": "7"}}})
    ours.put_change({"t": "MESSAGE_DELETE", "d": {"id": "1001", "channel_id": "20"}})
    assert (await taker.next()).envelope_id == "discord:1001"
    await ours.settle(1)


@pytest.fixture
async def heard(simulator, channel):
    """What the channel tells of changes over its gateway."""
    taker = Taker()
    channel.on_change(taker.take)
    task = asyncio.create_task(channel.listen(Inbox().accept))
    await asyncio.wait_for(simulator.connected(), 20)
    yield taker
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_people_edit_and_delete_and_previews_are_none_of_it(simulator, heard):
    said = simulator.say_in("Ada", "helo https://example.com/")
    simulator.unfurl(said)
    simulator.edit(said, "hello https://example.com/")
    simulator.delete(said)
    first, second = await heard.next(), await heard.next()
    assert (first.said[0].text, first.said[1].author) == ("hello https://example.com/", simulator.person("Ada").id)
    assert (second.envelope_id, second.said) == (f"discord:{said.id}", None)
    assert heard.taken.empty()


async def test_several_messages_are_deleted_at_once(simulator, heard):
    gone = [simulator.say_in("Ada", str(number)) for number in range(3)]
    simulator.delete_many(gone)
    assert [(await heard.next()).envelope_id for _ in gone] == [f"discord:{said.id}" for said in gone]


async def test_an_edit_in_a_direct_conversation_and_in_a_thread_has_the_facts_of_its_message(simulator, heard):
    simulator.edit(simulator.say_direct("Ada", "helo"), "hello")
    assert (await heard.next()).said[1].direct
    thread = simulator.open_thread("Ada", "plans")
    simulator.edit(simulator.say_in("Ada", "helo", thread=thread), "hello")
    _, facts = (await heard.next()).said
    assert (facts.in_thread, facts.thread[1]) == (True, thread.partition("/")[2])


async def test_files_are_taken_away_by_an_edit(simulator, heard):
    said = simulator.say_in("Ada", "look", attachments=[SharedFile("a.txt", b"a")])
    simulator.edit(said, "look", without_files=True)
    assert (await heard.next()).said[0].text == "look"
