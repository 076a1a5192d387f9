"""The Web API: one call each, and what its failures mean to us."""

import io
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import ids, limits, markup
from adapters.slack.failures import BAD_TOKEN, BLOCKS_REFUSED, meaning
from adapters.slack.parse import Bot
from bridge.channel import Delivery, MessageRef, Payload
from bridge.errors import ChannelError, ConfigError, NotSent, OutcomeUnknown, RateLimited
from bridge.foreign import dig, items_at, text_at
from bridge.guard import before_each_call
from bridge.room import Room

_Call = Callable[[dict[str, Any]], Awaitable[object]]

_log = structlog.get_logger(__name__)

METADATA_EVENT = "threadbridge_delivery"
SCOPES_HEADER = "x-oauth-scopes"
"""What the token of a call may do; slack-bolt reads it, too (slack_bolt/middleware/authorization)."""
TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=5)  # seconds
UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=5)  # seconds
ROOM_TYPES = "public_channel,private_channel,im,mpim"
LOOK_BACK = 300.0
"""Seconds before a delivery was made from which it is looked for: more than two clocks may differ."""


def delivery_id(message: object) -> str | None:
    """The delivery that a message was posted for, if it carries that."""
    return text_at(message, "metadata", "event_payload", "delivery_id")


class SlackClient:
    """Calls Slack once and never repeats by itself."""

    def __init__(self, name: str, bot_token: str, api_base: str, *, connections: int) -> None:
        self._name = name
        self._token = bot_token
        self._api_base = api_base
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._web: AsyncWebClient | None = None
        self._closed_until: dict[str, float] = {}  # room -> monotonic seconds
        self.scopes: frozenset[str] | None = None
        """What Slack says that the bot may do; None where it did not say."""

    @property
    def web(self) -> AsyncWebClient:
        """The SDK's client over one shared pool, without the SDK's own retries (they can post twice)."""
        if self._web is None:
            connector = aiohttp.TCPConnector(limit=self._connections)
            self._session = aiohttp.ClientSession(
                timeout=TIMEOUT, connector=connector, trace_configs=[before_each_call()]
            )
            self._web = AsyncWebClient(
                token=self._token, base_url=self._api_base, session=self._session, retry_handlers=[], timeout=20
            )
        return self._web

    async def close(self) -> None:
        """Closes the pool."""
        if self._session is not None:
            await self._session.close()

    async def who_am_i(self) -> Bot:
        """What the bot token says. Raises ConfigError if Slack does not accept it, ChannelError otherwise."""
        answer = await self._test("auth.test", self._token, "bot_token")
        user, team = text_at(answer, "user_id"), text_at(answer, "team_id")
        if user is None or team is None:
            # An app-level token passes auth.test, too, but is nobody.
            raise ConfigError(
                [f"channels.{self._name}.bot_token: is no bot's token: copy the one that begins with xoxb-"]
            )
        return Bot(team=team, user=user, bot=text_at(answer, "bot_id"))

    async def check_app_token(self, app_token: str) -> None:
        """Raises ConfigError if Slack does not accept the app token for Socket Mode."""
        await self._test("apps.connections.open", app_token, "app_token")

    async def _test(self, method: str, token: str, key: str) -> object:
        try:
            return await self.call(method, {}, token=token)
        except ChannelError as error:
            code = error.code
            if code in BAD_TOKEN or code == "missing_scope":
                where = {"bot_token": "OAuth & Permissions", "app_token": "Basic Information > App-Level Tokens"}[key]
                hint = " (it needs the scope connections:write)" if key == "app_token" else ""
                raise ConfigError(
                    [f"channels.{self._name}.{key}: Slack does not accept it ({code}): copy it from {where}{hint}"]
                ) from error
            raise

    async def post(self, delivery: Delivery) -> MessageRef:
        """`chat.postMessage` into the delivery's thread, its id in the metadata.

        Where Slack refuses the blocks, which posts nothing, it gets the text alone.
        """
        where = ids.place(delivery.conversation.ref)
        arguments: dict[str, Any] = {
            "channel": where.room,
            **delivery.payload,
            "metadata": {"event_type": METADATA_EVENT, "event_payload": {"delivery_id": delivery.id}},
        }
        if where.thread is not None:
            arguments["thread_ts"] = where.thread
        answer = await self._with_or_without_blocks(
            lambda arguments: self.in_room(where.room, "chat.postMessage", arguments), arguments
        )
        posted = text_at(answer, "ts")
        if posted is None:
            raise OutcomeUnknown("chat.postMessage answered without the message's ts")
        return ids.message_ref(where.room, posted)

    async def edit(self, ref: MessageRef, payload: Payload) -> None:
        """`chat.update`; the metadata stays, and blocks would, where there are no new ones.

        https://docs.slack.dev/reference/methods/chat.update
        """
        room, ts = ids.message(ref)
        await self._with_or_without_blocks(
            lambda arguments: self.call("chat.update", arguments),
            {"channel": room, "ts": ts, "blocks": [], **payload},
        )

    async def whisper(self, room: str, thread: str | None, user: str, text: str) -> None:
        """Shows one person a sentence, which does not last. https://docs.slack.dev/reference/methods/chat.postEphemeral.

        Slack shows it to whoever is there; it may be lost.
        """
        arguments = {"channel": room, "user": user, "text": text} | ({"thread_ts": thread} if thread else {})
        await self.call("chat.postEphemeral", arguments)

    async def _with_or_without_blocks(self, call: _Call, arguments: dict[str, Any]) -> object:
        """Slack's answer; if it refuses the blocks, which changes nothing there, the one to the text alone."""
        try:
            return await call(arguments)
        except ChannelError as error:
            if not arguments.get("blocks") or error.code not in BLOCKS_REFUSED:
                raise
            _log.warning("blocks.refused", channel=self._name, reason=str(error))
        return await call({**arguments, "blocks": []})

    async def find(self, delivery: Delivery) -> MessageRef | None:
        """The message in the delivery's thread that carries its id, in its metadata or in the name of its file."""
        async for message in self.since_made(delivery):
            if _carries(message, delivery.id):
                return ids.message_ref(ids.place(delivery.conversation.ref).room, message["ts"])
        return None

    async def since_made(self, delivery: Delivery) -> AsyncIterator[dict[str, Any]]:
        """The messages of the delivery's thread among which it is, if it was posted."""
        where = ids.place(delivery.conversation.ref)
        oldest = delivery.created_at - LOOK_BACK
        if delivery.answers is not None:
            oldest = min(oldest, float(ids.ts_of(delivery.answers)))
        async for message in self._messages(where, oldest=f"{oldest:.6f}", include_all_metadata=True):
            if text_at(message, "ts"):
                yield message

    async def set_status(self, room: str, thread: str, status: str, lines: Sequence[str] = ()) -> None:
        """`assistant.threads.setStatus`; an empty one takes it away.

        https://docs.slack.dev/reference/methods/assistant.threads.setStatus
        """
        shown: dict[str, Any] = {"channel_id": room, "thread_ts": thread, "status": status}
        await self.call("assistant.threads.setStatus", shown | ({"loading_messages": [*lines]} if lines else {}))

    async def react(self, room: str, ts: str, name: str) -> None:
        """`reactions.add`. https://docs.slack.dev/reference/methods/reactions.add."""
        try:
            await self.call("reactions.add", {"channel": room, "timestamp": ts, "name": name})
        except ChannelError as error:
            if error.code != "already_reacted":
                raise

    async def before(self, where: ids.Place, ts: str, most: int) -> Sequence[dict[str, Any]]:
        """The last `most` messages of a thread that are older than `ts`, oldest first."""
        kept: deque[dict[str, Any]] = deque(maxlen=most)
        async for message in self._messages(where, latest=ts):
            if message.get("ts") != ts:
                kept.append(message)
        return kept

    async def rooms(self) -> Sequence[str]:
        """The rooms and direct conversations that the bot is in."""
        found: list[str] = []
        cursor = ""
        while True:
            arguments = {"types": ROOM_TYPES, "exclude_archived": True, "limit": limits.PAGE}
            page = await self.call("users.conversations", arguments | ({"cursor": cursor} if cursor else {}))
            found += [room for one in items_at(page, "channels") if (room := text_at(one, "id"))]
            cursor = text_at(page, "response_metadata", "next_cursor") or ""
            if not cursor:
                return found

    async def since(self, where: ids.Place, oldest: str) -> Sequence[dict[str, Any]]:
        """The messages of a room's top, or of a thread, that are not older than that ts; in no order."""
        found = [message async for message in self._messages(where, oldest=oldest, inclusive=True)]
        return [message for message in found if (text_at(message, "ts") or "") >= oldest]

    async def room(self, room: str) -> Room:
        """`conversations.info`: tier 3, "50+ per minute"; each kind of room has a scope of its own (channels:read, …).

        https://docs.slack.dev/reference/methods/conversations.info and
        https://docs.slack.dev/reference/objects/conversation-object (read 2026-11-22)
        """
        found: object = dig(await self.call("conversations.info", {"channel": room}), "channel")
        if text_at(found, "id") is None:
            raise NotSent("conversations.info: the answer is not Slack's")
        return Room(text_at(found, "name") or "", markup.to_plain(text_at(found, "topic", "value") or "", ""))

    async def user_name(self, user: str) -> str | None:
        """The name that people see; None if there is nobody of this id."""
        try:
            answer = await self.call("users.info", {"user": user})
        except ChannelError as error:
            if error.code == "user_not_found":
                return None
            raise
        return (
            text_at(answer, "user", "profile", "display_name")
            or text_at(answer, "user", "profile", "real_name")
            or text_at(answer, "user", "name")
        )

    async def members_of(self, group: str) -> frozenset[str]:
        """`usergroups.users.list`. https://docs.slack.dev/reference/methods/usergroups.users.list."""
        answer = await self.call("usergroups.users.list", {"usergroup": group})
        members: object = dig(answer, "users")
        if not isinstance(members, list):
            raise NotSent("usergroups.users.list: the answer is not Slack's")
        return frozenset(one for one in cast("list[object]", members) if isinstance(one, str))

    async def _messages(self, where: ids.Place, **arguments: Any) -> AsyncIterator[dict[str, Any]]:
        method = "conversations.replies" if where.thread else "conversations.history"
        arguments |= {"channel": where.room, "limit": limits.PAGE} | ({"ts": where.thread} if where.thread else {})
        cursor = ""
        while True:
            page = await self.call(method, arguments | ({"cursor": cursor} if cursor else {}))
            messages: object = dig(page, "messages")
            for message in cast("list[object]", messages) if isinstance(messages, list) else []:
                if isinstance(message, dict):
                    yield cast("dict[str, Any]", message)
            cursor = text_at(page, "response_metadata", "next_cursor") or ""
            if not cursor:
                return

    async def in_room(self, room: str, method: str, arguments: dict[str, Any]) -> object:
        """A call that counts against a room's rate: not made while Slack asked to wait there."""
        remaining = self._closed_until.get(room, 0.0) - time.monotonic()
        if remaining > 0:
            raise RateLimited(f"Slack asked to wait before the next post in {room}", retry_after=remaining)
        self._closed_until.pop(room, None)
        try:
            return await self.call(method, arguments)
        except RateLimited as error:
            self._closed_until[room] = time.monotonic() + error.retry_after
            raise

    def hold(self, room: str, seconds: float) -> None:
        """Slack asked another process to wait there."""
        self._closed_until[room] = max(self._closed_until.get(room, 0.0), time.monotonic() + seconds)

    async def put(self, address: str, content: bytes) -> None:
        """Uploads bytes, without the token. Raises NotSent: by itself this shows nothing to anybody."""
        _ = self.web
        if self._session is None:
            raise NotSent("the channel is closed")
        try:
            async with self._session.post(
                address,
                data=io.BytesIO(content),
                headers={"Content-Type": "application/octet-stream"},
                allow_redirects=False,
                timeout=UPLOAD_TIMEOUT,
            ) as answer:
                if answer.status != 200:
                    raise NotSent(f"Slack answered {answer.status} to an upload")
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise NotSent("an upload to Slack broke off") from error

    async def call(self, method: str, arguments: dict[str, Any], *, token: str | None = None) -> object:
        """Slack's answer. Raises ChannelError; an error code of Slack's own is its `code`."""
        try:
            # Reading takes form fields, posting takes JSON: so does the SDK.
            as_json = method.startswith(("chat.", "assistant."))
            answer = await self.web.api_call(  # pyright: ignore[reportUnknownMemberType]
                method,
                json=arguments if as_json else None,
                params=None if as_json else arguments,
                headers={"Authorization": f"Bearer {token}"} if token else None,
            )
        except SlackApiError as error:
            raise meaning(method, error) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(f"{method}: Slack cannot be reached at {self._api_base}") from error
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise OutcomeUnknown(f"{method}: the connection to Slack ended without an answer") from error
        if token in (None, self._token):
            self._note_scopes(answer.headers)  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]
        data: object = answer.data  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
        if not isinstance(data, dict):
            raise OutcomeUnknown(f"{method}: the answer is not Slack's")
        return cast("dict[str, object]", data)

    def _note_scopes(self, headers: Mapping[str, str]) -> None:
        stated = headers.get(SCOPES_HEADER)
        if stated is not None:
            self.scopes = frozenset(one.strip() for one in stated.split(","))


def _carries(message: object, delivery: str) -> bool:
    """Whether a message was posted for that delivery."""
    if dig(message, "metadata", "event_payload", "delivery_id") == delivery:
        return True
    return any(ids.is_file_of(text_at(file, "name") or "", delivery) for file in items_at(message, "files"))
