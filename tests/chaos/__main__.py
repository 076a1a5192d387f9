"""`python -m tests.chaos [--cluster]`: runs it, prints the table, and rewrites its part of `docs/reliability.md`."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.chaos import chaos, cluster, report
from tests.chaos.outcome import Size
from tests.postgresql import NotInstalled

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"


def say(line: str) -> None:
    """At once, however it is piped."""
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--cluster", action="store_true", help="three processes on one PostgreSQL")
    parser.add_argument("--messages", type=int)
    parser.add_argument("--faults", "--kills", type=int, dest="faults")
    parser.add_argument(
        "--asleep", type=float, default=0.0, help="share of the deaths at a place that are sleeps instead"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for what is written, the logs too, which then stays")
    parser.add_argument("--no-document", action="store_true", help=f"do not write {DOCUMENT.name}")
    options = parser.parse_args()
    default, heading = (cluster.DEFAULT, report.CLUSTER) if options.cluster else (chaos.DEFAULT, report.ONE)
    size = Size(options.messages or default.messages, options.faults or default.faults, options.seed)
    with tempfile.TemporaryDirectory(prefix="threadbridge-chaos-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            run = (
                cluster.ClusterChaos(folder, size, asleep=options.asleep, say=say)
                if options.cluster
                else chaos.Chaos(folder, size, say=say)
            )
            outcome = asyncio.run(run.run())
        except NotInstalled as error:
            print(error)
            return 1
    print(report.table(outcome))
    print(dict(outcome.killed_at), dict(outcome.slept_at), dict(outcome.faults))
    for line in [*outcome.verdict.details, *outcome.broke][:50]:
        print(f"  {line}")
    if not options.no_document:
        page = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(report.rewritten(page, heading, report.part(outcome)), encoding="utf-8")
    return 0 if outcome.clean else 1


if __name__ == "__main__":
    sys.exit(main())
