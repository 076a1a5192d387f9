"""Many sessions, duplicates, failures and kills: nothing lost, nothing twice, nothing out of order."""

import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

MESSAGES, SESSIONS, KILLS = 400, 40, 12


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again_every_message_is_posted_once_and_in_order(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    kills = 0
    while True:
        command = [
            sys.executable,
            "-m",
            "tests.store.worker",
            str(tmp_path),
            str(MESSAGES),
            str(SESSIONS),
            str(seed + kills),
        ]
        worker = subprocess.Popen(command)
        try:
            # Killed at any moment of its life: while it starts, accepts, answers or posts.
            ended = worker.wait(timeout=chance.uniform(0.4, 1.4) if kills < KILLS else 60)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
            kills += 1
        else:
            assert ended == 0
            break
    accepted = {int(line) for line in (tmp_path / "accepted").read_text().split()}
    posted = [line.split() for line in (tmp_path / "posted").read_text().splitlines()]
    by_session: dict[str, list[int]] = defaultdict(list)
    for _, session, envelope in posted:
        by_session[session].append(int(envelope.removeprefix("p:")))
    assert kills > 0
    assert accepted == set(range(MESSAGES))
    assert sorted(number for numbers in by_session.values() for number in numbers) == list(range(MESSAGES))
    assert {session: numbers for session, numbers in by_session.items() if numbers != sorted(numbers)} == {}
    assert len({delivery for delivery, _, _ in posted}) == MESSAGES
