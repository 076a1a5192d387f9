"""What the store tells of what happened: sessions, turns, deliveries, dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.channel import Payload
from bridge.envelope import Envelope
from bridge.feedback import VoteRecord
from bridge.instance import Usage
from bridge.route import AS_CONFIGURED, Route


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session as `threadbridge sessions` shows it. Times in seconds since the epoch."""

    session: str
    channel: str
    instance: str
    created_at: float
    last_at: float
    turns: int
    waiting: int
    unposted: int
    dead: int
    """Dead letters: deliveries and turns that were given up."""
    total_tokens: int


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One turn as history keeps it. Times in seconds since the epoch."""

    seq: int
    session: str
    channel: str
    instance: str
    envelope: Envelope
    status: str
    attempts: int
    accepted_at: float
    started_at: float | None
    finished_at: float | None
    error: str | None
    replies: Sequence[Envelope]
    usage: Usage | None
    deliveries: Sequence["DeliveryRecord"] = field(default_factory=tuple["DeliveryRecord", ...])
    votes: Sequence[VoteRecord] = ()
    route: Route = AS_CONFIGURED
    edited_at: float | None = None
    """By the platform's clock."""


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One delivery as history keeps it. Times in seconds since the epoch."""

    id: str
    kind: str
    part: int
    status: str
    attempts: int
    message_ref: str | None
    error: str | None
    created_at: float
    delivered_at: float | None
    dead_at: float | None
    in_doubt: bool
    """A dead letter that may have been posted all the same."""
    run: int
    """0 for the turn as it is now; what earlier runs of it said is numbered from 1."""
    payload: Payload


@dataclass(frozen=True, slots=True)
class DeadFilters:
    """Which dead letters are meant; without any, all of them."""

    channel: str | None = None
    session: str | None = None
    since: float | None = None
    """Seconds since the epoch."""
    dropped: bool = False
    """Also what was dropped."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What was given up."""

    id: str
    kind: str
    """`turn`, or the delivery's kind."""
    status: str
    at: float
    """When it was given up, in seconds since the epoch."""
    session: str
    channel: str
    why: str | None
    in_doubt: bool
    """It may have been posted all the same."""
    seq: int
    turn: int
    """The `seq` of its turn, which is its own if it is one."""
    instance: str
    """Who answers its session now."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of what somebody may have to look at."""

    open_turns: Mapping[str, int]
    """Instance -> turns that wait or run; those that have any."""
    open_deliveries: Mapping[str, int]
    """Channel -> deliveries that are not posted yet; those that have any."""
    dead_turns: int
    dead_deliveries: int
    votes: Mapping[str, int]
    """`good` and `bad` -> votes, as they are now."""
