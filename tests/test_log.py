import json
import subprocess
import sys

import pytest

from bridge.trace import trace_id

BREAKS = """
import structlog
from bridge import log
log.configure("info", "{form}")
def work(token="xoxb-SECRET", text="the message"):
    raise RuntimeError("a bug")
try:
    work()
except RuntimeError:
    structlog.get_logger("x").exception("turn.broke", turn=1)
"""
CLOSED_PIPE = """
import os, sys, structlog
from bridge import log
log.configure("info", "json")
os.close(2)
structlog.get_logger("x").error("store.refused")
print("goes on")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_shows_no_values(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", BREAKS.format(form=form)], capture_output=True, text=True, check=True)
    assert "RuntimeError: a bug" in done.stderr
    assert "in work" in done.stderr
    shown = [line for line in done.stderr.replace("\\n", "\n").splitlines() if "def work" not in line]
    assert "SECRET" not in "\n".join(shown)
    assert "the message" not in "\n".join(shown)


def test_a_log_that_cannot_be_written_stops_no_work() -> None:
    done = subprocess.run([sys.executable, "-c", CLOSED_PIPE], capture_output=True, text=True, check=True)
    assert done.stdout == "goes on\n"


ABOUT = """
import asyncio, structlog
from bridge import log
log.configure("info", "json")
line = structlog.get_logger("x").info
async def task():
    line("in a task")
async def main():
    line("before")
    with log.about("p:1"):
        line("about it")
        await asyncio.create_task(task())
    line("after")
asyncio.run(main())
"""


def test_every_line_about_a_message_carries_its_trace_and_no_other_line_does() -> None:
    done = subprocess.run([sys.executable, "-c", ABOUT], capture_output=True, text=True, check=True)
    said = {line["event"]: line.get("trace") for line in map(json.loads, done.stderr.splitlines())}
    trace = trace_id("p:1")
    assert said == {"before": None, "about it": trace, "in a task": trace, "after": None}
