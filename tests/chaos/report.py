"""The outcome of a run as a table for a terminal, and as a page of the documentation."""

from collections.abc import Mapping, Sequence

from bridge import faultpoints
from tests.chaos.chaos import RANDOM, Outcome


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
        ("troubles made", sum(outcome.troubled.values())),
        ("redelivered on purpose", outcome.redelivered),
    ]


def table(outcome: Outcome) -> str:
    """For a terminal."""
    width = max(len(name) for name, _ in rows(outcome))
    lines = [f"{name:<{width}}  {count:>7,}" for name, count in rows(outcome)]
    kept = "every promise was kept" if outcome.verdict.kept else "PROMISES WERE BROKEN"
    return "\n".join([*lines, f"{kept}; {outcome.minutes:.1f} minutes, seed {outcome.size.seed}"])


def document(outcome: Outcome) -> str:
    """`docs/reliability.md`."""
    places = {f"`{name}`: {what}": outcome.killed_at[name] for name, what in faultpoints.POINTS.items()} | {
        "at random": outcome.killed_at[RANDOM]
    }
    return _PAGE.format(
        seed=outcome.size.seed,
        minutes=outcome.minutes,
        counted=_markdown("what", "count", dict(rows(outcome))),
        places=_markdown("the process was killed where", "times", places),
        troubles=_markdown("what else went wrong", "times", dict(sorted(outcome.troubled.items()))),
    )


def _markdown(left: str, right: str, counts: Mapping[str, int]) -> str:
    return "\n".join([f"| {left} | {right} |", "|---|---|", *(f"| {name} | {n:,} |" for name, n in counts.items())])


_PAGE = """# What survives what

Written by `make chaos`, not by hand: people write on a simulated Slack and a simulated Discord, the real program answers
through the real libraries, and is killed by SIGKILL over and over, at each named place of a message's way in turn
(`bridge/faultpoints.py`) and at random. Meanwhile events are lost or come twice, connections break, and posts are refused,
answered with rubbish, or shown without an answer; some streams of the agent are cut off midway. In the end the threads are
read as people see them and held against what was said and what the store says.

{counted}

Lost: said and neither answered whole nor reported in its thread. Twice: any part of an answer, or a notice, that stands
there more often than it should. Out of order: a thread whose answers do not follow the order in which its messages were
accepted. Overlapping: a session's turn that began while another one ran. Two thirds of the sessions have an agent that
cannot dedupe, so a turn that was cut off midway is not asked again (`on_unknown = "ask"`): its thread says that nobody
knows. The others have one that can be asked again, and none of these may end so.
Seed {seed}, {minutes:.0f} minutes.

{places}

{troubles}

`make chaos ARGS="--messages 500 --kills 25 --seed 7"` is a shorter run with another seed. `tests/chaos/` breaks promises on
purpose (acknowledging before the commit, a store without its index against duplicates, posting again without looking,
forgetting that the agent was asked) and shows that the run notices each of them.
"""
