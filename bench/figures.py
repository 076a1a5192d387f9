"""Rounds of figures -> medians, spreads and ratios, as a table and as JSON. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Round = Mapping[str, Mapping[str, float]]
"""Bot -> figure -> value."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    key: str
    label: str
    unit: str
    digits: int = 1


GROUPS: Mapping[str, Sequence[Figure]] = {
    "at rest": (
        Figure("start", "process start to connected", "s", 2),
        Figure("rest_mb", "memory, resident", "MB"),
        Figure("rest_unshared_mb", "memory, unshared (USS)", "MB"),
    ),
    "idle: one message after the other": (
        Figure("idle_request_p50", "event to request at the agent, p50", "ms"),
        Figure("idle_request_p99", "event to request at the agent, p99", "ms"),
        Figure("idle_post_p50", "event to posted answer, p50", "ms"),
        Figure("idle_post_p99", "event to posted answer, p99", "ms"),
    ),
    "load: all at once": (_load := (
        Figure("per_second", "answered messages per second", "1/s", 0),
        Figure("post_p50", "event to posted answer, p50", "ms", 0),
        Figure("post_p99", "event to posted answer, p99", "ms", 0),
        Figure("cpu", "CPU of the bot per 1,000 messages", "s", 2),
        Figure("peak_mb", "memory, resident, peak", "MB"),
        Figure("missing", "answers missing", "", 0),
        Figure("doubled", "answers too many", "", 0),
        Figure("out_of_order", "answers out of order in their thread", "", 0),
        Figure("redelivered", "events that had to be sent again", "", 0),
        Figure("driver_percent", "the driver's own CPU (100 = it is the limit)", "%", 0),
    )),
    "load, many known threads": (
        Figure("known_start", "process start to connected", "s", 2),
        *(Figure(f"known_{one.key}", one.label, one.unit, one.digits) for one in _load),
    ),
    "heartbeats: many turns in flight": (
        Figure("beat_in_flight", "turns at the agent at the same time, most", "", 0),
        Figure("beat_delay", "worst delay of a heartbeat", "ms"),
        Figure("beat_own", "worst delay of the driver itself", "ms"),
        Figure("beats", "heartbeats on the open connection", "", 0),
        Figure("beat_lost", "connections that ended", "", 0),
        Figure("beat_post_p50", "elsewhere: event to posted answer, p50", "ms", 0),
        Figure("beat_post_p99", "elsewhere: event to posted answer, p99", "ms", 0),
        Figure("beat_missing", "answers missing", "", 0),
    ),
}  # fmt: skip


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def measured(rounds: Sequence[Round]) -> dict[str, list[Figure]]:
    """Those that there are: not everything is measured on every platform."""
    found = {name: [one for one in group if one.key in rounds[0]["bare"]] for name, group in GROUPS.items()}
    return {name: group for name, group in found.items() if group}


def ratios(rounds: Sequence[Round], key: str) -> list[float]:
    """Bridge to bare, pair by pair; a pair whose bare value is 0 has none."""
    return [one["bridge"][key] / one["bare"][key] for one in rounds if one["bare"][key]]


def table(rounds: Sequence[Round]) -> str:
    """Median (least–most) of each figure, and the median of the pairs' ratios."""
    lines: list[str] = []
    for group, figures in measured(rounds).items():
        lines += ["", f"{group:<46}{'bare':>26}{'bridge':>26}{'bridge/bare':>13}"]
        for figure in figures:
            spreads = [_spread([one[bot][figure.key] for one in rounds], figure.digits) for bot in ("bare", "bridge")]
            found = ratios(rounds, figure.key)
            ratio = f"{median(found):.2f}" if found else "-"
            label = f"  {figure.label}" + (f", {figure.unit}" if figure.unit else "")
            lines.append(f"{label:<46}{spreads[0]:>26}{spreads[1]:>26}{ratio:>13}")
    return "\n".join(lines)


def as_json(
    platforms: Mapping[str, Sequence[Round]], machine: Mapping[str, Any], size: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything that was measured."""
    found = {name: {"summary": _summary(rounds), "rounds": [*rounds]} for name, rounds in platforms.items()}
    return {"machine": dict(machine), "size": dict(size), "platforms": found}


def _summary(rounds: Sequence[Round]) -> dict[str, dict[str, float | None]]:
    summary: dict[str, dict[str, float | None]] = {}
    for key in (figure.key for figures in measured(rounds).values() for figure in figures):
        found = ratios(rounds, key)
        summary[key] = {bot: median(one[bot][key] for one in rounds) for bot in ("bare", "bridge")}
        summary[key]["ratio"] = median(found) if found else None
    return summary


def _spread(values: Sequence[float], digits: int) -> str:
    middle, least, most = (f"{value:,.{digits}f}" for value in (median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least}–{most})"
