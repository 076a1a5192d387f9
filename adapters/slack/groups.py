"""Who belongs to a user group.

Source: https://docs.slack.dev/reference/methods/usergroups.users.list (read 2026-11-22): tier 2, "20+ per minute".
"""

import asyncio
from collections.abc import Collection, Mapping

from adapters.slack.client import SlackClient
from bridge.errors import ChannelError, NotSent, Rejected
from bridge.kept import Kept

SCOPE = "usergroups:read"
NOBODY: Mapping[str, str] = {
    # What Slack says of a group about which it never tells more -> why, and the remedy.
    "missing_scope": f"the app lacks the scope {SCOPE}: add it and install the app again",
    "no_such_subteam": "there is no such user group: write its id, which begins with S",
    "plan_upgrade_required": "this workspace has no user groups: write users instead",
    "access_denied": "Slack does not tell this app: write users instead",
    "no_permission": "Slack does not tell this app: write users instead",
}


class Groups:
    """The user groups that rules name. Nobody belongs to one of which Slack says that it will not tell."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client
        self._problems: dict[str, str] = {}
        self._members: Kept[str, frozenset[str]] = Kept(self._ask)

    async def of(self, user: str, groups: Collection[str]) -> frozenset[str]:
        """Which of these that person belongs to. Raises ChannelError if nothing is known of one of them."""
        asked = sorted(groups)
        found = await asyncio.gather(*map(self._members.get, asked))
        return frozenset(group for group, members in zip(asked, found, strict=True) if user in members)

    async def problem(self, groups: Collection[str]) -> str | None:
        """What is wrong with these. Raises ChannelError."""
        for group in sorted(groups):
            await self._members.get(group)
        wrong: dict[str, list[str]] = {}
        for group in sorted(groups & self._problems.keys()):
            wrong.setdefault(self._problems[group], []).append(group)
        said = "; ".join(f"{', '.join(named)}: {why}" for why, named in wrong.items())
        return f"nobody is admitted by groups: {said}" if said else None

    async def close(self) -> None:
        """Ends what is still asked."""
        await self._members.close()

    async def _ask(self, group: str) -> frozenset[str]:
        try:
            members = await self._client.members_of(group)
        except ChannelError as error:
            problem = NOBODY.get(str(error.code))
            if problem is None and isinstance(error, Rejected):
                raise NotSent(str(error), code=error.code) from error
            if problem is None:
                raise
            self._problems[group] = problem
            return frozenset()
        self._problems.pop(group, None)
        return members
