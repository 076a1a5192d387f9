"""Who the people in a message are: each person is looked up once, and a turn waits only so long for that."""

import asyncio

import structlog

from adapters.slack import ids, markup
from adapters.slack.client import SlackClient
from bridge.envelope import Envelope
from bridge.errors import ChannelError

_log = structlog.get_logger(__name__)

NAME_SECONDS = 3.0
"""How long a turn waits for names."""
NAMES_AT_ONCE = 20
"""The most that are looked up for one message."""
NAMES_KEPT = 10_000
"""People whose names are remembered before all of them are asked for anew."""


class Names:
    """The names of one workspace's people."""

    def __init__(self, channel: str, client: SlackClient) -> None:
        self._channel = channel
        self._client = client
        self._asked: dict[str, asyncio.Task[str | None]] = {}

    async def resolved(self, envelope: Envelope) -> Envelope:
        """The message with the names of its author and of whom it mentions, as far as they are known in time."""
        author = ids.user_of(envelope.actor.id)
        if envelope.actor.type != "human":
            return envelope
        users = [author, *sorted(markup.users_in(envelope.text) - {author})][:NAMES_AT_ONCE]
        found = await asyncio.gather(*map(self._name_of, users))
        names = {user: name for user, name in zip(users, found, strict=True) if name}
        actor = envelope.actor.model_copy(update={"display": names.get(author, envelope.actor.display)})
        return envelope.model_copy(update={"actor": actor, "text": markup.with_names(envelope.text, names)})

    def close(self) -> None:
        """Asks no more."""
        for task in self._asked.values():
            task.cancel()

    async def _name_of(self, user: str) -> str | None:
        """One call a person, and one for somebody who does not exist; another failure is forgotten and asked again."""
        task = self._asked.get(user)
        if task is not None and task.done() and task.exception() is None:
            return task.result()
        if task is None and len(self._asked) >= NAMES_KEPT:
            self._asked.clear()
        if task is None:
            task = self._asked[user] = asyncio.create_task(self._client.user_name(user))
        try:
            async with asyncio.timeout(NAME_SECONDS):
                return await asyncio.shield(task)
        except (ChannelError, TimeoutError) as error:
            if task.done():
                self._asked.pop(user, None)
            _log.info("name.unknown", channel=self._channel, user=user, reason=str(error))
            return None
