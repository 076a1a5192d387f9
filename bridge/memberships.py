"""Keeps fresh who belongs to the groups that rules name, and says what is wrong with these."""

import asyncio
from collections.abc import Mapping

import structlog

from bridge import policy
from bridge.abilities import CanResolveGroups
from bridge.channel import Channel
from bridge.errors import ChannelError
from bridge.rules import Rules

_log = structlog.get_logger(__name__)

PERIOD = 30.0
"""Seconds between two looks; a platform is asked only for what it has not said for some minutes."""


class Memberships:
    """The groups of every channel."""

    def __init__(self, channels: Mapping[str, Channel], rules: Rules) -> None:
        self._channels = channels
        self._rules = rules
        self._problems: dict[str, str | None] = dict.fromkeys(channels)

    def problem(self, channel: str) -> str | None:
        """What is wrong with the groups of that channel's rules, as far as its platform told."""
        return self._problems[channel]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.gather(*(self._look(name, channel) for name, channel in self._channels.items()))
            await asyncio.sleep(PERIOD)

    async def _look(self, name: str, channel: Channel) -> None:
        groups = policy.groups_of_rules(self._rules.current, name)
        before = self._problems[name]
        self._problems[name] = await self._problem_of(channel, groups) if groups else None
        if self._problems[name] not in (None, before):
            _log.warning("groups.unknown", channel=name, problem=self._problems[name])

    async def _problem_of(self, channel: Channel, groups: frozenset[str]) -> str | None:
        if not isinstance(channel, CanResolveGroups):
            return "this type of channel knows no groups: nobody is admitted by groups in a rule, write users instead"
        try:
            return await channel.groups_problem(groups)
        except ChannelError as error:
            return f"who belongs to the groups of its rules cannot be asked: {error}"
        except Exception as error:  # noqa: BLE001 - a look must not take the bridge down
            _log.exception("groups.broke", channel=channel.name)
            return f"the bridge itself failed ({type(error).__name__}) when it asked about groups: see the log"
