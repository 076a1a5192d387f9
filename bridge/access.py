"""Who is admitted where the rules alone do not say it: their platform is asked who belongs to a group."""

from collections.abc import Sequence
from dataclasses import replace

from bridge import policy
from bridge.abilities import CanResolveGroups
from bridge.channel import Channel, Facts
from bridge.rules import Rule


async def with_groups(rules: Sequence[Rule], name: str, facts: Facts, channel: Channel | None) -> Facts:
    """The facts with the author's groups, as far as these rules depend on them.

    Raises ChannelError if that cannot be told for now; nobody must be refused for that, nor admitted.
    """
    asked = policy.groups_that_matter(rules, name, facts)
    if not asked or facts.groups is not None or not isinstance(channel, CanResolveGroups):
        return facts
    return replace(facts, groups=await channel.groups_of(facts, asked))


async def admits(rules: Sequence[Rule], name: str, facts: Facts, channel: Channel | None) -> Rule | None:
    """`policy.admits` for what is no message of its own. Raises ChannelError as `with_groups` does."""
    return policy.admits(rules, name, await with_groups(rules, name, facts, channel))
