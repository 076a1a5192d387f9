from dataclasses import replace
from pathlib import Path

import pytest

from bridge.channel import Facts
from bridge.envelope import Conversation
from bridge.errors import StoreError
from bridge.intake import Intake
from bridge.rules import Rule, Rules
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, nothing_to_do, turn
from tests.scripted import orders

ENVELOPE = arrival(1).envelope
FACTS = Facts("T", "C", "u", ("T", "C", "1"), direct=False, addressed=True, in_thread=False, author_is_bot=False)
RULES = [Rule(channel="c", instance="main", rooms=("*", "dm"), dm_session="channel")]


async def test_what_accept_returned_for_is_committed(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    await Intake(store, Rules(RULES), "c", orders(store)).accept(ENVELOPE, FACTS)
    await store.close()
    again = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    lease = await turn(again)
    assert (lease.session, lease.envelope) == ("p-t-c-1", ENVELOPE)
    await again.close()


async def test_what_no_rule_admits_leaves_no_trace(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    await Intake(store, Rules(), "c", orders(store)).accept(ENVELOPE, FACTS)
    await Intake(store, Rules(RULES), "c", orders(store)).accept(ENVELOPE, replace(FACTS, addressed=False))
    await Intake(store, Rules(RULES), "c", orders(store)).accept(ENVELOPE, replace(FACTS, author_is_bot=True))
    assert await nothing_to_do(store)
    await store.close()


async def test_the_answer_goes_where_policy_says(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    room = Conversation(source="p", ref="room")
    await Intake(store, Rules(RULES), "c", orders(store)).accept(ENVELOPE, replace(FACTS, direct=True, unthreaded=room))
    assert (await turn(store)).envelope.conversation == room
    await store.close()


async def test_what_cannot_be_committed_is_not_accepted(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    await store.close()
    with pytest.raises(StoreError):
        await Intake(store, Rules(RULES), "c", orders(store)).accept(ENVELOPE, FACTS)


@pytest.mark.parametrize(
    ("text", "kind"), [("!Retry", "command"), ("!retry it", "message"), ("!frobnicate", "message")]
)
async def test_a_message_that_is_a_command_is_marked_as_one(tmp_path: Path, text: str, kind: str) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    said = ENVELOPE.model_copy(update={"text": text})
    await Intake(store, Rules(RULES), "c", orders(store)).accept(said, FACTS)
    assert (await turn(store)).envelope == said.model_copy(update={"kind": kind})
    await store.close()


async def test_a_command_that_was_found_too_late_is_not_even_listed(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    said = ENVELOPE.model_copy(update={"text": "!retry"})
    assert await Intake(store, Rules(RULES), "c", orders(store)).accept_missed(said, FACTS, too_old="30 hours") is None
    assert await nothing_to_do(store)
    await store.close()
