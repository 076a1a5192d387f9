"""Where what an earlier attempt posted is looked for, and what becomes of that where it cannot be."""

import time
from dataclasses import replace

import pytest

from adapters.discord import ids, limits, threads
from adapters.discord.threads import Threads
from bridge.channel import Delivery
from bridge.envelope import Conversation
from bridge.errors import NotSent, OutcomeUnknown, RateLimited, Rejected

LISTING = "messages.list"


@pytest.fixture
async def posting(client):
    opened = Threads("discord", client)
    yield opened
    await opened.close()


def delivery(simulator, said, text="OK", name="d1", *, age=0.0):
    room, _, root = said.thread.partition("/")
    direct = simulator.guild.rooms[room].person is not None
    place = ids.Place(None, room) if direct else ids.Place(simulator.guild.id, room, root)
    return Delivery(
        id=name,
        session="s",
        conversation=Conversation(source="discord", ref=ids.conversation_ref(place)),
        payload={"content": text},
        created_at=time.time() - age,
    )


async def test_a_post_is_found_in_its_thread_and_nothing_of_another_thread_is(posting, simulator):
    said, other = await simulator.say("Ada", "hello"), await simulator.say("Bo", "hello")
    assert await posting.find(delivery(simulator, said)) == []
    ref = await posting.post(delivery(simulator, said))
    await posting.post(delivery(simulator, other, name="d2"))
    assert await posting.find(delivery(simulator, said, name="d3")) == [ref]


async def test_a_post_is_found_in_a_direct_conversation(posting, simulator):
    said = simulator.say_direct("Ada", "hello")
    ref = await posting.post(delivery(simulator, said))
    assert await posting.find(delivery(simulator, said)) == [ref]


async def test_a_post_is_found_in_a_forum_whose_room_holds_no_messages(posting, simulator):
    said = simulator.post_in_forum("Ada", "Title", "hello")
    assert await posting.find(delivery(simulator, said)) == []
    ref = await posting.post(delivery(simulator, said))
    assert await posting.find(delivery(simulator, said)) == [ref]


@pytest.mark.parametrize("permission", ["create_public_threads", "send_messages_in_threads"])
async def test_a_reply_in_the_room_is_found_by_somebody_who_does_not_remember_why_it_went_there(
    posting, client, simulator, permission
):
    simulator.deny("general", permission)
    said, other = await simulator.say("Ada", "hello"), await simulator.say("Bo", "hello")
    for one in (said, other):
        await posting.prepare(ids.Place(simulator.guild.id, *one.thread.split("/")), one.id, one.text)
    ref = await posting.post(delivery(simulator, said))
    await posting.post(delivery(simulator, other, name="d2"))
    restarted = Threads("discord", client)
    assert await restarted.find(delivery(simulator, said)) == [ref]
    simulator.allow("general", permission)
    in_thread = await restarted.post(delivery(simulator, said, name="d3"))
    assert await restarted.find(delivery(simulator, said)) == [ref, in_thread]


@pytest.mark.parametrize("permission", ["create_public_threads", "send_messages_in_threads"])
async def test_a_post_for_which_no_thread_was_prepared_goes_to_the_room_where_it_may_not_go_into_one(
    posting, simulator, permission
):
    simulator.deny("general", permission)
    said = await simulator.say("Ada", "hello")
    ref = await posting.post(delivery(simulator, said))
    assert await posting.find(delivery(simulator, said)) == [ref]
    assert [one.text for one in simulator.read_room("general") if one.by_bot][-1] == "OK"


async def test_posts_are_found_on_every_page_oldest_first(posting, simulator):
    said = await simulator.say("Ada", "hello")
    first = await posting.post(delivery(simulator, said, name="d1"))
    for number in range(limits.PAGE * 2 + 20):
        simulator.say_in("Ada", f"chatter {number}", thread=said.thread)
    last = await posting.post(delivery(simulator, said, name="d2"))
    assert await posting.find(delivery(simulator, said)) == [first, last]


async def test_only_what_may_have_been_posted_since_the_delivery_was_made_is_looked_at(posting, simulator):
    said = await simulator.say("Ada", "hello")
    ref = await posting.post(delivery(simulator, said))
    assert await posting.find(delivery(simulator, said, age=86_400)) == [ref]
    assert await posting.find(delivery(simulator, said, age=60 - threads.LOOK_BACK)) == [ref]
    ahead = delivery(simulator, said, age=-60 - threads.LOOK_BACK)
    assert await posting.find(ahead) == []
    assert await posting.find(replace(ahead, answers=ids.envelope_id(said.id))) == [ref]


async def test_people_who_write_the_same_are_not_taken_for_the_bot(posting, simulator):
    said = await simulator.say("Ada", "hello")
    simulator.say_in("Bo", "OK", thread=said.thread)
    simulator.other_bot_says("parrot", "OK", thread=said.thread)
    assert await posting.find(delivery(simulator, said)) == []


async def test_in_a_thread_that_was_deleted_there_is_nothing(posting, simulator):
    said = await simulator.say("Ada", "hello")
    await posting.post(delivery(simulator, said))
    simulator.delete_thread(said.thread)
    assert await posting.find(delivery(simulator, said)) == []


async def test_in_a_room_that_was_deleted_there_is_nothing(posting, simulator):
    simulator.add_room("brief")
    said = simulator.say_in("Ada", "hello", room="brief", mention=True)
    simulator.delete_room("brief")
    ref = ids.conversation_ref(ids.Place(simulator.guild.id, *said.thread.split("/")))
    gone = Delivery("d1", "s", Conversation(source="discord", ref=ref), {"content": "OK"}, time.time())
    assert await posting.find(gone) == []


async def test_without_the_history_nothing_is_found_and_the_nonce_is_what_is_left(posting, simulator):
    said = await simulator.say("Ada", "hello")
    ref = await posting.post(delivery(simulator, said))
    simulator.deny("general", "read_message_history")
    assert await posting.find(delivery(simulator, said)) == []
    assert await posting.post(delivery(simulator, said)) == ref


async def test_a_thread_that_the_bot_may_not_see_any_more_is_no_thread_without_the_post(posting, simulator):
    thread = simulator.open_thread("Ada", "closed circle", private=True)
    said = simulator.say_in("Ada", "hello", thread=thread, mention=True)
    await posting.post(delivery(simulator, said))
    del simulator.guild.threads[thread.partition("/")[2]].members[simulator.bot.id]
    for _ in range(2):
        with pytest.raises(Rejected):
            await posting.find(delivery(simulator, said))
    told = [one.text for one in simulator.read_room("general") if one.by_bot]
    assert ["may not write there" in text for text in told] == [True]


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        ("fail", {"status": 503}, OutcomeUnknown),
        ("fail", {"status": 404}, NotSent),
        ("lose_answer", {"times": None}, OutcomeUnknown),
        ("garbage", {}, NotSent),
        ("refuse", {"code": 40001, "status": 401}, NotSent),
        ("refuse", {"code": 50001}, Rejected),
        ("rate_limit", {"retry_after": 60}, RateLimited),
    ],
)
async def test_a_look_that_failed_does_not_say_that_there_is_nothing(posting, simulator, fault, options, kind):
    said = await simulator.say("Ada", "hello")
    await posting.post(delivery(simulator, said))
    getattr(simulator.faults, fault)(LISTING, **options)
    with pytest.raises(kind):
        await posting.find(delivery(simulator, said))
