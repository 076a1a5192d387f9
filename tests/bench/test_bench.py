"""The benchmark still runs, and counts what it claims to count."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bench.figures import GROUPS, percentile, ratios, table
from bench.stage import BenchError, number_in, out_of_order


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert [percentile([4.0, 1.0, 3.0, 2.0], percent) for percent in (0, 50, 75, 99)] == [1.0, 2.0, 3.0, 4.0]


def test_ratios_are_taken_pair_by_pair_and_not_of_zero() -> None:
    rounds = [{"bare": {"cpu": 2.0}, "bridge": {"cpu": 1.0}}, {"bare": {"cpu": 0.0}, "bridge": {"cpu": 1.0}}]

    assert ratios(rounds, "cpu") == [0.5]


def test_every_figure_has_its_line() -> None:
    values = {figure.key: 1.0 for figures in GROUPS.values() for figure in figures}

    lines = table([{"bare": values, "bridge": values}]).splitlines()

    assert len(lines) == len(values) + 2 * len(GROUPS)


def test_answers_that_a_later_one_overtook_are_counted_once_each() -> None:
    assert out_of_order([1, 2, 2, 3]) == 0
    assert out_of_order([3, 1, 2, 4]) == 2


def test_an_answer_to_nothing_is_an_error() -> None:
    assert number_in("You said: number 17") == 17
    with pytest.raises(BenchError):
        number_in("Sorry")


async def test_a_tiny_round_measures_both_bots_and_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    options = ("--rounds=1", "--idle=2", "--threads=2", "--per-thread=2", "--known=4", f"--json={file}")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench", *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()
    summary = json.loads(file.read_text(encoding="utf-8"))["summary"]
    for key in ("missing", "doubled", "out_of_order", "known_missing", "known_doubled", "known_out_of_order"):
        assert summary[key] == {"bare": 0, "bridge": 0, "ratio": None}
