"""`threadbridge dead` as a person types it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.channel import MessageRef
from bridge.store import database, dead
from bridge.store.protocol import TurnResult
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, result
from bridge.trace import trace_id
from tests.cli.typed import configured, typed
from tests.postgresql import PostgreSQL
from tests.store.conftest import somebody_waits


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """The store of a configuration with one channel and one instance, with a bridge on it."""
    opened = await SqlStore.open(configured(tmp_path))
    yield opened
    await opened.close()


async def dead_delivery(store: SqlStore, number: int = 1, thread: str = "t", **changes: Any) -> str:
    values: dict[str, Any] = {"channel": "slack"} | changes
    in_doubt = values.pop("in_doubt", False)
    await store.accept(arrival(number, thread, **values))
    (turn,) = await store.lease_turns("main", 1)
    await store.finish_turn(turn, result(f"the answer {number}"))
    (lease,) = await store.lease_deliveries(values["channel"], 1)
    await store.bury(lease, "the thread is [locked]", in_doubt=in_doubt)
    return lease.id


async def dead_turn(store: SqlStore, number: int = 1, thread: str = "t") -> str:
    await store.accept(arrival(number, thread, channel="slack"))
    (turn,) = await store.lease_turns("main", 1)
    await store.finish_turn(turn, TurnResult("failed", error="check base_url of [instances.main]"))
    return f"t{turn.seq}"


async def test_the_list_shows_what_died_where_and_why(tmp_path: Path, store: SqlStore) -> None:
    posted, asked = await dead_delivery(store), await dead_turn(store, 2, "u")
    lines = typed(tmp_path, "dead", "list").stdout.splitlines()
    assert [re.sub(r"\d+ s ago", "now", line).split() for line in lines] == [
        ["id", "when", "session", "channel", "kind", "why"],
        [asked, "now", "s-u", "slack", "turn", "check", "base_url", "of", "[instances.main]"],
        [posted, "now", "s-t", "slack", "reply", "the", "thread", "is", "[locked]"],
    ]


async def test_the_list_is_json_on_request(tmp_path: Path, store: SqlStore) -> None:
    posted = await dead_delivery(store, in_doubt=True)
    (found,) = json.loads(typed(tmp_path, "dead", "list", "--json").stdout)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("when"))
    assert found == {
        "id": posted, "session": "s-t", "channel": "slack", "kind": "reply", "why": "the thread is [locked]",
        "status": "dead_letter", "in_doubt": True, "turn": "t1",
    }  # fmt: skip


async def test_filters_choose_among_them(tmp_path: Path, store: SqlStore) -> None:
    posted, asked = await dead_delivery(store), await dead_turn(store, 2, "u")

    def ids(*filters: str) -> list[str]:
        return [one["id"] for one in json.loads(typed(tmp_path, "dead", "list", "--json", *filters).stdout)]

    assert ids("--session", "s-t") == [posted]
    assert ids("--channel", "slack", "--since", "2h") == [asked, posted]
    assert ids("--channel", "other") == ids("--since", "0s") == []


async def test_a_pipe_gets_one_line_for_each(tmp_path: Path, store: SqlStore) -> None:
    await store.accept(arrival(1, channel="slack"))
    (turn,) = await store.lease_turns("main", 1)
    await store.finish_turn(turn, TurnResult("failed", error="very long\nreason " * 50))
    lines = typed(tmp_path, "dead", "list").stdout.splitlines()
    assert (len(lines), lines[1].count("reason")) == (2, 50)


@pytest.mark.parametrize("since", ["yesterday", "2", "h", "-2h", "2y"])
def test_a_time_that_nobody_can_read_is_said(tmp_path: Path, since: str) -> None:
    done = typed(tmp_path, "dead", "list", f"--since={since}")
    said = f'threadbridge: --since "{since}": write a number and s, min, h, d or w, as in 2h\n'
    assert (done.returncode, done.stderr) == (1, said)


async def test_one_is_shown_with_what_was_asked_and_what_was_not_posted(tmp_path: Path, store: SqlStore) -> None:
    posted = await dead_delivery(store)
    shown = typed(tmp_path, "dead", "show", posted).stdout
    for words in (
        f"id          {posted}", "why         the thread is [locked]", "session     s-t", "channel     slack",
        "instance    main", f"trace       {trace_id('p:1')}", "message     p:1", "by          Ada (p:u)",
        "  | message 1", f"delivery    {posted} (reply 1: dead_letter)", "attempts    1", "  | the answer 1",
    ):  # fmt: skip
        assert f"\n{words}\n" in f"\n{shown}"
    assert "untouched" not in shown


async def test_everything_about_one_is_json_on_request(tmp_path: Path, store: SqlStore) -> None:
    await dead_delivery(store)
    asked = await dead_turn(store, 2)
    found = json.loads(typed(tmp_path, "dead", "show", asked, "--json").stdout)
    assert (found["id"], found["kind"], found["status"], found["why"]) == (
        asked, "turn", "failed", "check base_url of [instances.main]",
    )  # fmt: skip
    assert found["message"] | {"written": ""} == {
        "envelope": "p:2", "by": "p:u", "name": "Ada", "conversation": "t", "written": "", "text": "message 2",
    }  # fmt: skip
    assert (found["attempts"], found["deliveries"], found["trace"]) == (1, [], trace_id("p:2"))
    (posted,) = (one["id"] for one in json.loads(typed(tmp_path, "dead", "list", "--json").stdout)[1:])
    (part,) = json.loads(typed(tmp_path, "dead", "show", posted, "--json").stdout)["deliveries"]
    assert (part["text"], part["payload"]) == ("the answer 1", {"text": "the answer 1"})
    assert (part["attempts"], part["status"], part["error"], part["message_ref"]) == (
        1, "dead_letter", "the thread is [locked]", None,
    )  # fmt: skip


async def test_what_people_wrote_cannot_steer_the_terminal(tmp_path: Path, store: SqlStore) -> None:
    message = arrival(1, channel="slack")
    wrote = message.envelope.model_copy(update={"text": "\x1b[2Jone\r\n\ttwo [red]"})
    await store.accept(arrival(1, channel="slack", envelope=wrote))
    (turn,) = await store.lease_turns("main", 1)
    await store.finish_turn(turn, TurnResult("failed", error="\x1b]0;mine\x07"))
    shown = typed(tmp_path, "dead", "show", "t1").stdout + typed(tmp_path, "dead", "list").stdout
    assert not {"\x1b", "\x07", "\r"} & set(shown)
    assert "  | �[2Jone�\n  |     two [red]\n" in shown


async def test_of_several_of_which_somebody_opens_one_at_the_same_time_none_is_opened(
    tmp_path: Path, postgresql: PostgreSQL
) -> None:
    file, url = configured(tmp_path).rpartition("/")[2], postgresql.database("dead_at_once")
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace(f"sqlite:///{file}", url))
    store = await SqlStore.open(url)
    one, other = await dead_turn(store, 1, "t"), await dead_turn(store, 2, "u")
    with database.transaction(url) as connection:
        assert dead.retry(connection, dead.named(connection, [one])[0])
        done = asyncio.ensure_future(asyncio.to_thread(typed, tmp_path, "dead", "retry", one, other))
        await somebody_waits(url)
    said = f"threadbridge: {one} is no dead letter: it is open\nthreadbridge: nothing was changed\n"
    assert ((await done).returncode, (await done).stderr) == (1, said)
    assert [f"t{lease.seq}" for lease in await store.lease_turns("main", 9)] == [one]
    await store.close()


async def test_a_retry_opens_what_is_named_and_says_so(tmp_path: Path, store: SqlStore) -> None:
    posted, asked = await dead_delivery(store), await dead_turn(store, 2, "u")
    done = typed(tmp_path, "dead", "retry", posted, asked)
    assert (done.returncode, done.stdout) == (0, f"{posted}: opened again\n{asked}: opened again for main\n")
    assert typed(tmp_path, "dead", "list").stdout == "There is no dead letter.\n"
    assert [lease.id for lease in await store.lease_deliveries("slack", 9)] == [posted]
    assert [f"t{lease.seq}" for lease in await store.lease_turns("main", 9)] == [asked]


async def test_a_retry_says_what_may_be_there_already(tmp_path: Path, store: SqlStore) -> None:
    posted = await dead_delivery(store, in_doubt=True)
    assert typed(tmp_path, "dead", "retry", posted).stdout == (
        f"{posted}: opened again; it may have been posted, so it is looked for first\n"
    )


async def test_a_retry_says_that_a_channel_is_not_there_any_more(tmp_path: Path, store: SqlStore) -> None:
    posted = await dead_delivery(store, channel="old")
    assert typed(tmp_path, "dead", "retry", posted).stdout == (
        f"{posted}: opened again; it waits, there is no [channels.old]\n"
    )


async def test_all_are_meant_only_where_that_is_said(tmp_path: Path, store: SqlStore) -> None:
    posted, asked = await dead_delivery(store), await dead_turn(store, 2, "u")
    for arguments, said in (
        ((), "name the ids as `threadbridge dead list` shows them, or write --all instead"),
        ((posted, "--all"), "name the ids as `threadbridge dead list` shows them, or write --all instead"),
        ((posted, "--session", "s-t"), "--channel, --session and --since go with --all, not with ids"),
    ):
        for command in ("retry", "drop"):
            done = typed(tmp_path, "dead", command, *arguments)
            assert (done.returncode, done.stdout, done.stderr) == (1, "", f"threadbridge: {said}\n")
    assert typed(tmp_path, "dead", "drop", "--all", "--session", "s-t").stdout == f"{posted}: dropped\n"
    assert typed(tmp_path, "dead", "retry", "--all").stdout == f"{asked}: opened again for main\n"
    assert typed(tmp_path, "dead", "retry", "--all").stdout == "There is no such dead letter.\n"


async def test_one_wrong_id_is_said_and_nothing_is_changed(tmp_path: Path, store: SqlStore) -> None:
    posted = await dead_delivery(store)
    await store.accept(arrival(2, channel="slack"))
    for command in ("retry", "drop"):
        done = typed(tmp_path, "dead", command, posted, "t99", "d99", "t2")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines() == [
            'threadbridge: there is no delivery or turn "t99": `threadbridge dead list` shows what there is',
            'threadbridge: there is no delivery or turn "d99": `threadbridge dead list` shows what there is',
            "threadbridge: t2 is no dead letter: it is open",
            "threadbridge: nothing was changed",
        ]
    assert [one["id"] for one in json.loads(typed(tmp_path, "dead", "list", "--json").stdout)] == [posted]
    assert typed(tmp_path, "dead", "show", "t2").stderr == "threadbridge: t2 is no dead letter: it is open\n"


async def test_what_was_dropped_is_listed_on_request(tmp_path: Path, store: SqlStore) -> None:
    posted = await dead_delivery(store)
    assert typed(tmp_path, "dead", "drop", posted).stdout == f"{posted}: dropped\n"
    assert typed(tmp_path, "dead", "list").stdout == "There is no dead letter.\n"
    header, line = typed(tmp_path, "dead", "list", "--dropped").stdout.splitlines()
    assert (header.split()[5], line.split()[0], line.split()[7]) == ("status", posted, "dropped")
    assert "opened again" in typed(tmp_path, "dead", "retry", posted).stdout


async def test_sessions_shows_how_many_are_dead(tmp_path: Path, store: SqlStore) -> None:
    posted = await dead_delivery(store)
    await dead_turn(store, 2)

    def dead() -> int:
        return json.loads(typed(tmp_path, "sessions", "--json").stdout)[0]["dead"]

    assert dead() == 2
    typed(tmp_path, "dead", "drop", "t2")
    typed(tmp_path, "dead", "retry", posted)
    assert dead() == 0
    (lease,) = await store.lease_deliveries("slack", 1)
    await store.delivered(lease, MessageRef("m1"))


def test_without_a_store_it_says_so(tmp_path: Path) -> None:
    configured(tmp_path)
    for arguments in (("list",), ("show", "t1"), ("retry", "--all"), ("drop", "t1")):
        done = typed(tmp_path, "dead", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert "there is no store at" in done.stderr
    assert not (tmp_path / "threadbridge.db").exists()


async def test_what_was_done_is_noted_in_the_audit(tmp_path: Path, store: SqlStore) -> None:
    delivery, turn = await dead_delivery(store), await dead_turn(store, 2, "u")
    typed(tmp_path, "dead", "drop", delivery)
    typed(tmp_path, "dead", "retry", "--all")
    noted = json.loads(typed(tmp_path, "audit", "--json").stdout)
    assert [(one["action"], one["target"], one["channel"]) for one in noted] == [
        ("dead drop", delivery, "slack"), ("dead retry", turn, "slack"),
    ]  # fmt: skip
    assert all(one["actor"].startswith("operator:") for one in noted)
