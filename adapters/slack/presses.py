"""Buttons that were pressed: each taken before Slack is acknowledged, and answered afterwards to that person alone.

Slack waits three seconds for the acknowledgement, and shows the person an error where there is none; it does not send
the press again. https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response (2026-11-22)
"""

import asyncio

import structlog

from adapters.slack import ids
from adapters.slack.client import SlackClient
from bridge.actions import Press, TakePress
from bridge.errors import ChannelError

_log = structlog.get_logger(__name__)


class Presses:
    """The presses of one channel. Until somebody takes them they do nothing."""

    def __init__(self, channel: str, client: SlackClient) -> None:
        self._channel = channel
        self._client = client
        self._take: TakePress | None = None
        self._answers: set[asyncio.Task[None]] = set()

    def on_press(self, take: TakePress) -> None:
        """Gives every press to `take` from now on."""
        self._take = take

    async def take(self, press: Press) -> None:
        """Returns when it was taken; what was said of it is shown after that. Raises what `on_press`'s taker does."""
        if self._take is None:
            return
        sentence = await self._take(press)
        task = asyncio.create_task(self._answer(press, sentence))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def close(self) -> None:
        """Lets go of what was to be shown."""
        answers = list(self._answers)
        for task in answers:
            task.cancel()
        await asyncio.gather(*answers, return_exceptions=True)

    async def _answer(self, press: Press, sentence: str) -> None:
        room, _ = ids.message(press.message)
        thread = press.facts.thread[-1] if press.facts.in_thread else None
        try:
            await self._client.whisper(room, thread, press.facts.author, sentence)
        except ChannelError as error:
            _log.info("press.not_answered", channel=self._channel, room=room, reason=str(error))
