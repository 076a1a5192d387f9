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
SECONDS = (0.2, 15.0)
AGAIN = (5, 40)
"""It sleeps again when it comes there for one of these times."""


def sleep_where_it_would_die() -> None:
    """From now on, again and again."""
    _, _, times = os.environ.get(faultpoints.VARIABLE, "").partition(":")
    left = int(times or 1)

    def reached() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            left = random.randrange(*AGAIN)
            _sleep(random.uniform(*SECONDS))

    faultpoints._die = reached


def _sleep(seconds: float) -> None:
    me = os.getpid()
    wake = ["/bin/sh", "-c", f"sleep {seconds:.1f}; kill -CONT {me}"]
    subprocess.Popen(wake, stderr=subprocess.DEVNULL, start_new_session=True)
    sys.stderr.write(json.dumps({"event": SLEPT, "level": "warning"}) + "\n")
    sys.stderr.flush()
    os.kill(me, signal.SIGSTOP)


if __name__ == "__main__":
    sleep_where_it_would_die()
    main()
