"""`python -m tests.chaos`: runs it, prints the table, and writes `docs/reliability.md`."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.chaos.chaos import Chaos, Size
from tests.chaos.report import document, table

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
DEFAULT = Size()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--messages", type=int, default=DEFAULT.messages)
    parser.add_argument("--kills", type=int, default=DEFAULT.kills)
    parser.add_argument("--seed", type=int, default=DEFAULT.seed)
    parser.add_argument("--keep", type=Path, help="a folder for store and configuration, which then stay")
    parser.add_argument("--no-document", action="store_true", help=f"do not write {DOCUMENT.name}")
    options = parser.parse_args()
    size = Size(options.messages, options.kills, options.seed)
    with tempfile.TemporaryDirectory(prefix="threadbridge-chaos-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        outcome = asyncio.run(Chaos(folder, size, say=lambda line: print(line, flush=True)).run())
    print(table(outcome))
    print(dict(outcome.killed_at))
    for line in [*outcome.verdict.details, *outcome.broke][:50]:
        print(f"  {line}")
    if not options.no_document:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(document(outcome), encoding="utf-8")
    return 0 if outcome.verdict.kept and not outcome.broke else 1


if __name__ == "__main__":
    sys.exit(main())
