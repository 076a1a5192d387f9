"""A message and what policy decided about it -> what the store is asked to take."""

from collections.abc import Generator
from contextlib import contextmanager

from bridge import faultpoints
from bridge.channel import Facts
from bridge.commands import KIND
from bridge.envelope import Envelope
from bridge.errors import TakenElsewhere
from bridge.policy import Decision
from bridge.store.access import AccessStore
from bridge.store.limits import Limits
from bridge.store.protocol import Arrival


def arrival(
    channel: str,
    decision: Decision,
    envelope: Envelope,
    facts: Facts,
    *,
    command: bool,
    missed: bool = False,
    too_old: str | None = None,
    limits: Limits | None = None,
) -> Arrival:
    """A message to the agent, or a command: what was said before, and a ticket's session, wait for a real message."""
    kind = KIND if command else envelope.kind
    return Arrival(
        channel=channel,
        instances=decision.instances,
        thread=decision.thread,
        session=decision.session,
        binds_thread=decision.binds_thread,
        envelope=envelope.model_copy(update={"conversation": decision.conversation, "kind": kind}),
        direct=facts.direct,
        only_if_known=decision.only_if_known,
        wants_context=decision.wants_context,
        catches_up=decision.catches_up,
        missed=missed,
        too_old=too_old,
        route=decision.route,
        edited_at=facts.edited_at,
        limits=limits,
        joins=not command,
    )


async def taken_once(store: AccessStore, channel: str, told_to_all: str | None) -> None:
    """Of what a platform tells all processes, this one takes it from now on, or raises TakenElsewhere."""
    if told_to_all is not None and not await store.take_once(channel, told_to_all):
        raise TakenElsewhere(told_to_all)


@contextmanager
def committed() -> Generator[None]:
    """Around what commits an event that came: before it and after it a test may end the process."""
    faultpoints.reached("event.received")
    yield
    faultpoints.reached("event.stored")
