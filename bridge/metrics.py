"""What this process counts, for Prometheus: declared once, counted where it is committed."""

from collections.abc import Collection, Iterable

from prometheus_client import CollectorRegistry, Counter, ProcessCollector, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # a time for each series, which nobody asked for

COUNTED = CollectorRegistry()
"""Everything below, and what the process uses. Counts begin at the start of the process."""

ACCEPTED = Counter("threadbridge_messages_accepted", "Messages that became a turn.", ["channel"], registry=COUNTED)
ENDED = Counter("threadbridge_turns_ended", "Turns that ended, by how.", ["instance", "status"], registry=COUNTED)
POSTED = Counter(
    "threadbridge_deliveries_posted",
    "Messages that reached their platform; one that was shown as it grew counts when it is whole.",
    ["channel"],
    registry=COUNTED,
)
BURIED = Counter("threadbridge_deliveries_dead", "Messages that were given up.", ["channel"], registry=COUNTED)
BUDGET_REFUSED = Counter(
    "threadbridge_budget_refused",
    "Messages that were not run because a budget was used up.",
    ["scope"],
    registry=COUNTED,
)
SCOPES = ("user", "room", "instance")
"""Whose budgets there are."""

ProcessCollector(registry=COUNTED)


def show(channels: Iterable[str], instances: Iterable[str], statuses: Collection[str]) -> None:
    """Shows these also as long as they are 0: of what appears with its first count, Prometheus sees no rise."""
    for channel in channels:
        for counter in (ACCEPTED, POSTED, BURIED):
            counter.labels(channel)
    for scope in SCOPES:
        BUDGET_REFUSED.labels(scope)
    for instance in instances:
        for status in statuses:
            ENDED.labels(instance, status)
