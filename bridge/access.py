"""Who is admitted where the rules alone do not say it: their platform is asked who belongs to a group, the store who is
approved.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bridge import policy
from bridge.abilities import CanResolveGroups
from bridge.channel import Channel, Facts
from bridge.errors import StoreError
from bridge.rules import Rule
from bridge.store.access import AccessStore
from bridge.store.audit import Entry

_log = structlog.get_logger(__name__)

ACTION = "access"
"""What the audit calls an attempt to talk."""
REFUSED_AGAIN = 3600.0
"""Seconds within which it is not noted again that the same person was refused in the same room."""


async def with_groups(rules: Sequence[Rule], name: str, facts: Facts, channel: Channel | None) -> Facts:
    """The facts with the author's groups, as far as these rules depend on them.

    Raises ChannelError if that cannot be told for now; nobody must be refused for that, nor admitted.
    """
    asked = policy.groups_that_matter(rules, name, facts)
    if not asked or facts.groups is not None or not isinstance(channel, CanResolveGroups):
        return facts
    return replace(facts, groups=await channel.groups_of(facts, asked))


async def admits(
    rules: Sequence[Rule],
    name: str,
    facts: Facts,
    channel: Channel | None,
    store: AccessStore,
    *,
    said_at: float | None = None,
) -> bool:
    """Whether somebody may talk now, or, with `said_at` (seconds since the epoch), what they said then may be read.

    Raises ChannelError as `with_groups` does.
    """
    found = policy.admission(rules, name, await with_groups(rules, name, facts, channel))
    if found is None or not found.if_paired:
        return found is not None
    since = await store.paired_since(name, facts.author)
    return since is not None and (said_at is None or since <= said_at)


async def note_refusal(store: AccessStore, channel: str, actor: str, room: str) -> None:
    """Somebody was refused, which is so whether or not it can be noted."""
    try:
        await store.note([Entry(actor, ACTION, room, "refused", channel, REFUSED_AGAIN)])
    except StoreError as error:
        _log.error("audit.not_written", channel=channel, reason=str(error))
