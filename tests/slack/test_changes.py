"""Edits and deletions: events -> changes, and how they are acknowledged."""

import asyncio
import contextlib

import pytest

from adapters.slack.parse import Bot, Malformed, change, is_own
from adapters.slack.simulator import SharedFile
from bridge.testing.channel_contract import Inbox

BOT = Bot(team="T1", user="U0BOT", bot="B0BOT")
SAID = {"type": "message", "user": "U1", "text": "helo", "ts": "1700000000.000100", "team": "T1"}
EDITED = {"user": "U1", "ts": "1700000060.000000"}
NOW = {**SAID, "text": "hello", "edited": EDITED}
ID = "slack:T1:C1:1700000000.000100"
FILES = [{"id": "F1", "name": "a.txt", "mimetype": "text/plain"}, {"id": "F2", "name": "b.txt"}]


def event(subtype, **fields):
    inner = {"type": "message", "subtype": subtype, "channel": "C1", "hidden": True, "ts": "1700000060.000200"}
    return {"type": "event_callback", "team_id": "T1", "event": {**inner, **fields}}


def changed(now=NOW, before=SAID, **fields):
    return event("message_changed", message=now, **({"previous_message": before} if before else {}), **fields)


def test_an_edit_is_the_message_as_it_stands_there_now():
    found = change(changed(channel_type="channel"), BOT)
    envelope, facts = found.said
    assert (found.envelope_id, envelope.id, envelope.text, envelope.raw) == (ID, ID, "hello", NOW)
    assert envelope.conversation.ref == "T1/C1/1700000000.000100"
    assert (facts.author, facts.room, facts.direct, facts.edited_at) == ("U1", "C1", False, 1700000060.0)


def test_an_edit_in_a_thread_or_a_direct_conversation_has_the_facts_of_its_message():
    reply = {**NOW, "thread_ts": "1690000000.000100"}
    _, facts = change(changed(reply), BOT).said
    assert (facts.in_thread, facts.thread) == (True, ("T1", "C1", "1690000000.000100"))
    _, facts = change(changed(channel="D1", channel_type="im"), BOT).said
    assert facts.direct


def test_slacks_own_example_names_no_previous_message():
    assert change(changed(before=None), BOT).said[0].text == "hello"


def test_files_that_an_edit_takes_away_are_gone_from_what_the_agent_reads():
    before = {**SAID, "subtype": "file_share", "files": FILES}
    now = {**before, "files": FILES[:1], "edited": EDITED}
    assert change(changed(now, before), BOT).said[0].text == "helo\n(attached: a.txt, text/plain)"
    same = {**before, "edited": EDITED}
    assert change(changed(same, before), BOT) is None


@pytest.mark.parametrize(
    ("now", "before"),
    [
        ({**SAID, "attachments": [{"id": 1}]}, SAID),
        ({**NOW, "attachments": [{"id": 1}]}, NOW),
        ({**SAID, "text": "hello"}, SAID),
        ({**NOW, "edited": {"user": "U2", "ts": "1700000060.000000"}}, SAID),
        ({**NOW, "user": "U0BOT", "edited": {"user": "U0BOT"}}, SAID),
        ({**NOW, "bot_id": "B0BOT"}, SAID),
        ({**NOW, "subtype": "channel_join"}, SAID),
    ],
    ids=["preview", "preview_of_an_edited_one", "not_edited", "by_another", "ours", "our_bots", "nothing_said"],
)
def test_what_the_author_did_not_change_is_none(now, before):
    assert change(changed(now, before), BOT) is None


def test_an_edit_of_another_bot_is_one():
    before = {"type": "message", "subtype": "bot_message", "bot_id": "B9", "text": "red", "ts": SAID["ts"]}
    found = change(
        changed({**before, "text": "green", "edited": {"user": "U9", "ts": "1700000060.000000"}}, before), BOT
    )
    assert (found.said[0].actor.type, found.said[0].text) == ("agent", "green")


@pytest.mark.parametrize(
    "payload",
    [
        event("message_deleted", deleted_ts=SAID["ts"], previous_message=SAID),
        event("message_deleted", deleted_ts=SAID["ts"]),
        changed({"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "ts": SAID["ts"]}),
    ],
    ids=["deleted", "as_slack_documents_it", "with_a_thread_under_it"],
)
def test_a_deletion_names_its_message_and_nothing_else(payload):
    found = change(payload, BOT)
    assert (found.envelope_id, found.said) == (ID, None)


@pytest.mark.parametrize(
    "payload", [{}, {"event": None}, {"event": SAID}, event("channel_join"), event(None), {"event": {"type": []}}]
)
def test_other_events_are_no_changes(payload):
    assert change(payload, BOT) is None


@pytest.mark.parametrize(
    "payload",
    [
        event("message_changed"),
        event("message_changed", message="hello"),
        event("message_changed", message={"text": "no ts"}),
        event("message_deleted"),
        changed(channel=None),
        changed({**NOW, "text": 7}),
    ],
)
def test_what_slack_does_not_promise_is_malformed(payload):
    with pytest.raises(Malformed):
        change(payload, BOT)


def test_an_edit_of_our_own_message_is_told_by_looking():
    assert is_own(changed({**NOW, "user": "U0BOT"}), BOT)
    assert not is_own(changed(), BOT)


class Taker:
    """Keeps every change, and can refuse some first."""

    def __init__(self, refusals=0):
        self.refusals = refusals
        self.taken = asyncio.Queue()

    async def take(self, change):
        if self.refusals:
            self.refusals -= 1
            raise RuntimeError("the store refuses")
        self.taken.put_nowait(change)

    async def next(self):
        return await asyncio.wait_for(self.taken.get(), 20)


@pytest.fixture
async def heard(simulator, channel):
    """What the channel tells of changes over its socket."""
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
    simulator.unfurl(said)
    simulator.delete(said)
    first, second = await heard.next(), await heard.next()
    assert first.said[0].text.startswith("hello")
    assert (second.envelope_id, second.said) == (first.envelope_id, None)
    await simulator.settled()
    assert heard.taken.empty()


async def test_the_beginning_of_a_thread_is_deleted_too(simulator, heard):
    root = simulator.say_in("Ada", "helo")
    simulator.say_in("Bo", "yes?", thread_ts=root.id)
    simulator.delete(root)
    found = await heard.next()
    assert (found.envelope_id.rpartition(":")[2], found.said) == (root.id, None)


async def test_files_are_taken_away_by_an_edit(simulator, heard):
    said = simulator.say_in("Ada", "look", files=[SharedFile("a.txt", b"a")])
    simulator.edit(said, "look", without_files=True)
    assert (await heard.next()).said[0].text == "look"


async def test_a_change_that_was_not_taken_is_not_acknowledged_and_comes_again(simulator, heard):
    heard.refusals = 1
    said = simulator.say_in("Ada", "helo")
    simulator.edit(said, "hello")
    assert (await heard.next()).said[0].text == "hello"
    await simulator.settled()
    assert not simulator.journal.dropped
