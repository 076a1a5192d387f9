"""The REST API: one call each, over discord.py's HTTP client, which keeps to Discord's buckets."""

import asyncio
import contextvars
import io
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextvars import ContextVar
from json import dumps as json_text
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import discord
from discord.http import HTTPClient, Route

from adapters.discord import ids
from adapters.discord.failures import NOT_AS_FILE, meaning
from adapters.discord.limits import PAGE
from adapters.discord.pace import Pace
from bridge import files
from bridge.channel import MessageRef, Payload
from bridge.errors import ConfigError, FileRefused, NotSent, OutcomeUnknown, RateLimited, Rejected
from bridge.files import File
from bridge.foreign import items_at, text_at

TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=5)  # seconds, for each request
BYTES = "application/octet-stream"
"""Discord finds out by itself what a file is; discord.py says this of every one."""
UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=80, sock_connect=5)  # seconds, for a file
PATIENCE = 30.0
"""Seconds that a call waits by itself where Discord asks to; the least that discord.py takes. Longer: RateLimited."""
LONGEST = 90.0
"""Seconds after which a call ends, its waits and discord.py's own repetitions included."""
SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
"""https://docs.discord.com/developers/resources/message#message-object-message-flags"""
FAILURES = (
    discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError,
    ValueError, KeyError, TypeError, AttributeError,  # answers that discord.py cannot read
)  # fmt: skip
"""Whatever a call of discord.py's HTTP client raises."""
QUIET: Mapping[str, Any] = {"allowed_mentions": {"parse": [], "replied_user": False}, "flags": SUPPRESS_EMBEDS}
"""Goes with everything that is posted and does not say otherwise: nobody is notified, links are not unfolded."""


_pointed_at: Counter[str] = Counter()
"""Where discord.py looks for Discord, and how many of us need it to."""


_said: ContextVar[list[int] | None] = ContextVar("said", default=None)
"""What Discord answered to one call so far, which discord.py repeats: each HTTP status."""


class Library(HTTPClient):
    """discord.py's HTTP client; also makes the gateway's sockets, and knows the newest."""

    socket: aiohttp.ClientWebSocketResponse | None = None

    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        self.socket = await super().ws_connect(url, compress=compress)
        return self.socket


class DiscordClient:
    """Calls Discord over one pool, logged in at the first call.

    Raises ConfigError if another one in this process calls another Discord.
    """

    def __init__(self, name: str, token: str, api_base: str) -> None:
        self._name = name
        self._token = token
        self._api_base = api_base
        self._library: Library | None = None
        self._me: object = None
        self._logging_in = asyncio.Lock()
        self._calls: set[asyncio.Task[object]] = set()
        self._pace = Pace()
        others = {base for base, count in _pointed_at.items() if count and base != api_base}
        if others:
            shared = f"every Discord channel of one process shares it: write {others.pop()}, or run two"
            raise ConfigError([f"channels.{name}.api_base: {shared}"])
        _pointed_at[api_base] += 1
        Route.BASE = api_base  # the library knows one for the whole process

    async def close(self) -> None:
        """Closes the pool."""
        _pointed_at[self._api_base] -= 1
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._library is not None:
            await self._library.close()

    async def me(self) -> object:
        """The user object of the bot. Raises ConfigError if Discord does not accept the token, else ChannelError."""
        await self.library()
        return self._me

    async def application(self) -> object:
        """The application that the bot belongs to.

        https://docs.discord.com/developers/resources/application#get-current-application
        """
        return await self.call("GET", "/applications/@me")

    async def channel(self, channel: str) -> object:
        """A room or thread. https://docs.discord.com/developers/resources/channel#get-channel."""
        return await self.call("GET", "/channels/{channel_id}", channel_id=channel)

    async def message(self, channel: str, message: str) -> object:
        """One message. https://docs.discord.com/developers/resources/message#get-channel-message."""
        return await self.call(
            "GET", "/channels/{channel_id}/messages/{message_id}", channel_id=channel, message_id=message
        )

    async def before(self, channel: str, message: str, most: int) -> Sequence[object]:
        """The last `most` (at most 100) messages of a room or thread that are older than that one, oldest first."""
        found = await self.call(
            "GET",
            "/channels/{channel_id}/messages",
            params={"before": message, "limit": most},
            channel_id=channel,
        )
        return items_at({"found": found}, "found")[::-1]

    async def after(self, channel: str, message: str) -> Sequence[object]:
        """All messages of a room or thread that are newer than that id, oldest first."""
        return [one async for page in self.pages_after(channel, message) for one in page]

    async def pages_after(self, channel: str, message: str) -> AsyncIterator[Sequence[object]]:
        """The same page by page. Without the permission to read the history there is none.

        https://docs.discord.com/developers/resources/message#get-channel-messages
        """
        newest: str | None = message
        while newest is not None:
            page = await self.call(
                "GET", "/channels/{channel_id}/messages", params={"after": newest, "limit": PAGE}, channel_id=channel
            )
            if not isinstance(page, list):
                raise NotSent(f"GET /channels/{channel}/messages: the answer is not Discord's")
            items = cast("list[object]", page)[::-1]
            yield items
            newest = text_at(items[-1], "id") if len(items) == PAGE else None

    async def places(self, guild: str) -> Sequence[object]:
        """The channel objects of a server's rooms and active threads.

        https://docs.discord.com/developers/resources/guild#get-guild-channels and #list-active-guild-threads
        """
        rooms = await self.call("GET", "/guilds/{guild_id}/channels", guild_id=guild)
        threads = await self.call("GET", "/guilds/{guild_id}/threads/active", guild_id=guild)
        return [*items_at({"rooms": rooms}, "rooms"), *items_at(threads, "threads")]

    async def member(self, guild: str, user: str) -> object:
        """Somebody as a member of a server; needs no intent.

        https://docs.discord.com/developers/resources/guild#get-guild-member
        """
        return await self.call("GET", "/guilds/{guild_id}/members/{user_id}", guild_id=guild, user_id=user)

    async def post(self, channel: str, body: Mapping[str, Any], nonce: str) -> str:
        """Posts a message, or a file, and returns its id; the same nonce again, for some minutes, posts nothing more.

        Raises FileRefused where it would be taken without the file, as far as Discord's code tells.
        """
        path = "/channels/{channel_id}/messages"
        file = files.read(body)
        own = {key: value for key, value in body.items() if key != files.KEY}
        said = {**QUIET, **own, "nonce": nonce, "enforce_nonce": True}
        if file is None:
            answer = await self.call("POST", path, json=said, channel_id=channel)
        else:
            try:
                answer = await self.call("POST", path, json=said, file=file, channel_id=channel)
            except Rejected as error:
                remedy = NOT_AS_FILE.get(error.code)
                if remedy is None:
                    raise
                sentence = f"Discord does not take the file ({error.code}): {remedy}"
                raise FileRefused(sentence, code=error.code) from error
        posted = text_at(answer, "id")
        if posted is None:
            raise OutcomeUnknown("Discord took a message and did not say which")
        return posted

    async def edit(self, ref: MessageRef, payload: Payload) -> None:
        """Changes a message of ours; components that are not named would stay.

        https://docs.discord.com/developers/resources/message#edit-message
        """
        channel, message = ids.channel_and_message(ref)
        await self.call(
            "PATCH",
            "/channels/{channel_id}/messages/{message_id}",
            json={**QUIET, "components": [], **payload},
            channel_id=channel,
            message_id=message,
        )

    async def answer(self, interaction: str, token: str, text: str) -> None:
        """Answers an interaction by a sentence that only that person sees.

        https://docs.discord.com/developers/interactions/receiving-and-responding#create-interaction-response; the
        names of the two parts of the address are those by which discord.py keeps the limits of each token.
        """
        shown: dict[str, Any] = {"content": text, "flags": EPHEMERAL, "allowed_mentions": {"parse": []}}
        await self.call(
            "POST",
            "/interactions/{webhook_id}/{webhook_token}/callback",
            json={"type": 4, "data": shown},
            webhook_id=interaction,
            webhook_token=token,
        )

    async def open_thread(self, room: str, message: str, name: str) -> None:
        """Opens a thread. https://docs.discord.com/developers/resources/channel#start-thread-from-message."""
        await self.call(
            "POST",
            "/channels/{channel_id}/messages/{message_id}/threads",
            json={"name": name},
            channel_id=room,
            message_id=message,
        )

    async def react(self, channel: str, message: str, emoji: str) -> None:
        """Puts an emoji on a message; again, that changes nothing.

        https://docs.discord.com/developers/resources/message#create-reaction
        """
        path = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"
        self._pace.spare()
        await self.call("PUT", path, channel_id=channel, message_id=message, emoji=emoji)

    async def show_typing(self, channel: str) -> None:
        """Shows typing. https://docs.discord.com/developers/resources/channel#trigger-typing-indicator."""
        self._pace.spare()
        await self.call("POST", "/channels/{channel_id}/typing", channel_id=channel)

    async def call(
        self, method: str, path: str, *, json: object = None, file: File | None = None, **ids_and_params: Any
    ) -> object:
        """What Discord answers; with a file the JSON goes beside it, in a form.

        Raises ChannelError; an error code of Discord's own is its `code`. Whoever stops waiting for it does not stop
        it: discord.py must not be cut off while it holds everybody up.
        """
        params: Any = ids_and_params.pop("params", None)
        library = await self.library()
        await self._pace.turn()
        body: dict[str, Any] = {"timeout": TIMEOUT} if json is None else {"timeout": TIMEOUT, "json": json}
        if file is not None:
            body = {"timeout": UPLOAD_TIMEOUT, **_form(json, file)}
        request = library.request(Route(method, path, **ids_and_params), params=params, **body)
        said: list[int] = []
        context = contextvars.copy_context()
        context.run(_said.set, said)
        task = asyncio.create_task(_result(request), context=context)
        self._calls.add(task)
        task.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(LONGEST):
                return await asyncio.shield(task)
        except FAILURES as error:
            found = meaning(f"{method} {path}", error)
            if method == "POST" and isinstance(found, NotSent | RateLimited) and any(one >= 500 for one in said):
                found = OutcomeUnknown(f"{found}, after a failure of its own")
            raise found from error

    def _ended(self, task: "asyncio.Task[object]") -> None:
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits for it has it; nobody may

    async def library(self) -> Library:
        """discord.py's client, logged in. Raises ConfigError or ChannelError."""
        async with self._logging_in:
            if self._library is None:
                self._library = await self._log_in()
            return self._library

    async def _log_in(self) -> Library:
        trace = self._pace.trace()
        trace.on_request_end.append(_note)
        library = Library(asyncio.get_running_loop(), max_ratelimit_timeout=PATIENCE, http_trace=trace)
        try:
            async with asyncio.timeout(TIMEOUT.total):
                self._me = cast("object", await library.static_login(self._token))
            if text_at(self._me, "id") is None:
                raise NotSent("GET /users/@me: the answer is not Discord's")
        except BaseException as error:
            await library.close()
            if isinstance(error, discord.LoginFailure):
                raise self._refused() from error
            if isinstance(error, FAILURES):
                found = meaning("GET /users/@me", error)
                raise (found if isinstance(found, RateLimited) else NotSent(str(found))) from error
            raise
        return library

    def _refused(self) -> ConfigError:
        where = "https://discord.com/developers/applications > your application > Bot"
        hint = " (without the word Bot before it)" if self._token.lower().startswith("bot ") else ""
        return ConfigError(
            [f"channels.{self._name}.token: Discord does not accept it: reset and copy it at {where}{hint}"]
        )


def _form(said: object, file: File) -> dict[str, Any]:
    """https://docs.discord.com/developers/reference#uploading-files."""
    attached = discord.File(io.BytesIO(file.content), filename=file.name)
    fields = {**cast("dict[str, Any]", said), "attachments": [attached.to_dict(0)]}
    return {
        "files": [attached],
        "form": [
            {"name": "payload_json", "value": json_text(fields), "content_type": "application/json"},
            {"name": "files[0]", "value": attached.fp, "filename": attached.filename, "content_type": BYTES},
        ],
    }


async def _note(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, answer: aiohttp.TraceRequestEndParams
) -> None:
    said = _said.get()
    if said is not None:
        said.append(answer.response.status)


async def _result(request: Awaitable[object]) -> object:
    return await request
