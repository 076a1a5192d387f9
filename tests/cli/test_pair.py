"""`threadbridge pair` and `threadbridge audit` as a person types them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.store.access import Offer
from bridge.store.audit import Entry
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival
from tests.cli.typed import configured, typed


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """The store of a configuration, with a bridge on it."""
    opened = await SqlStore.open(configured(tmp_path))
    yield opened
    await opened.close()


async def asked(store: SqlStore, code: str = "BCDFGHJK", number: int = 1, author: str = "u") -> None:
    await store.accept_paired(arrival(number, channel="slack", direct=True), Offer(author, code, [{"text": "hi"}]))


async def test_who_waits_is_listed_with_the_code_and_approved_by_it(tmp_path: Path, store: SqlStore) -> None:
    assert typed(tmp_path, "pair", "list").stdout == "Nobody waits, and nobody was approved.\n"
    await asked(store)
    (line,) = typed(tmp_path, "pair", "list").stdout.splitlines()[1:]
    assert line.split() == ["BCDF-GHJK", "p:u", "Ada", "slack", "0", "s", "ago", "waits", "for", "60", "min"]
    done = typed(tmp_path, "pair", "approve", " bcdf-ghjk")
    said = "p:u (Ada) is approved on slack: the next direct message is answered\n"
    assert (done.returncode, done.stdout) == (0, said)
    (shown,) = json.loads(typed(tmp_path, "pair", "list", "--json").stdout)
    assert (shown["state"], shown["code"], shown["author"]) == ("approved", None, "u")
    assert typed(tmp_path, "pair", "list").stdout.splitlines()[1].split()[-1] == "approved"
    revoked = typed(tmp_path, "pair", "revoke", "p:u")
    assert revoked.stdout == "p:u (Ada) on slack: is approved no more\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("approve", "BCDF"), '"BCDF" is no code: it has 8 letters, as in BCDF-GHJK'),
        (("approve", "0CDF-GHJK"), '"0CDF-GHJK" is no code: it has 8 letters, as in BCDF-GHJK'),
        (("approve", "KCDF-GHJK"), "nobody waits with the code KCDF-GHJK: it was mistyped, or used already"),
        (("revoke", "@ada"), 'nobody called "@ada" is approved or waits: `threadbridge pair list` shows who'),
        (("revoke", "p:u", "--channel", "other"), 'nobody called "p:u" is approved or waits on other'),
    ],
)
async def test_what_cannot_be_done_is_said_and_changes_nothing(
    tmp_path: Path, store: SqlStore, arguments: tuple[str, ...], said: str
) -> None:
    await asked(store)
    before = typed(tmp_path, "pair", "list", "--json").stdout
    done = typed(tmp_path, "pair", *arguments)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    assert typed(tmp_path, "pair", "list", "--json").stdout == before


async def test_without_a_store_it_says_so(tmp_path: Path) -> None:
    configured(tmp_path)
    done = typed(tmp_path, "pair", "approve", "BCDF-GHJK")
    assert (done.returncode, "there is no store" in done.stderr) == (1, True)


async def test_the_audit_lists_the_newest_last_and_filters(tmp_path: Path, store: SqlStore) -> None:
    assert typed(tmp_path, "audit").stdout == "Nothing of that is noted.\n"
    await store.note([Entry("slack:U1", "access", "C1", "refused", "slack"), Entry("slack:U2", "!new", "s", "done")])
    lines = typed(tmp_path, "audit").stdout.splitlines()
    assert [line.split()[1:] for line in lines[1:]] == [
        ["slack", "slack:U1", "access", "C1", "refused"], ["slack:U2", "!new", "s", "done"],
    ]  # fmt: skip
    for option in (["--actor", "slack:U1"], ["--channel", "slack"], ["--channel", "slack", "--since", "1min"]):
        (found,) = json.loads(typed(tmp_path, "audit", "--json", *option).stdout)
        assert (found["actor"], found["action"], found["target"], found["outcome"]) == (
            "slack:U1", "access", "C1", "refused",
        )  # fmt: skip
    wrong = typed(tmp_path, "audit", "--since", "yesterday")
    assert (wrong.returncode, "write a number and s, min, h, d or w" in wrong.stderr) == (1, True)
