"""One and several processes on a store are still measured, in the smallest size, and counted rightly."""

import json

import pytest

from bench import cluster, plans, shared_bridge, shared_store
from bench.figures import Figure
from bench.platforms import PLATFORMS
from bench.store import repeated
from bridge.store import database
from tests.postgresql import PostgreSQL

STORE, BRIDGE = cluster.SMALLEST.store, cluster.SMALLEST.bridge


def no_server() -> float:
    return 0.0


def test_every_tenth_message_comes_twice() -> None:
    assert repeated(range(9, 12)) == [9, 10, 10, 11]


def test_a_ratio_is_taken_to_the_first_column_of_the_same_round() -> None:
    rounds = [
        {"SQLite": {"idle": 1.0}, "PostgreSQL": {"idle": 2.0}},
        {"SQLite": {"idle": 4.0}, "PostgreSQL": {"idle": 8.0}},
    ]

    lines = cluster.table("title", [Figure("idle", "idle", "ms"), Figure("cpu", "not measured", "s")], rounds)

    assert [line.split() for line in lines.splitlines()] == [
        ["title", "SQLite", "PostgreSQL"],
        ["idle,", "ms", "2.5", "5.0", "(2.00×)"],
    ]


async def test_the_store_in_a_file_is_measured_by_one_process(tmp_path: object) -> None:
    found = await shared_store.measure(f"sqlite:///{tmp_path}/bench.db", 1, STORE, no_server)

    assert found.keys() == {"idle", "accepted", "whole", "cpu", "server_cpu", "least_share"}
    assert found["least_share"] == 100


@pytest.mark.timeout(120)
async def test_two_processes_share_a_store_and_one_takes_over(postgresql: PostgreSQL) -> None:
    found = await shared_store.measure(postgresql.database("bench_two"), 2, STORE, no_server)
    assert 0 <= found["least_share"] <= 50

    assert await shared_store.idle_elsewhere(postgresql.database("bench_elsewhere"), STORE) > 0

    first, last = await shared_store.takeover(postgresql.database("bench_takeover"), STORE)
    assert first <= last


@pytest.mark.timeout(120)
async def test_two_bridges_on_a_store_answer_everything_and_one_takes_over(postgresql: PostgreSQL) -> None:
    found = await shared_bridge.measure(PLATFORMS["slack"], postgresql.database("bench_bridges"), 2, BRIDGE, no_server)
    assert (found["missing"], found["doubled"]) == (0, 0)

    first, last = await shared_bridge.takeover(PLATFORMS["slack"], postgresql.database("bench_heir"), BRIDGE)
    assert first <= last


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("postgresql")
async def test_a_long_history_is_written_and_measured(capsys: pytest.CaptureFixture[str]) -> None:
    found = await cluster.run_long(1, cluster.SMALLEST, turns=20, sessions=4)

    assert json.loads(json.dumps(found)) == found
    assert set(found) == {"SQLite", "PostgreSQL"}
    assert "open_turns: " in capsys.readouterr().out


def test_the_claim_finds_what_is_free_by_an_index_whatever_is_known_of_the_tables(postgresql: PostgreSQL) -> None:
    url = postgresql.database("bench_plans")
    database.migrate_at(url)

    assert [line for line in plans.scans(url) if "not by an index" in line] == []
