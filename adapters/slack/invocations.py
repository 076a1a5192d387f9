"""Slash commands: each taken before Slack is acknowledged, and answered to that person alone in the acknowledgement.

Slack waits three seconds, shows the person an error where there is no acknowledgement, and does not send the command
again. https://docs.slack.dev/interactivity/implementing-slash-commands (2026-11-22)
"""

from typing import Any

from adapters.slack.render import render
from bridge.actions import Invocation, TakeCommand


class Invocations:
    """The slash commands of one channel, whatever the app calls them. Until somebody takes them they fail."""

    def __init__(self) -> None:
        self._take: TakeCommand | None = None

    def on_command(self, take: TakeCommand) -> None:
        """Gives every command to `take` from now on."""
        self._take = take

    async def take(self, invocation: Invocation) -> dict[str, Any] | None:
        """The acknowledgement; None if nobody takes it. Raises what `on_command`'s taker does."""
        if self._take is None:
            return None
        sentence = await self._take(invocation)
        return {"response_type": "ephemeral", "text": "\n".join(one["text"] for one in render(sentence))}
