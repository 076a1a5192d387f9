"""What a channel keeps to where several processes work together: add `LeaseContract` to the channel's contract."""

import asyncio

import pytest

from bridge.channel import Channel
from bridge.errors import LeaseLost
from bridge.guard import guarded
from bridge.testing.channel_contract import PATIENCE, Inbox, Platform, delivery, heard, listening


@pytest.mark.asyncio
class LeaseContract:
    """The promise of a channel to look, right before each call, whether the work is still its own (`bridge.guard`)."""

    async def test_what_is_somebody_elses_by_the_time_of_its_call_is_not_posted(
        self, channel: Channel, platform: Platform
    ) -> None:
        """Whatever was called before, on a connection that is there already or on a new one."""

        async def lost() -> None:
            looked.append(True)
            raise LeaseLost("somebody else works on it by now")

        inbox, looked = Inbox(), list[bool]()
        async with listening(channel, platform, inbox.accept):
            root, envelope = await heard(platform, inbox)
            (payload,) = channel.render("hello")
            for number in range(2):
                with guarded(lost), pytest.raises(LeaseLost):
                    await channel.send(delivery(envelope, payload, f"lost{number}"))
            await channel.send(delivery(envelope, payload, "ours"))
            with guarded(lost), pytest.raises(LeaseLost):
                await channel.send(delivery(envelope, payload, "lost2"))
            async with asyncio.timeout(PATIENCE):
                await platform.settled()
        assert len(looked) >= 3
        assert len([said for said in platform.simulator.read(root.thread) if said.by_bot]) == 1
