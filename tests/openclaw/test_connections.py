"""Turns with pauses between them: none is lost in a connection that the gateway is about to close."""

import asyncio
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bridge.envelope import Actor, Conversation, Envelope
from bridge.instance import Ending, Turn
from bridge.instances.openclaw import OpenClawInstance, OpenClawSettings
from tests.openclaw.world import OpenClaw

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

PAUSES = (0, 0, 3, 3.9, 4.1, 4.9, 5, 5.1, 6, 0)
"""Seconds between two turns: the gateway closes a connection that was idle for five."""


async def test_every_turn_is_answered_whatever_the_pause_before_it(openclaw):
    openclaw.model.forget()
    await openclaw.gateway.ensure()
    await asyncio.gather(talk(openclaw, stream=True), talk(openclaw, stream=False))
    assert len(openclaw.requests) == 2 * len(PAUSES)


async def talk(openclaw: OpenClaw, *, stream: bool) -> None:
    """Turns of one session with these pauses, each of them answered."""
    address, key = openclaw.gateway.base_url, SecretStr(openclaw.api_key)
    instance = OpenClawInstance.create("main", OpenClawSettings(base_url=address, api_key=key, stream=stream))
    try:
        for number, pause in enumerate(PAUSES):
            await asyncio.sleep(pause)
            *_, reply, ending = [step async for step in instance.run(turn(f"{number}", f"stream-{stream}".lower()))]
            assert isinstance(reply, Envelope)
            assert reply.text.startswith(f"You said: {number}")
            assert isinstance(ending, Ending)
    finally:
        await instance.close()


def turn(text: str, session: str) -> Turn:
    envelope = Envelope(
        id=text, source="slack", actor=Actor(id="slack:U1", display="Ada", type="human"),
        conversation=Conversation(source="slack", ref="r"), text=text, ts=datetime.now(UTC), raw={},
    )  # fmt: skip
    return Turn(session=session, envelope=envelope, prompt=f"[Ada] {text}")
