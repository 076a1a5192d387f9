"""Rules that are read again, over a real store."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bridge import config
from bridge.config import Config
from bridge.registry import CHANNELS, INSTANCES, Registry
from bridge.reload import Reloading, Report
from bridge.rules import Rules
from bridge.store import audit, database, processes
from bridge.store.audit import Entries
from bridge.store.sqlstore import SqlStore

ENVIRONMENT = {"TOKEN": "a", "OTHER": "b"}
BASE = """
[instances.main]
type = "echo"
[channels.c]
type = "discord"
token = "env:TOKEN"
"""
RULE = '[[rules]]\nchannel = "c"\ninstance = "main"\nusers = ["{user}"]\n'


class Bench:
    """A configuration file, what began with it, and the store."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.toml"
        self.url = f"sqlite:///{folder / 'store.db'}"
        self.write(BASE + RULE.format(user="one"))
        running = self.read()
        self.rules = Rules(running.rules)
        self.running = running

    def write(self, text: str) -> None:
        self.path.write_text(text, encoding="utf-8")

    def read(self) -> Config:
        types = {"channel_types": Registry(CHANNELS), "instance_types": Registry(INSTANCES)}
        return config.load(self.path, **types, environ=ENVIRONMENT)

    def users(self) -> list[tuple[str, ...]]:
        return [rule.users for rule in self.rules.current]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    made.store = await SqlStore.open(made.url)
    made.reloading = Reloading(made.running, made.rules, made.store, made.read)
    yield made
    await made.store.close()


async def test_new_rules_are_taken_over(bench: Bench) -> None:
    bench.write(BASE + RULE.format(user="two") + RULE.format(user="three"))
    assert await bench.reloading.reload() == Report(2)
    assert bench.users() == [("two",), ("three",)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rules", "is no valid TOML"),
        (BASE + RULE.format(user="@two"), 'rules[1].users: "@two" is a name'),
        (BASE + RULE.format(user="two") + "grups = ['1']\n", "rules[1].grups: there is no such key"),
        (BASE + RULE.format(user="two").replace("main", "mein"), 'there is no [instances.mein] (did you mean "main"?)'),
        (BASE.replace("TOKEN", "GONE") + RULE.format(user="two"), "the variable GONE is not set"),
        (
            BASE + '[instances.new]\ntype = "echo"\n' + RULE.format(user="two").replace("main", "new"),
            "rules[1]: [instances.new] does not run yet: restart threadbridge",
        ),
        (
            BASE
            + '[channels.d]\ntype = "discord"\ntoken = "env:TOKEN"\n'
            + RULE.format(user="two").replace('"c"', '"d"'),
            "rules[1].channel: [channels.d] does not run yet: restart threadbridge",
        ),
    ],
)
async def test_a_file_with_an_error_changes_nothing(bench: Bench, text: str, said: str) -> None:
    bench.write(text)
    report = await bench.reloading.reload()
    assert (report.rules, [one for one in report.problems if said in one] != []) == (1, True), report
    assert bench.users() == [("one",)]


async def test_every_error_is_told_at_once(bench: Bench) -> None:
    bench.write(BASE + RULE.format(user="@two") + RULE.format(user="two").replace("main", "x") + "[bridge]\nhttp = 'x'")
    assert len((await bench.reloading.reload()).problems) == 3


async def test_a_file_that_is_gone_changes_nothing(bench: Bench) -> None:
    bench.path.unlink()
    assert "is not there" in (await bench.reloading.reload()).problems[0]
    assert bench.users() == [("one",)]


async def test_what_needs_a_restart_is_named_and_the_rules_count_all_the_same(bench: Bench) -> None:
    bench.write(
        '[bridge]\nmention = true\n' + BASE.replace("TOKEN", "OTHER") + '[instances.new]\ntype = "echo"\n'
        + RULE.format(user="two")
    )  # fmt: skip
    report = await bench.reloading.reload()
    assert report == Report(1, restart=("[bridge]", "[instances.new]", "[channels.c]"))
    assert bench.users() == [("two",)]


async def test_no_rules_are_rules_too_and_warned_of(bench: Bench) -> None:
    bench.write(BASE)
    report = await bench.reloading.reload()
    assert (report.rules, bench.users()) == (0, [])
    assert "there is no [[rules]]: nobody will be answered" in report.warnings


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await found():  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.02)


async def test_whoever_asks_in_the_store_is_answered_and_it_is_noted(bench: Bench) -> None:
    running = asyncio.create_task(bench.reloading.run())

    async def alive() -> bool:
        with database.transaction(bench.url, read_only=True) as connection:
            return len(processes.running(connection, time.time())) == 1

    await until(alive)
    bench.write(BASE + RULE.format(user="two"))
    with database.transaction(bench.url) as connection:
        asked = processes.ask(connection, "operator:ada", time.time())

    async def answered() -> bool:
        with database.transaction(bench.url, read_only=True) as connection:
            return [Report.read(one) for one in processes.answers(connection, asked).values()] == [Report(1)]

    await until(answered)
    assert bench.users() == [("two",)]
    running.cancel()
    with database.transaction(bench.url, read_only=True) as connection:
        (noted,) = audit.read(connection, Entries(), 10)
    assert (noted.actor, noted.action, noted.outcome) == ("operator:ada", "reload", "done")


def test_a_report_is_read_as_it_was_written() -> None:
    report = Report(3, problems=("a",), restart=("[bridge]",), warnings=("ü",))
    assert Report.read(report.written()) == report
    assert json.loads(report.written())["warnings"] == ["ü"]
