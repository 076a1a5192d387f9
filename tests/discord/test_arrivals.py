"""What came in, on its way into the store."""

import asyncio

from adapters.discord.arrivals import Arrivals
from adapters.discord.parse import Bot, Where
from bridge.errors import NotSent, RateLimited, Rejected, Unstorable
from bridge.testing.channel_contract import Inbox


def event(number, room="20", **fields):
    said = {
        "type": 0,
        "id": str(number),
        "channel_id": room,
        "guild_id": "10",
        "author": {"id": "1"},
        "content": f"{number}",
    }
    return {"t": "MESSAGE_CREATE", "d": {**said, **fields}}


class Rooms:
    """Answers where rooms are, once it may."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.open = asyncio.Event()
        self.asked = []

    async def locate(self, room):
        self.asked.append(room)
        if room == "20":
            await self.open.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else Where(room)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


BOT = Bot("7", "bridge")


def arrivals(rooms, inbox, bot=BOT):
    return Arrivals("discord", bot, rooms.locate, {"44": "10"}.get, name_of=lambda _: None, accept=inbox.accept)


def texts(inbox):
    return [envelope.text for envelope, _ in inbox.taken]


async def test_messages_of_one_room_keep_their_order_and_other_rooms_do_not_wait_for_them():
    rooms, inbox = Rooms(), Inbox()
    ours = arrivals(rooms, inbox)
    for number in (1, 2, 3):
        ours.put(event(number))
    ours.put(event(4, room="21"))
    await inbox.until_said("4")
    assert texts(inbox) == ["4"]
    rooms.open.set()
    await inbox.until_said("3")
    assert texts(inbox) == ["4", "1", "2", "3"]
    await ours.settle(1)


async def test_a_room_that_cannot_be_asked_for_now_is_asked_for_again():
    rooms, inbox = Rooms(NotSent("away"), NotSent("away")), Inbox()
    rooms.open.set()
    ours = arrivals(rooms, inbox)
    ours.put(event(1))
    await inbox.until_said("1")
    assert len(rooms.asked) == 3


async def test_a_message_that_can_never_be_placed_or_read_does_not_hold_up_the_next():
    rooms, inbox = Rooms(Rejected("never")), Inbox()
    rooms.open.set()
    ours = arrivals(rooms, inbox)
    ours.put(event(1))
    ours.put(event("x"))
    ours.put({"t": "MESSAGE_CREATE", "d": {}})
    ours.put(event(3))
    await inbox.until_said("3")
    assert texts(inbox) == ["3"]


async def test_what_is_refused_is_offered_until_it_is_taken_and_what_follows_waits():
    rooms, inbox = Rooms(), Inbox()
    rooms.open.set()
    inbox.refusals = 2
    ours = arrivals(rooms, inbox)
    ours.put(event(1))
    ours.put(event(2))
    await inbox.until_said("2")
    assert (texts(inbox), inbox.offered) == (["1", "2"], 4)


async def test_our_own_messages_are_passed_over_at_once():
    rooms, inbox = Rooms(), Inbox()
    ours = arrivals(rooms, inbox)
    ours.put(event(1, author={"id": "7"}))
    await ours.settle(1)
    assert rooms.asked == []


async def test_the_end_waits_for_what_came_in_and_lets_the_rest_go():
    rooms, inbox = Rooms(), Inbox()
    ours = arrivals(rooms, inbox)
    ours.put(event(1, room="21"))
    ours.put(event(2))
    ours.put(event(3))
    await ours.settle(0.05)
    assert texts(inbox) == ["1"]
    rooms.open.set()
    await ours.settle(0)
    assert texts(inbox) == ["1"]


async def test_a_thread_is_told_once_that_it_cannot_be_read():
    rooms, inbox = Rooms(), Inbox()
    rooms.open.set()
    rooms.outcomes = [Where("20", "300")] * 3 + [Where("20")]
    ours = arrivals(rooms, inbox, Bot("7", "bridge", reads_content=False))
    for number in (1, 2):
        ours.put(event(number, room="300", content=""))
    ours.put(event(3, room="300", content="<@7> hi"))
    ours.put(event(4, content=""))
    await inbox.until_said("hi")
    await ours.settle(1)
    assert [envelope.kind for envelope, _ in inbox.taken] == ["unreadable", "message"]


async def test_what_is_said_in_a_thread_comes_after_the_message_that_begins_it():
    rooms, inbox = Rooms(), Inbox()
    ours = arrivals(rooms, inbox)
    ours.put(event(300, room="20"))
    ours.put(event(301, room="300"))
    ours.put(event(4, room="21"))
    await inbox.until_said("4")
    assert texts(inbox) == ["4"]
    rooms.open.set()
    await inbox.until_said("301")
    assert texts(inbox) == ["4", "300", "301"]


async def test_a_room_that_is_known_to_be_a_servers_is_no_direct_conversation():
    rooms, inbox = Rooms(), Inbox()
    ours = arrivals(rooms, inbox)
    ours.put(event(1, room="44", guild_id=None))
    ours.put(event(2, room="45", guild_id=None))
    await inbox.until_said("1", "2")
    assert {envelope.text: facts.direct for envelope, facts in inbox.taken} == {"1": False, "2": True}


async def test_where_discord_asks_to_wait_it_is_asked_again_then():
    rooms, inbox = Rooms(RateLimited("wait", retry_after=0.05)), Inbox()
    ours = arrivals(rooms, inbox)
    for number in range(5):
        ours.put(event(number, room=f"3{number}"))
    await inbox.until_said(*map(str, range(5)))
    assert len(rooms.asked) == 6


async def test_a_room_with_an_odd_name_is_passed_over():
    rooms, inbox = Rooms(), Inbox()
    ours = arrivals(rooms, inbox)
    ours.put(event(1, room="general"))
    ours.put(event(2, room="21"))
    await inbox.until_said("2")
    assert rooms.asked == ["21"]


async def test_a_message_that_can_never_be_stored_does_not_hold_up_the_next():
    rooms, inbox = Rooms(), Inbox()

    async def accept(envelope, facts):
        if envelope.text == "1":
            raise Unstorable("nested too deep")
        await inbox.accept(envelope, facts)

    ours = Arrivals("discord", BOT, rooms.locate, {}.get, name_of=lambda _: None, accept=accept)
    ours.put(event(1, room="21"))
    ours.put(event(2, room="21"))
    await inbox.until_said("2")
    assert texts(inbox) == ["2"]
