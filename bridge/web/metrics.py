"""`/metrics`: what was counted since the start, and how things are now, as Prometheus reads it.

https://prometheus.io/docs/instrumenting/exposition_formats. No label names a session, a person or a room.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from bridge import metrics
from bridge.channel import Hearing
from bridge.store.protocol import TurnStatus
from bridge.store.records import Counts

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def page(counts: Counts | None, hearing: Mapping[str, Hearing], instances: Sequence[str], *, writable: bool) -> bytes:
    """The page. Without `counts`, which the store did not give in time, the series that come of it are missing."""
    metrics.show(hearing, instances, get_args(TurnStatus))
    now = CollectorRegistry()
    now.register(_Now(counts, hearing, instances, writable=writable))
    return generate_latest(metrics.COUNTED) + generate_latest(now)


class _Now(Collector):
    """How things are at this moment."""

    def __init__(
        self, counts: Counts | None, hearing: Mapping[str, Hearing], instances: Sequence[str], *, writable: bool
    ) -> None:
        self._counts = counts
        self._hearing = hearing
        self._instances = instances
        self._writable = writable

    def collect(self) -> Iterable[Metric]:
        hearing = self._hearing
        yield _gauge("store_writable", "Whether the store takes what comes in.", {"": int(self._writable)})
        yield _gauge(
            "channel_connected",
            "Whether the connection to the platform is open.",
            {name: int(one.connected) for name, one in hearing.items()},
            "channel",
        )
        yield _gauge(
            "channel_admitting",
            "Whether what is said now is heard and can be stored.",
            {name: int(one.hears and self._writable) for name, one in hearing.items()},
            "channel",
        )
        if self._counts is not None:
            yield from self._counted(self._counts)

    def _counted(self, counts: Counts) -> Iterable[Metric]:
        yield _gauge(
            "turns_open",
            "Turns that wait or run.",
            {**dict.fromkeys(self._instances, 0), **counts.open_turns},
            "instance",
        )
        yield _gauge(
            "deliveries_open",
            "Deliveries that are not posted yet.",
            {**dict.fromkeys(self._hearing, 0), **counts.open_deliveries},
            "channel",
        )
        yield _gauge(
            "dead_letters",
            "What was given up and not dropped.",
            {"turn": counts.dead_turns, "delivery": counts.dead_deliveries},
            "kind",
        )
        yield _gauge(
            "feedback_total", "Votes on answers, all that the store has, as they are now.", counts.votes, "value"
        )


def _gauge(name: str, says: str, values: Mapping[str, int], label: str | None = None) -> Metric:
    """One value for each label's value, or a single one."""
    family = GaugeMetricFamily(f"threadbridge_{name}", says, labels=[label] if label else [])
    for key, value in values.items():
        family.add_metric([key] if label else [], value)
    return family
