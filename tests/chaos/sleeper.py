"""The program that does not die at its named place but sleeps there: `python -m tests.chaos.sleeper run …`.

It is stopped by SIGSTOP, for longer than a lease or not, and woken by another process.
"""

import json
import os
import random
import signal
import subprocess
import sys

from bridge import faultpoints
from bridge.cli import main

SLEPT = "chaos.slept"
"""What its log says of it."""
LONGEST = 15.0  # seconds
AGAIN = (5, 40)
"""It sleeps again when it comes there for one of these times."""


def fall_asleep() -> None:
    """Returns when it is woken."""
    me = os.getpid()
    wake = f"sleep {random.uniform(0.2, LONGEST):.1f}; kill -CONT {me}"
    subprocess.Popen(["/bin/sh", "-c", wake], stderr=subprocess.DEVNULL, start_new_session=True)
    sys.stderr.write(json.dumps({"event": SLEPT, "level": "warning"}) + "\n")
    sys.stderr.flush()
    os.kill(me, signal.SIGSTOP)


class Sleeps:
    """The count of `faultpoints`, and sleep where that would end, now and then again."""

    def __init__(self, value: str) -> None:
        _, _, times = value.partition(":")
        self._left = int(times or 1)

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._left = random.randrange(*AGAIN)
            fall_asleep()


if __name__ == "__main__":
    faultpoints._die = Sleeps(os.environ.get(faultpoints.VARIABLE, ""))
    main()
