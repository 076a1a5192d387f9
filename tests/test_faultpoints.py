import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bridge.faultpoints import POINTS, VARIABLE

BRIDGE = Path(__file__).parent.parent / "bridge"
COMES_TWICE = "from bridge import faultpoints as f; f.reached({0!r}); print('once', flush=True); f.reached({0!r})"


def run(code: str, value: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, VARIABLE: value}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_every_place_stands_in_the_code_exactly_once() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in BRIDGE.rglob("*.py"))
    assert Counter(re.findall(r'faultpoints\.reached\("([^"]+)"\)', code)) == dict.fromkeys(POINTS, 1)


@pytest.mark.parametrize(("value", "printed"), [("turn.heard", ""), ("turn.heard:2", "once\n")])
def test_the_process_is_killed_when_it_comes_to_its_place_that_often(value: str, printed: str) -> None:
    done = run(COMES_TWICE.format("turn.heard"), value)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, printed)


@pytest.mark.parametrize("value", ["", "turn.begun", "turn.heard:3"])
def test_it_goes_on_otherwise(value: str) -> None:
    assert run(COMES_TWICE.format("turn.heard"), value).returncode == 0


def test_a_place_that_is_not_there_is_refused() -> None:
    done = run("import bridge.faultpoints", "turn.herd")
    assert done.returncode == 1
    assert "there is no such place: turn.herd" in done.stderr
