"""Who belongs to a user group."""

from dataclasses import replace

import pytest

from bridge.channel import Facts
from bridge.errors import NotSent, RateLimited
from tests.slack.conftest import channel_for, closing

FACTS = Facts("T", "C", "U", ("T", "C", "1"), direct=False, addressed=True, in_thread=False, author_is_bot=False)


def by(simulator, person):
    return replace(FACTS, author=simulator.person(person).id)


async def test_the_members_of_a_group_are_asked_for_once(channel, simulator):
    simulator.group("S1", "Ada", "Bo")
    simulator.group("S2", "Ada")
    assert await channel.groups_of(by(simulator, "Ada"), {"S1", "S2"}) == {"S1", "S2"}
    assert await channel.groups_of(by(simulator, "Bo"), {"S1", "S2"}) == {"S1"}
    assert await channel.groups_of(by(simulator, "Eve"), {"S1", "S2"}) == frozenset()
    assert len([call for call in simulator.calls if call.method == "usergroups.users.list"]) == 2
    assert await channel.groups_problem(frozenset({"S1", "S2"})) is None


async def test_nobody_belongs_to_a_group_that_is_not_there(channel, simulator):
    simulator.group("S1", "Ada")
    assert await channel.groups_of(by(simulator, "Ada"), {"S1", "support"}) == {"S1"}
    problem = await channel.groups_problem(frozenset({"S1", "support"}))
    assert problem == (
        "nobody is admitted by groups: support: there is no such user group: write its id, which begins with S"
    )


@pytest.mark.parametrize("code", ["plan_upgrade_required", "missing_scope", "access_denied", "no_permission"])
async def test_what_slack_will_never_tell_admits_nobody_and_is_said(channel, simulator, code):
    simulator.faults.refuse("usergroups.users.list", error=code)
    assert await channel.groups_of(by(simulator, "Ada"), {"S1"}) == frozenset()
    assert "nobody is admitted by groups: S1: " in await channel.groups_problem(frozenset({"S1"}))


async def test_a_missing_scope_is_named_with_the_remedy(simulator):
    simulator._web_api._scopes = frozenset({"chat:write"})
    async with closing(channel_for(simulator)) as channel:
        problem = await channel.groups_problem(frozenset({"S1", "S2"}))
    assert problem == (
        "nobody is admitted by groups: S1, S2: the app lacks the scope usergroups:read: add it and install the app again"
    )


async def test_where_slack_cannot_be_asked_nothing_is_said_of_anybody(channel, simulator):
    simulator.group("S1", "Ada")
    simulator.faults.refuse("usergroups.users.list", error="internal_error")
    with pytest.raises(Exception, match="internal_error"):
        await channel.groups_of(by(simulator, "Ada"), {"S1"})
    simulator.faults.refuse("usergroups.users.list", error="ekm_access_denied")
    with pytest.raises(NotSent):
        await channel.groups_of(by(simulator, "Ada"), {"S1"})
    simulator.faults.rate_limit("usergroups.users.list", retry_after=7)
    with pytest.raises(RateLimited):
        await channel.groups_of(by(simulator, "Ada"), {"S1"})
    assert await channel.groups_of(by(simulator, "Ada"), {"S1"}) == {"S1"}
