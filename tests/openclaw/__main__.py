"""`python -m tests.openclaw`: installs OpenClaw if it is not there, and runs the journeys against it."""

import signal
import sys
from pathlib import Path

import pytest

from tests.openclaw.installation import Installation, NotInstalled


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends this gets the gateway's end, too
    try:
        installation = Installation.chosen()
        installation.make(lambda line: print(f"==> {line}", flush=True))
    except NotInstalled as missing:
        print(missing, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"==> running the journeys against OpenClaw in {installation.folder}", flush=True)
    return pytest.main(["--openclaw", *sys.argv[1:], str(Path(__file__).parent)])


if __name__ == "__main__":
    sys.exit(main())
