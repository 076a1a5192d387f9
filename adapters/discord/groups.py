"""Which roles somebody has: for what the gateway does not say it of, as the history and direct messages.

Source: https://docs.discord.com/developers/resources/guild#get-guild-member (read 2026-11-22)
"""

import asyncio
from collections.abc import Callable, Collection

from adapters.discord import parse
from adapters.discord.client import DiscordClient
from adapters.discord.failures import UNKNOWN_MEMBER, UNKNOWN_USER
from bridge.channel import Facts
from bridge.errors import NotSent, Rejected
from bridge.kept import Kept


class Groups:
    """`guild_of_role(role)`: the server that has it, None if none of the bot's has. Raises NotSent if nobody knows."""

    def __init__(self, client: DiscordClient, guild_of_role: Callable[[str], str | None]) -> None:
        self._client = client
        self._guild_of_role = guild_of_role
        self._roles: Kept[tuple[str, str], frozenset[str]] = Kept(self._ask)

    async def of(self, facts: Facts, groups: Collection[str]) -> frozenset[str]:
        """Which of these roles the author has: in the server of the message, or in whichever it is for a direct one.

        Raises ChannelError.
        """
        guilds = {self._guild_of_role(role) for role in groups} if facts.direct else {facts.workspace}
        found = await asyncio.gather(*(self._roles.get((guild, facts.author)) for guild in guilds if guild))
        return frozenset(groups).intersection(frozenset[str]().union(*found))

    def problem(self, groups: Collection[str]) -> str | None:
        """What is wrong with these. Raises NotSent."""
        unknown = sorted(role for role in groups if self._guild_of_role(role) is None)
        named = f"{', '.join(unknown)}: no server of this bot has such a role"
        return f"nobody is admitted by groups: {named}: write the role's id" if unknown else None

    async def close(self) -> None:
        """Ends what is still asked."""
        await self._roles.close()

    async def _ask(self, of: tuple[str, str]) -> frozenset[str]:
        guild, user = of
        try:
            member = await self._client.member(guild, user)
        except Rejected as error:
            if error.code in {UNKNOWN_MEMBER, UNKNOWN_USER}:
                return frozenset()
            raise NotSent(str(error), code=error.code) from error
        roles = parse.roles(member, guild)
        if roles is None:
            raise NotSent(f"GET /guilds/{guild}/members: the answer is not Discord's")
        return roles
