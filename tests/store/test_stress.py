"""Many sessions, duplicates, failures and kills: nothing lost, nothing twice, nothing out of order."""

import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.conftest import ON_POSTGRESQL

MESSAGES, SESSIONS, KILLS = 400, 40, 12
TOGETHER, STOPPED = 3, 2.5


class Workers:
    """So many of them on one store, started again whenever one is killed, until all is posted."""

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self.folder = folder
        self._command = [sys.executable, "-m", "tests.store.worker", url, str(folder), str(MESSAGES), str(SESSIONS)]
        self._chance = random.Random(seed)
        self._started = seed

    def start(self) -> "subprocess.Popen[bytes]":
        self._started += 1
        return subprocess.Popen([*self._command, str(self._started)])

    def run(self, together: int, kills: int, trouble: Callable[["subprocess.Popen[bytes]"], None]) -> int:
        """Each trouble at any moment of its life: while it starts, accepts, answers or posts. How many there were."""
        workers, troubles = [self.start() for _ in range(together)], 0
        try:
            while troubles < kills and all(worker.poll() is None for worker in workers):
                time.sleep(self._chance.uniform(0.4, 1.4) / together)
                unlucky = self._chance.randrange(together)
                trouble(workers[unlucky])
                troubles += 1
                if workers[unlucky].poll() is not None:
                    workers[unlucky] = self.start()
            for worker in workers:
                assert worker.wait(timeout=60) == 0
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        return troubles

    def judge(self) -> None:
        accepted = {int(line) for line in (self.folder / "accepted").read_text().split()}
        posted = [line.split() for line in (self.folder / "posted").read_text().splitlines()]
        by_session: dict[str, list[int]] = defaultdict(list)
        for _, session, envelope in posted:
            by_session[session].append(int(envelope.removeprefix("p:")))
        assert accepted == set(range(MESSAGES))
        assert sorted(number for numbers in by_session.values() for number in numbers) == list(range(MESSAGES))
        assert {session: numbers for session, numbers in by_session.items() if numbers != sorted(numbers)} == {}
        assert len({delivery for delivery, _, _ in posted}) == MESSAGES


def killed(worker: "subprocess.Popen[bytes]") -> None:
    worker.kill()
    worker.wait()


def killed_or_stopped_for_longer_than_a_lease(worker: "subprocess.Popen[bytes]") -> None:
    if worker.pid % 2:
        killed(worker)
        return
    worker.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED)
    worker.send_signal(signal.SIGCONT)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again_every_message_is_posted_once_and_in_order(url: str, tmp_path: Path, seed: int) -> None:
    workers = Workers(url, tmp_path, seed)
    assert workers.run(1, KILLS, killed) > 0
    workers.judge()


@pytest.mark.timeout(120)
@ON_POSTGRESQL
@pytest.mark.parametrize("seed", [1, 2])
def test_three_together_of_which_one_is_always_in_trouble_post_every_message_once_and_in_order(
    url: str, tmp_path: Path, seed: int
) -> None:
    workers = Workers(url, tmp_path, seed)
    assert workers.run(TOGETHER, KILLS, killed_or_stopped_for_longer_than_a_lease) > 0
    workers.judge()
