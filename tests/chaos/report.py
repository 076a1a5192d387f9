"""The outcome of a run as a table for a terminal, and as its part of a page of the documentation."""

import re
from collections.abc import Mapping, Sequence
from statistics import median

from bridge import faultpoints
from tests.chaos.outcome import RANDOM, Outcome

ONE = "## One process, killed over and over"
CLUSTER = "## Three processes on one PostgreSQL, in every kind of trouble"


def rows(outcome: Outcome) -> Sequence[tuple[str, int]]:
    """What was counted."""
    found = outcome.verdict
    return [
        ("messages said", found.said),
        ("accepted", found.accepted),
        ("answered once, whole", found.answered),
        ("reported as unknown in the thread", found.unknown),
        ("reported as failed in the thread", found.failed),
        *found.broken().items(),
        ("kills", sum(outcome.killed_at.values())),
        *(_of_a_cluster(outcome) if outcome.faults else ()),
        ("troubles made on the platforms", sum(outcome.troubled.values())),
        ("redelivered on purpose", outcome.redelivered),
    ]


def _of_a_cluster(outcome: Outcome) -> Sequence[tuple[str, int]]:
    return [
        ("stopped at a named place", sum(outcome.slept_at.values())),
        ("other faults of processes, network and database", sum(outcome.faults.values())),
        ("starts in vain while the database was gone", outcome.refused),
    ]


def table(outcome: Outcome) -> str:
    """For a terminal."""
    width = max(len(name) for name, _ in rows(outcome))
    lines = [f"{name:<{width}}  {count:>7,}" for name, count in rows(outcome)]
    kept = "every promise was kept" if outcome.verdict.kept else "PROMISES WERE BROKEN"
    if outcome.takeovers:
        lines.append(takeovers(outcome.takeovers))
    return "\n".join([*lines, f"{kept}; {outcome.minutes:.1f} minutes, seed {outcome.size.seed}"])


def takeovers(seconds: Sequence[float]) -> str:
    """A sentence about how long they took."""
    return (
        f"From a kill to what another process showed of a message that the dead one worked on: {median(seconds):.1f} s "
        f"in the middle of {len(seconds)}, {max(seconds):.1f} s at most."
    )


def part(outcome: Outcome) -> str:
    """What stands under the run's heading in `docs/reliability.md`."""
    tables = [
        _markdown("what", "count", dict(rows(outcome))),
        f"Seed {outcome.size.seed}, {outcome.minutes:.0f} minutes."
        + (f" {takeovers(outcome.takeovers)}" if outcome.takeovers else ""),
        _places(outcome),
        *(
            [_markdown("what else happened to a process or the database", "times", _sorted(outcome.faults))]
            if outcome.faults
            else ()
        ),
        _markdown("what went wrong on the platforms", "times", _sorted(outcome.troubled)),
    ]
    return "\n\n".join(tables)


def rewritten(page: str, heading: str, told: str) -> str:
    """The page with that under its heading, below what people wrote there; nothing else is changed."""
    head, found, rest = page.partition(f"{heading}\n")
    assert found, f"the page has no heading {heading}"
    end = re.search(r"^## ", rest, re.MULTILINE)
    own, others = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    written = own.partition("| what | count |")[0].rstrip()
    return (
        "\n\n".join(one.strip() for one in (head + found.strip() + "\n" + written, told, others) if one.strip()) + "\n"
    )


def _places(outcome: Outcome) -> str:
    places = {f"`{name}`: {what}": name for name, what in faultpoints.POINTS.items()} | {RANDOM: RANDOM}
    killed = {said: outcome.killed_at[name] for said, name in places.items()}
    if not outcome.slept_at.total():
        return _markdown("a process was killed where", "times", killed)
    asleep = {name: f"{times:,}" for name, times in outcome.slept_at.items()} | {RANDOM: "see below"}
    both = [f"| {said} | {killed[said]:,} | {asleep.get(name, '0')} |" for said, name in places.items()]
    return "\n".join(["| where | a process was killed | stopped for a while |", "|---|---|---|", *both])


def _sorted(counts: Mapping[str, int]) -> Mapping[str, int]:
    return dict(sorted(counts.items()))


def _markdown(left: str, right: str, counts: Mapping[str, int]) -> str:
    return "\n".join([f"| {left} | {right} |", "|---|---|", *(f"| {name} | {n:,} |" for name, n in counts.items())])
