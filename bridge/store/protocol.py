"""The protocol of the store.

Every method is one transaction: it returns after the commit, or raises and wrote nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, Protocol

from bridge.channel import Delivery, MessageRef, Payload
from bridge.envelope import Conversation, Envelope
from bridge.feedback import Vote
from bridge.instance import Usage
from bridge.route import AS_CONFIGURED, Route
from bridge.store.limits import Limits
from bridge.store.records import Counts


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that policy would let through."""

    channel: str
    """The name under `[channels]`."""
    instances: tuple[str, ...]
    """Who may answer, the preferred one first. A session stays with the one it has as long as that is among them."""
    thread: str
    """The thread's own session id."""
    session: str
    """Its session if the thread has none yet."""
    binds_thread: bool
    """The thread keeps the session that it began with; otherwise `session` is what counts each time."""
    envelope: Envelope
    direct: bool
    only_if_known: bool
    """Accepted only if the bot takes part in the thread already."""
    wants_context: bool
    """The agent is given what was said before if this is the first that the bot answers in the thread."""
    catches_up: bool = False
    """The agent is given what was said since the last message that it answered in the thread."""
    missed: bool = False
    """Not heard live but read afterwards. It counts only if no session has it, and as a follow-up only if the bot took
    part in the thread before it was written."""
    too_old: str | None = None
    """Why it is only listed, not answered."""
    joins: bool = True
    """The bot takes part in the thread from then on."""
    route: Route = AS_CONFIGURED
    edited_at: float | None = None
    """When its author changed it last, by the platform's clock. What was read afterwards replaces what waits."""
    limits: Limits | None = None


class Accepted(Enum):
    """What became of an arrival."""

    TURN = "turn"
    LISTED = "listed"
    DUPLICATE = "duplicate"
    NOT_TAKING_PART = "not taking part"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """Work that is ours as long as its lease is renewed in time."""

    seq: int
    session: str
    channel: str
    attempt: int
    """From 1; a wait that a platform asked for is not counted."""
    in_doubt: bool
    """An earlier attempt began and nobody knows how it ended."""
    claimed_at: float
    """Seconds since the epoch."""
    failing_for: float | None
    """Seconds since the first of its attempts failed, downtime included; None if none has failed."""
    number: int = field(default=0, kw_only=True)
    """Of all leases of this process: the same work may be leased again before whoever had it lets it go."""


@dataclass(frozen=True, slots=True, eq=False)
class TurnLease(Lease):
    """A turn that is ours to run."""

    instance: str
    envelope: Envelope
    direct: bool
    wants_context: bool
    continuation: str | None
    accepted_at: float
    """Seconds since the epoch."""
    route: Route = AS_CONFIGURED
    context_since: float | None = None
    """Of what was said before it, what is not older than that is new; seconds since the epoch. None: all of it."""
    stop: bool = False
    """Somebody wants it stopped."""
    spends: tuple[tuple[str, str], ...] = ()
    """Whose tokens its answer counts against."""


@dataclass(frozen=True, slots=True, eq=False)
class DeliveryLease(Lease):
    """A delivery that is ours to post."""

    id: str
    conversation: Conversation
    payload: Payload
    created_at: float
    """Seconds since the epoch."""
    envelope_id: str
    """The message that it answers."""
    kind: str
    edits: MessageRef | None
    """The message on screen that it takes over."""
    held: Mapping[str, float] = field(default_factory=dict[str, float])
    """Place -> seconds for which the platform asked some process not to post there."""


def as_channels_see_it(lease: DeliveryLease) -> Delivery:
    """What is posted, without what only we need."""
    return Delivery(
        lease.id, lease.session, lease.conversation, lease.payload, lease.created_at, answers=lease.envelope_id
    )


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One platform message that is to be posted for a turn. `(turn, kind, part)` exists once."""

    conversation: Conversation
    payload: Payload
    kind: str = "reply"
    part: int = 0


PREVIEW = "preview"
"""The `kind` of a delivery that shows an answer as it grows: what comes next for its turn takes over its message."""
WAITING = "waiting"
"""The `kind` of a notice after which the answer still comes."""

TurnStatus = Literal["answered", "failed", "unknown", "dropped", "skipped"]
"""`skipped`: closed without having been asked, and nobody has to look at it."""


@dataclass(frozen=True, slots=True)
class TurnResult:
    """How a turn ended."""

    status: TurnStatus
    deliveries: Sequence[NewDelivery] = ()
    envelope: Envelope | None = None
    """The message with names in it, to stand in history instead of the one that was accepted; its `raw` stays."""
    replies: Sequence[Envelope] = ()
    error: str | None = None
    continuation: str | None = None
    usage: Usage | None = None
    previewed: bool = False
    """The answer may be on screen already, as far as it was written."""


class Store(Protocol):
    """Raises StoreError when it cannot commit, and LeaseLost when the work belongs to somebody else by now."""

    def clock(self) -> float:
        """Seconds since the epoch, by the clock that history is dated by: one for all processes on the database."""
        ...

    async def accept(self, arrival: Arrival) -> Accepted:
        """Makes it a turn, at most once per session and envelope id; turns of one session keep the order of calls."""
        ...

    async def accept_unasked(self, instance: str, session: str, envelope: Envelope) -> Accepted:
        """Makes what an agent said by itself a turn where its session was written in last, at most once per session and
        envelope id. NOT_TAKING_PART: that instance does not answer a session of this name.
        """
        ...

    async def heard_until(self, channel: str) -> tuple[float, float]:
        """(until when everything of that channel was taken, when it was heard for the first time), since the epoch.

        The first call of all makes both now: nothing older is ever looked for.
        """
        ...

    async def set_heard_until(self, channel: str, at: float) -> None:
        """Everything that was said before is taken, and other processes may read that channel's history.

        Nothing happens while another process reads it.
        """
        ...

    async def lease_history(self, channel: str) -> bool:
        """Whether no other process reads that channel's history: then this one does, until `set_heard_until` or
        `let_history_go`, or for as long as it calls `renew` in time.
        """
        ...

    async def let_history_go(self, channel: str) -> None:
        """Other processes may read that channel's history."""
        ...

    async def may_look(self, channel: str, seconds: float) -> bool:
        """Whether no process looked for what is missed in that channel for so long: then this one does now."""
        ...

    async def recent_conversations(self, channel: str, limit: int) -> Sequence[Conversation]:
        """Where the newest turns of that channel came from, the newest first."""
        ...

    async def lease_turns(self, instance: str, limit: int, *, most: int | None = None) -> Sequence[TurnLease]:
        """The oldest open turn of each session that has none leased; waits until there is at least one.

        `most`: so many at once in all processes together, of which each has its share.
        """
        ...

    async def begin_turn(self, lease: TurnLease) -> None:
        """From now on the agent may have been asked: if the turn is leased again before it was closed or opened again,
        it is in doubt.
        """
        ...

    async def finish_turn(self, lease: TurnLease, result: TurnResult) -> None:
        """Closes the turn and writes its deliveries together."""
        ...

    async def retry_turn(
        self,
        lease: TurnLease,
        wait: float,
        error: str,
        notices: Sequence[NewDelivery] = (),
        *,
        counted: bool = True,
        begun: bool = False,
    ) -> None:
        """Opens the turn again after `wait` seconds. Each notice is written once per turn.

        `begun`: the agent may have been asked all the same, so its message stays as it is.
        """
        ...

    async def ask_again(self, lease: TurnLease, otherwise: Sequence[NewDelivery]) -> int | None:
        """Closes the turn as answered and opens, together, what was given up last where it was written.

        That is the newest turn before it, of its session and conversation, that failed, was dropped or whose fate is
        unknown and that was a message to the agent; its `seq`. None: there is none, and `otherwise` was written.
        """
        ...

    async def lease_deliveries(self, channel: str, limit: int) -> Sequence[DeliveryLease]:
        """The oldest open delivery of each conversation that has none leased; waits until there is at least one."""
        ...

    async def open_preview(self, lease: TurnLease, preview: NewDelivery) -> DeliveryLease | None:
        """A delivery that is ours to post now; None if the turn has one, or something else waits in the conversation.

        It has to be closed by `delivered` or `withdraw`, or let go. Raises LeaseLost if the turn is not ours any more.
        """
        ...

    async def withdraw(self, lease: DeliveryLease) -> None:
        """Forgets a delivery that was not posted and that nobody misses."""
        ...

    async def delivered(self, lease: DeliveryLease, ref: MessageRef) -> None:
        """Closes the delivery as posted."""
        ...

    async def retry_delivery(
        self,
        lease: DeliveryLease,
        wait: float,
        error: str,
        *,
        in_doubt: bool,
        counted: bool = True,
        holds: str | None = None,
    ) -> None:
        """Opens the delivery again after `wait` seconds; `in_doubt` if this attempt may have posted it.

        `holds`: the place for which all deliveries that are leased until then are told of that wait.
        """
        ...

    async def bury(
        self, lease: DeliveryLease, error: str, *, in_doubt: bool = False, instead: Sequence[NewDelivery] = ()
    ) -> None:
        """Closes the delivery as a dead letter; `in_doubt` if it may have been posted all the same.

        `instead` is written for its turn together with that, each kind and part once.
        """
        ...

    async def unaccounted_for(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        """Those of these messages that no delivery was closed with, in the same order."""
        ...

    async def vote(self, vote: Vote) -> bool:
        """Keeps it, in place of what that person said of the turn before.

        False, and nothing is kept, if that message was not posted for that turn in that channel.
        """
        ...

    async def renew(self) -> Sequence[int]:
        """Renews every lease that was not let go, and returns the `seq` of leased turns that somebody wants stopped.

        Called several times within `lease_seconds`.
        """
        ...

    async def confirm(self, lease: Lease) -> None:
        """Returns at once if the lease is certainly ours for a while yet, and asks the database otherwise.

        To be called before anything that others see: this process may have been stopped for longer than a lease lasts.
        """
        ...

    async def until_lost(self, lease: Lease) -> None:
        """Returns once the lease is not ours any more, or just before it ends while another process may take it then.

        To be waited for beside whatever others must not do at the same time.
        """
        ...

    def let_go(self, lease: Lease) -> None:
        """Nobody works on it any more: if it was not closed, its lease runs out and it is leased again, in doubt."""
        ...

    async def unconfigured(self, instances: Sequence[str], channels: Sequence[str]) -> tuple[list[str], list[str]]:
        """The names of other instances and channels that open turns and deliveries wait for."""
        ...

    async def counts(self) -> Counts:
        """Read beside what is being written, without waiting for it. Raises StoreError if it cannot be read."""
        ...

    async def writable(self) -> None:
        """Raises StoreError if a commit would fail now."""
        ...

    async def close(self) -> None:
        """Waits for what was called before."""
        ...
