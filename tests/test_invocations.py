from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge import notices
from bridge.actions import Invocation
from bridge.channel import Facts
from bridge.errors import StoreError
from bridge.invocations import Invocations
from bridge.rules import Rule, Rules
from bridge.session import user_session
from bridge.store.protocol import TurnResult
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, nothing_to_do, turn
from tests.scripted import orders

FACTS = Facts("T", "C", "ada", ("T", "C", "1"), direct=False, addressed=True, in_thread=True, author_is_bot=False)
THREAD = "p-t-c-1"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    await opened.close()


def door(store: SqlStore, **rule: Any) -> Invocations:
    values: dict[str, Any] = {"channel": "c", "instance": "main", "users": ("ada",), "rooms": ("*", "dm"), **rule}
    return Invocations(store, Rules([Rule(**values)]), "c", orders(store))


def invocation(words: str, number: int = 100, *, beside_threads: bool = False, **facts: Any) -> Invocation:
    envelope = arrival(number).envelope.model_copy(update={"text": words})
    return Invocation(envelope, replace(FACTS, **facts), beside_threads)


async def ask(store: SqlStore, number: int = 1, **changes: Any) -> None:
    await store.accept(arrival(number, **{"thread": THREAD, "session": THREAD, **changes}))


async def test_what_is_invoked_takes_effect_and_the_person_is_told_and_nothing_is_posted(store: SqlStore) -> None:
    await ask(store)
    said = await door(store).take(invocation("stop"))
    assert said == notices.DROPPED
    assert await nothing_to_do(store)
    assert await door(store).take(invocation("stop")) == notices.DONE_BEFORE
    assert await door(store).take(invocation("stop", 101)) == notices.NOTHING_RUNS


@pytest.mark.parametrize("facts", [{"author": "eve"}, {"author_is_bot": True}, {"workspace": "X"}])
@pytest.mark.parametrize("words", ["stop", "new", "status", "help", "link ABC-1", "frobnicate", ""])
async def test_whom_no_rule_admits_there_changes_and_learns_nothing(
    store: SqlStore, words: str, facts: dict[str, Any]
) -> None:
    await ask(store)
    assert await door(store, workspaces=("T",)).take(invocation(words, **facts)) == notices.NOT_FOR_YOU
    assert (await turn(store)).session == THREAD


@pytest.mark.parametrize("words", ["stop", "new", "retry", "unlink", "status"])
async def test_where_nothing_was_asked_yet_that_is_said_and_it_leaves_no_trace(store: SqlStore, words: str) -> None:
    assert await door(store).take(invocation(words)) == notices.NOTHING_YET
    assert await store.standing(arrival(1, thread=THREAD, session=THREAD)) is None


async def test_help_is_for_everybody_who_is_admitted_and_writes_nothing(store: SqlStore) -> None:
    await store.close()
    said = await door(store).take(invocation("", beside_threads=True))
    assert said == notices.HELP.format(instance="main")


async def test_other_words_change_nothing(store: SqlStore) -> None:
    await ask(store)
    assert await door(store).take(invocation("stop it please")) == notices.NO_WORD
    assert (await turn(store)).session == THREAD


async def test_a_ticket_is_linked_also_before_anything_was_asked(store: SqlStore) -> None:
    assert await door(store).take(invocation("link ABC-123")) == notices.linked("ticket-abc-123")
    await ask(store)
    assert (await turn(store)).session == "ticket-abc-123"
    assert await door(store).take(invocation("link", 101)) == notices.WHICH_TICKET


@pytest.mark.parametrize("words", ["stop", "retry", "new", "status", "link ABC-1", "unlink"])
async def test_beside_threads_that_are_conversations_of_their_own_it_says_where_to_write(
    store: SqlStore, words: str
) -> None:
    beside = {"beside_threads": True, "in_thread": False, "thread": ("T", "C")}
    said = await door(store).take(invocation(words, **beside))
    assert f"`!{words.split(maxsplit=1)[0]}`" in said
    assert ("button" in said) == (words in ("stop", "retry"))
    assert await store.standing(arrival(1, thread="p-t-c", session="p-t-c")) is None


@pytest.mark.parametrize(
    ("rule", "direct", "session"),
    [
        ({"session": "room"}, False, "p-t-room-c"),
        ({"session": "user"}, False, user_session("p", "T", "ada")),
        ({"dm_session": "channel"}, True, "p-t-c"),
    ],
)
async def test_beside_threads_of_one_session_it_means_that_session(
    store: SqlStore, rule: dict[str, Any], direct: bool, session: str
) -> None:
    await ask(store, session=session, binds_thread=False)
    await store.finish_turn(await turn(store), TurnResult("failed", error="no"))
    beside = {"beside_threads": True, "in_thread": False, "thread": ("T", "C"), "direct": direct}
    take = door(store, **rule).take
    assert f"session `{session}`" in await take(invocation("status", **beside))
    assert await take(invocation("retry", **beside)) == notices.ASKED_AGAIN
    assert await take(invocation("stop", 101, **beside)) == notices.DROPPED
    assert await take(invocation("new", 102, **beside)) == notices.BEGUN_ANEW
    assert f"session `{session}-2`" in await take(invocation("status", 103, **beside))


async def test_what_cannot_be_committed_is_not_acknowledged(store: SqlStore) -> None:
    await store.close()
    with pytest.raises(StoreError):
        await door(store).take(invocation("stop"))
