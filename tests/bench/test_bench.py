"""The benchmark still runs, and counts what it claims to count."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bench import recovery, rendering, store
from bench.figures import GROUPS, percentile, ratios, table
from bench.heartbeats import most_at_once
from bench.platforms import BEATING, PLATFORMS
from bench.stage import BenchError, number_in, out_of_order

COUNTED = ("missing", "doubled", "out_of_order")


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert [percentile([4.0, 1.0, 3.0, 2.0], percent) for percent in (0, 50, 75, 99)] == [1.0, 2.0, 3.0, 4.0]


def test_ratios_are_taken_pair_by_pair_and_not_of_zero() -> None:
    rounds = [{"bare": {"cpu": 2.0}, "bridge": {"cpu": 1.0}}, {"bare": {"cpu": 0.0}, "bridge": {"cpu": 1.0}}]

    assert ratios(rounds, "cpu") == [0.5]


def test_every_figure_has_its_line() -> None:
    values = {figure.key: 1.0 for figures in GROUPS.values() for figure in figures}

    lines = table([{"bare": values, "bridge": values}]).splitlines()

    assert len(lines) == len(values) + 2 * len(GROUPS)


def test_what_was_not_measured_has_no_line() -> None:
    values = {"start": 1.0, "cpu": 2.0}

    lines = table([{"bare": values, "bridge": values}]).split()

    assert "connected," in lines
    assert "CPU" in lines
    assert "heartbeats:" not in lines


def test_answers_that_a_later_one_overtook_are_counted_once_each() -> None:
    assert out_of_order([1, 2, 2, 3]) == 0
    assert out_of_order([3, 1, 2, 4]) == 2


def test_an_answer_to_nothing_is_an_error() -> None:
    assert number_in("You said: number 17") == 17
    with pytest.raises(BenchError):
        number_in("Sorry")


def test_turns_in_flight_are_those_that_ran_at_the_same_time() -> None:
    times: list[tuple[float, float | None]] = [(0.0, 2.0), (1.0, 3.0), (2.0, 4.0), (1.5, None)]

    assert most_at_once(times) == 3


@pytest.mark.parametrize("platform", PLATFORMS)
def test_threads_that_were_there_before_tell_nobody(platform: str) -> None:
    there = PLATFORMS[platform]()

    threads = there.old_threads(3)

    assert len({there.known(thread) for thread in threads}) == 3
    assert there.delivered() == 0


@pytest.mark.timeout(240)
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_tiny_round_measures_both_bots_and_nothing_is_lost(platform: str, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    sizes = {"rounds": 1, "idle": 2, "threads": 2, "per-thread": 2, "known": 4, "in-flight": 3, "held": 1}
    options = (f"--platform={platform}", f"--json={file}", *(f"--{name}={value}" for name, value in sizes.items()))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench", *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()
    summary = json.loads(file.read_text(encoding="utf-8"))["platforms"][platform]["summary"]
    for key in (*COUNTED, *(f"known_{counted}" for counted in COUNTED)):
        assert summary[key] == {"bare": 0, "bridge": 0, "ratio": None}
    assert (summary.get("beat_in_flight") == {"bare": 3, "bridge": 3, "ratio": 1}) == (platform in BEATING)


async def test_the_store_is_measured_alone(tmp_path: Path) -> None:
    accepted, whole = await store.measure(f"sqlite:///{tmp_path / 'bench.db'}", 20)

    assert accepted > 0
    assert whole > 0


def test_rendering_is_measured_with_answers_that_repeat_nothing() -> None:
    assert rendering.answer("a N\n", 12) == "a 0\na 1\na 2\n"
    assert rendering.measure(lambda text: [{"text": text}], "hello") >= 0


async def test_a_killed_bridge_goes_on_with_what_was_unfinished() -> None:
    assert await recovery.measure(PLATFORMS["slack"], 5) > 0
