"""Which roles somebody has."""

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest

from bridge.channel import Facts
from bridge.errors import NotSent

FACTS = Facts("G", "C", "U", ("G", "C"), direct=False, addressed=True, in_thread=False, author_is_bot=False)


@pytest.fixture
async def heard(channel, simulator):
    """What the channel hears, listening."""
    taken = asyncio.Queue()

    async def take(envelope, facts):
        await taken.put((envelope, facts))

    task = asyncio.create_task(channel.listen(take))
    await asyncio.wait_for(simulator.connected(), 10)
    yield taken
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def by(simulator, person, *, direct=False):
    author = simulator.person(person).id
    return replace(FACTS, workspace="dm" if direct else simulator.guild.id, author=author, direct=direct)


async def test_the_gateway_says_the_roles_with_each_message_and_the_history_does_not(channel, simulator, heard):
    role = simulator.role("support", "Ada")
    await simulator.say("Ada", "hello")
    _, facts = await asyncio.wait_for(heard.get(), 10)
    assert facts.groups == {role, simulator.guild.id}
    ((_, read),) = await channel.missed(time.time() - 60, [], everywhere=True)
    assert read == replace(facts, groups=None)
    assert await channel.groups_of(read, {role, "1"}) == {role}


async def test_in_a_direct_conversation_it_says_none(simulator, heard):
    simulator.role("support", "Ada")
    simulator.say_direct("Ada", "psst")
    _, facts = await asyncio.wait_for(heard.get(), 10)
    assert facts.groups is None


@pytest.mark.usefixtures("heard")
async def test_members_are_asked_for_once_and_in_direct_conversations_too(channel, simulator):
    support, other = simulator.role("support", "Ada"), simulator.role("other", "Bo")
    for direct in (False, True, False):
        assert await channel.groups_of(by(simulator, "Ada", direct=direct), {support, other}) == {support}
    assert len([call for call in simulator.calls if call.name == "member"]) == 1
    assert await channel.groups_of(by(simulator, "Bo", direct=True), {support, other}) == {other}
    assert await channel.groups_of(by(simulator, "Eve"), {support, other}) == frozenset()


@pytest.mark.usefixtures("heard")
async def test_the_role_that_all_have_makes_no_member_of_a_stranger(channel, simulator):
    everyone = simulator.guild.id
    simulator.person("Eve")
    simulator.leave("Eve")
    assert await channel.groups_of(by(simulator, "Ada", direct=True), {everyone}) == {everyone}
    assert await channel.groups_of(by(simulator, "Eve", direct=True), {everyone}) == frozenset()
    nobody = replace(by(simulator, "Eve"), author="123456789012345678")
    assert await channel.groups_of(nobody, {everyone}) == frozenset()


@pytest.mark.usefixtures("heard")
async def test_roles_that_no_server_has_are_named(channel, simulator):
    role = simulator.role("support", "Ada")

    async def known():
        while await channel.groups_problem({role}):  # noqa: ASYNC110 - the library says nothing of it
            await asyncio.sleep(0.01)

    await asyncio.wait_for(known(), 10)
    assert await channel.groups_problem({role, "7", "support"}) == (
        "nobody is admitted by groups: 7, support: no server of this bot has such a role: write the role's id"
    )
    assert await channel.groups_of(by(simulator, "Ada", direct=True), {"7", "support"}) == frozenset()


@pytest.mark.usefixtures("heard")
async def test_where_discord_cannot_be_asked_nothing_is_said_of_anybody(channel, simulator):
    role = simulator.role("support", "Ada")
    simulator.faults.refuse("member", code=50001, status=403)
    with pytest.raises(NotSent):
        await channel.groups_of(by(simulator, "Ada"), {role})
    assert await channel.groups_of(by(simulator, "Ada"), {role}) == {role}


async def test_before_it_is_connected_nobody_knows_whose_role_it_is(channel, simulator):
    with pytest.raises(NotSent, match="which servers"):
        await channel.groups_of(by(simulator, "Ada", direct=True), {"7"})
    assert await channel.groups_problem({"7"}) is None
