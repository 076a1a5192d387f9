"""People who write directly and have to be approved, over a real store."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from bridge import pairing
from bridge.envelope import Actor
from bridge.pairing import LENGTH, LETTERS, MOST_PENDING, VALID_SECONDS
from bridge.store import audit, database, reading
from bridge.store import pairing as pairings
from bridge.store.access import Offer, Pairing
from bridge.store.audit import Entries
from bridge.store.protocol import Accepted, Arrival
from bridge.store.schema import metadata
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, delivery, nothing_to_do, turn


class Desk:
    """A store, and the operator beside it."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self.clock = clock
        self.store: Any = None

    async def says(self, who: str = "u", number: int = 1, *, code: str | None = None, **changes: Any) -> object:
        said = self.arrival(who, number, **changes)
        return await self.store.accept_paired(said, Offer(who, code or pairing.new_code(), [{"text": f"to {who}"}]))

    def arrival(self, who: str, number: int, *, at: float | None = None, **changes: Any) -> Arrival:
        made = arrival(number, thread=f"d-{who}", direct=True, **changes)
        update = {
            "actor": Actor(id=f"p:{who}", display=who.title(), type="human"),
            "ts": datetime.fromtimestamp(at or self.clock(), UTC),
        }
        return Arrival(
            **{
                **{name: getattr(made, name) for name in Arrival.__dataclass_fields__},
                "envelope": made.envelope.model_copy(update=update),
            }
        )

    def records(self) -> list[tuple[str, str, str | None]]:
        with database.transaction(self.url, read_only=True) as connection:
            return [(one.author, one.state, one.code) for one in pairings.records(connection, self.clock())]

    def approve(self, code: str) -> object:
        with database.transaction(self.url) as connection:
            return pairings.approve(connection, code, self.clock(), "operator:root")

    def revoke(self, who: str, channel: str | None = None) -> list[str]:
        with database.transaction(self.url) as connection:
            return [one.actor for one in pairings.revoke(connection, who, channel, self.clock(), "operator:root")]

    def audit(self) -> list[tuple[str, str, str]]:
        with database.transaction(self.url, read_only=True) as connection:
            return [(one.actor, one.target, one.outcome) for one in audit.read(connection, Entries(), 1000)]


@pytest.fixture
async def desk(url: str):
    clock = Clock()
    made = Desk(url, clock)
    made.store = await SqlStore.open(made.url, clock=clock)
    yield made
    await made.store.close()


async def test_a_stranger_is_sent_a_code_and_nothing_of_the_message_is_kept(desk: Desk) -> None:
    assert await desk.says("eve", code="BCDFGHJK") is Pairing.ASKED
    sent = await delivery(desk.store)
    assert (sent.payload, sent.envelope_id, sent.kind) == ({"text": "to eve"}, "p:1", "pairing")
    assert desk.records() == [("eve", "pending", "BCDFGHJK")]
    assert desk.audit() == [("p:eve", "p:eve", "asked")]
    with database.transaction(desk.url, read_only=True) as connection:
        (kept,) = reading.turns_of_envelope(connection, "p:1")
        assert reading.session_summaries(connection, 10) == []
    assert (kept.envelope.kind, kept.envelope.text, kept.envelope.raw, kept.status) == ("pairing", "", {}, "answered")
    assert await desk.store.recent_conversations("c", 10) == []
    with database.transaction(desk.url, read_only=True) as connection:
        stored = [row for table in metadata.sorted_tables for row in connection.execute(select(table))]
    assert "message 1" not in str(stored)


async def test_the_agent_sees_nothing_of_it(desk: Desk) -> None:
    await desk.says("eve")
    claimed = await delivery(desk.store)
    await desk.store.delivered(claimed, "m1")
    assert await nothing_to_do(desk.store)


async def test_once_in_an_hour_however_often_they_write(desk: Desk) -> None:
    assert await desk.says("eve", 1, code="BCDFGHJK") is Pairing.ASKED
    assert await desk.says("eve", 1) is Pairing.WAITS
    desk.clock.now += VALID_SECONDS - 1
    assert await desk.says("eve", 2) is Pairing.WAITS
    desk.clock.now += 1
    assert await desk.says("eve", 3, code="KJHGFDCB") is Pairing.ASKED
    assert desk.records() == [("eve", "pending", "KJHGFDCB")]
    assert len([one for one in desk.audit() if one[2] == "asked"]) == 2


async def test_after_the_approval_the_next_message_is_a_turn(desk: Desk) -> None:
    await desk.says("eve", 1, code="BCDFGHJK")
    desk.clock.now += 60
    assert not isinstance(desk.approve("BCDFGHJK"), str)
    assert await desk.store.paired_since("c", "eve") == desk.clock()
    assert await desk.says("eve", 2) is Accepted.TURN
    assert (await turn(desk.store)).envelope.text == "message 2"
    assert desk.records() == [("eve", "approved", None)]
    assert desk.audit()[-1] == ("operator:root", "p:eve", "approved")


async def test_what_was_said_before_the_approval_is_never_answered(desk: Desk) -> None:
    said_at = desk.clock()
    await desk.says("eve", 1, code="BCDFGHJK")
    desk.clock.now += 60
    desk.approve("BCDFGHJK")
    for number in (1, 2):
        assert await desk.says("eve", number, at=said_at + number, missed=True) is Pairing.TOO_EARLY
    assert await desk.says("eve", 3, at=desk.clock() + 1, missed=True) is Accepted.TURN


async def test_a_command_of_somebody_who_was_approved_just_after_it_is_no_message_to_the_agent(desk: Desk) -> None:
    said_at = desk.clock()
    await desk.says("eve", 1, code="BCDFGHJK")
    desk.clock.now += 60
    desk.approve("BCDFGHJK")
    assert await desk.says("eve", 2, at=said_at + 59, joins=False) is Pairing.TOO_EARLY
    assert await desk.says("eve", 3, at=desk.clock() + 1, joins=False) is Accepted.TURN


async def test_approval_counts_on_its_channel_and_for_that_person(desk: Desk) -> None:
    await desk.says("eve", 1, code="BCDFGHJK")
    desk.approve("BCDFGHJK")
    assert await desk.says("mallory", 2) is Pairing.ASKED
    assert await desk.says("eve", 3, channel="other") is Pairing.ASKED
    assert await desk.store.paired_since("other", "eve") is None


async def test_codes_outlive_the_process(desk: Desk) -> None:
    await desk.says("eve", 1, code="BCDFGHJK")
    await desk.store.close()
    desk.store = await SqlStore.open(desk.url, clock=desk.clock)
    assert await desk.says("eve", 2) is Pairing.WAITS
    desk.approve("BCDFGHJK")
    assert await desk.says("eve", 3) is Accepted.TURN


async def test_wrong_used_and_expired_codes_are_told_apart(desk: Desk) -> None:
    await desk.says("eve", 1, code="BCDFGHJK")
    assert "nobody waits with the code KKKK-KKKK" in str(desk.approve("KKKKKKKK"))
    desk.clock.now += VALID_SECONDS
    assert "the code BCDF-GHJK has expired" in str(desk.approve("BCDFGHJK"))
    assert desk.records() == []
    await desk.says("eve", 2, code="KJHGFDCB")
    desk.approve("KJHGFDCB")
    assert "nobody waits" in str(desk.approve("KJHGFDCB"))


async def test_revoking_ends_an_approval_and_makes_a_waiting_code_worthless(desk: Desk) -> None:
    await desk.says("eve", 1, code="BCDFGHJK")
    assert desk.revoke("p:eve") == ["p:eve"]
    assert "nobody waits" in str(desk.approve("BCDFGHJK"))
    assert (await desk.says("eve", 2), desk.records(), desk.revoke("eve")) == (Pairing.WAITS, [], [])
    desk.clock.now += VALID_SECONDS
    await desk.says("eve", 3, code="BCDFGHJK")
    desk.approve("BCDFGHJK")
    assert (desk.revoke("eve", "other"), desk.revoke("eve", "c")) == ([], ["p:eve"])
    assert await desk.says("eve", 4) is Pairing.ASKED
    assert [one[2] for one in desk.audit()] == ["asked", "revoked", "asked", "approved", "revoked", "asked"]


async def test_strangers_cannot_fill_the_store(desk: Desk) -> None:
    for number in range(MOST_PENDING + 5):
        outcome = await desk.says(f"u{number}", number)
        assert outcome is (Pairing.ASKED if number < MOST_PENDING else Pairing.FULL)
    assert len(desk.records()) == MOST_PENDING
    with database.transaction(desk.url, read_only=True) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM turns").scalar() == MOST_PENDING
    assert await desk.says("eve", 99, channel="other") is Pairing.ASKED
    desk.clock.now += VALID_SECONDS
    assert await desk.says("late", 100) is Pairing.ASKED


async def test_what_was_said_while_the_bridge_was_down_is_sent_a_code_once(desk: Desk) -> None:
    began = desk.clock()
    assert await desk.says("eve", 1, at=began - 60, missed=True, too_old="too old") is Pairing.TOO_EARLY
    assert await desk.says("eve", 1, at=began - 60, missed=True) is Pairing.ASKED
    desk.clock.now += 3 * VALID_SECONDS
    assert await desk.says("eve", 1, at=began - 60, missed=True) is Pairing.WAITS
    assert await desk.says("eve", 2, at=began + 60, missed=True) is Pairing.WAITS
    assert desk.records() == []


def test_codes_are_short_unambiguous_and_read_however_they_are_typed() -> None:
    codes = {pairing.new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert set("".join(codes)) == set(LETTERS)
    assert set(LETTERS).isdisjoint("0O1ILAEU5")
    for code in codes:
        shown = pairing.written(code)
        assert len(shown) == LENGTH + 1
        assert [pairing.read(text) for text in (shown, shown.lower(), f" {code} ", code)] == [code] * 4


@pytest.mark.parametrize("text", ["", "BCDF", "BCDF-GHJKK", "BCDF-GHJ0", "AAAA-AAAA", "BCDF_GHJK", "ßßßßßßßß", "pair"])
def test_what_can_be_no_code_is_none(text: str) -> None:
    assert pairing.read(text) is None
