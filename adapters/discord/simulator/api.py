"""What the REST routes share: the guild and its publisher, a call's arguments, and what calls leave behind."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from adapters.discord.simulator.answers import Answer, ApiError, invalid_form, required
from adapters.discord.simulator.gateway import Gateway
from adapters.discord.simulator.guild import Guild, Message, Payload, Room, SharedFile
from adapters.discord.simulator.interaction import Interaction
from adapters.discord.simulator.permissions import can, can_see
from adapters.discord.simulator.publisher import Publisher


class Nonces:
    """The messages that were posted under a nonce lately, by author and nonce.

    https://github.com/discord/discord-api-docs/pull/6647: for "a few minutes" the same nonce gives the same message,
    in whichever channel, and an error if that was deleted.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._messages: OrderedDict[tuple[str, str], tuple[Message, float]] = OrderedDict()

    def find(self, author_id: str, nonce: str | int) -> Message | None:
        """The message of that author under that nonce."""
        known = self._messages.get((author_id, str(nonce)))
        return known[0] if known and time.monotonic() - known[1] < self._seconds else None

    def keep(self, message: Message, nonce: str | int) -> None:
        """Remembers the message for a while."""
        now = time.monotonic()
        while self._messages:
            oldest = next(iter(self._messages))
            if now - self._messages[oldest][1] < self._seconds:
                break
            del self._messages[oldest]
        self._messages[message.author.id, str(nonce)] = (message, now)


@dataclass(slots=True)
class Api:
    """The simulated Discord as the routes see it."""

    publisher: Publisher
    gateway: Gateway
    nonces: Nonces
    message_content: bool
    url: Callable[[], str]
    """`http://host:port`."""
    typing: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """Channel id -> when the bot triggered typing there, in `time.monotonic` seconds."""
    commands: dict[str, list[Payload]] = field(default_factory=dict[str, list[Payload]])
    """Guild id, or "" for everywhere -> the commands that the app registered."""
    interactions: dict[str, Interaction] = field(default_factory=dict[str, Interaction])
    """Token -> the interaction."""

    @property
    def guild(self) -> Guild:
        """The state."""
        return self.publisher.guild

    def room(self, channel_id: str) -> Room:
        """The channel or thread with that id, as far as the bot can see it."""
        room = self.guild.rooms.get(channel_id)
        if room is None:
            raise ApiError(10003)
        if not can_see(self.guild, room):
            raise ApiError(50001)
        return room

    def need(self, room: Room, permission: str) -> None:
        """Refuses the call where the bot lacks that permission."""
        if not can(self.guild, room, permission):
            raise ApiError(50013)


class Args:
    """A call's arguments: path, query, body and files."""

    def __init__(
        self,
        path: Mapping[str, str],
        query: Mapping[str, str],
        body: Any,
        files: Mapping[str, SharedFile],
    ) -> None:
        self.path = path
        self.query = query
        self.body = body
        self.files = files

    @property
    def fields(self) -> Payload:
        """The body as an object; empty where there is none."""
        if self.body is None:
            return {}
        body: object = self.body
        if not isinstance(body, dict):
            raise ApiError(50035)
        return cast("Payload", body)

    def name(self, longest: int = 100) -> str:
        """The field `name`, stripped, with at least one and at most so many characters."""
        value = self.fields.get("name")
        if value is None:
            raise required("name")
        text = str(value).strip()
        if not 1 <= len(text) <= longest:
            raise invalid_form("name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {longest} in length.")
        return text

    def objects(self, field_name: str) -> list[Payload]:
        """A list of objects; empty where it is missing or null."""
        value = self.fields.get(field_name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise invalid_form(field_name, "BASE_TYPE_LIST", "Only iterables may be used in a ListType")
        return cast("list[Payload]", value)

    def number(self, field_name: str, default: int, low: int, high: int) -> int:
        """A number of the query, within bounds."""
        text = self.query.get(field_name, "")
        try:
            value = int(text) if text else default
        except ValueError:
            raise invalid_form(field_name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not int.') from None
        if not low <= value <= high:
            detail = f"int value should be between {low} and {high}."
            raise invalid_form(field_name, "NUMBER_TYPE_MAX" if value > high else "NUMBER_TYPE_MIN", detail)
        return value


Handler = Callable[[Api, Args], Answer]
"""Answers one call, or raises `ApiError`. It never waits."""


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: how it is called, what it is called by, and who answers."""

    name: str
    """As in `Call.name` and the plans of `Faults`."""
    method: str
    path: str
    handler: Handler
    needs_token: bool = True
