"""The calls of OpenComputer's API that a conversation needs, each safe to repeat; and its event stream, followed.

Source: https://docs.opencomputer.dev/agent-sessions/api-reference (read 2026-11-22).
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime
from urllib.parse import quote

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError
from httpx_aiohttp import HttpxAiohttpClient
from httpx_sse import EventSource

from bridge import __version__
from bridge.errors import InstanceError, InstanceRefused, InstanceUnavailable, TurnInterrupted
from bridge.foreign import dig, items_at, text_at
from bridge.instances import failures, openresponses
from bridge.instances.opencomputer_events import Event, event
from bridge.instances.opencomputer_failures import failure

CONNECT_TIMEOUT = 10.0  # seconds for name, connection and TLS together
CALL_TIMEOUT = 60.0  # seconds without a byte of a call's answer
STALL = 30.0
"""Seconds without a byte after which an event stream is opened anew from where it was."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between a stream that ended and the next, doubled each time that none brought anything."""

BROKEN = (httpx.HTTPError, aiohttp.ClientError, HttpProcessingError, OSError)
"""What the transport raises. `httpx_aiohttp` maps most of aiohttp's errors, but not all."""


class Client:
    """Speaks to one API. What it raises is an InstanceError; `name` is the section's."""

    def __init__(
        self,
        name: str,
        base_url: str,
        key: str,
        *,
        timeout: float,
        connections: int,
        clock: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`timeout`: seconds without a byte after which nobody follows a session any more."""
        self._name, self._key, self._clock, self._timeout = name, key, clock, timeout
        self._address = f"{base_url}/v3"
        self._stall = min(STALL, timeout / 3)
        self._client = HttpxAiohttpClient(
            transport=transport,
            headers={"Authorization": f"Bearer {key}", "User-Agent": f"threadbridge/{__version__}"},
            timeout=httpx.Timeout(min(CALL_TIMEOUT, timeout), connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
            limits=httpx.Limits(max_connections=connections),
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.aclose()

    async def post(self, path: str, body: object, headers: Mapping[str, str], withheld: tuple[str, ...] = ()) -> object:
        """What the call answers. Its errors quote none of the texts in `withheld`."""
        content = json.dumps(body, ensure_ascii=False).encode(errors="replace")
        answer = await self._call(
            "POST", path, content=content, headers={"Content-Type": "application/json", **headers}, withheld=withheld
        )
        return openresponses.load(answer)

    async def get(self, path: str, **params: str | int) -> bytes:
        """What stands there."""
        return await self._call("GET", path, params=params)

    async def whole(self, session: str, one: Event) -> Event:
        """The event with its body, wherever that is kept."""
        if not one.offloaded:
            return one
        return one.whole(await self.get(f"/sessions/{part(session)}/events/{part(one.id)}/content"))

    async def event(self, session: str, identifier: str) -> Event | None:
        """One event of a session."""
        found = openresponses.load(await self.get(f"/sessions/{part(session)}/events/{part(identifier)}"))
        one = event(found) or event(dig(found, "event"))
        return await self.whole(session, one) if one else None

    async def events(self, session: str, after: int, **filters: str | int) -> list[Event]:
        """A page of a session's log."""
        found = openresponses.load(await self.get(f"/sessions/{part(session)}/events", after=after, **filters))
        listed = items_at({"data": found}, "data") or items_at(found, "data") or items_at(found, "events")
        return [one for one in map(event, listed) if one is not None]

    async def session_of(self, key: str) -> str | None:
        """The id of the session that has this key."""
        found = openresponses.load(await self.get("/sessions", key=key))
        listed = items_at(found, "data") or items_at(found, "sessions")
        return next((text_at(one, "id") for one in listed if dig(one, "key") in (key, None)), None)

    async def key_of(self, session: str) -> str | None:
        """The key that a session was created with."""
        found = openresponses.load(await self.get(f"/sessions/{part(session)}"))
        return text_at(found, "key") or text_at(found, "session", "key")

    async def destinations(self, session: str) -> list[str | None]:
        """The addresses that a session's events are sent to."""
        found = openresponses.load(await self.get(f"/sessions/{part(session)}/destinations"))
        listed = items_at({"data": found}, "data") or items_at(found, "data") or items_at(found, "destinations")
        return [text_at(one, "url") for one in listed]

    async def follow(self, session: str, after: int) -> AsyncGenerator[Event, None]:
        """The events after that `seq`, as they come, for ever; a stream that ends or stalls is opened where it was.

        Raises TurnInterrupted after `timeout` seconds without a byte, and whatever else the API answers.
        """
        now = asyncio.get_running_loop().time
        heard, pause = now(), FIRST_PAUSE
        while True:
            opened = now()
            try:
                async with contextlib.aclosing(self._stream(session, after)) as events:
                    async for one in events:
                        if one is None:
                            opened = now()
                            continue
                        after, heard, pause = max(after, one.seq), now(), FIRST_PAUSE
                        yield one
            except InstanceUnavailable as error:
                if error.retry_after is not None:
                    raise
            except BROKEN:
                pass
            if (
                now() - opened > 1.1 * self._stall
            ):  # comments are no events, but bytes: without any it had stalled before
                heard = max(heard, now() - self._stall)
            left = self._timeout - (now() - heard)
            if left <= 0:
                raise TurnInterrupted(f"{self._name} sent nothing for {self._timeout:g} seconds.", why="silent")
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _stream(self, session: str, after: int) -> AsyncGenerator[Event | None, None]:
        """None once it is open, then the events."""
        timeouts = httpx.Timeout(self._stall, connect=min(CONNECT_TIMEOUT, self._timeout), pool=CONNECT_TIMEOUT)
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": str(after)} if after else {})}
        async with self._client.stream(
            "GET",
            f"{self._address}/sessions/{part(session)}/events",
            params={"after": after, "stream": "sse"},
            headers=headers,
            timeout=timeouts,
        ) as response:
            if not response.is_success:
                raise await self._refusal(response)
            if "text/event-stream" not in response.headers.get("content-type", "").lower():
                raise InstanceRefused(
                    f"{self._name} answered something that is no event stream: "
                    f"check base_url of [instances.{self._name}], then `!retry` asks again."
                )
            yield None
            response.encoding = "utf-8-sig"
            frames = EventSource(response).aiter_sse()
            async with contextlib.aclosing(frames):
                async for frame in frames:
                    one = event(openresponses.load(frame.data))
                    if one is not None:
                        yield one

    async def _call(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        withheld: tuple[str, ...] = (),
    ) -> bytes:
        try:
            async with self._client.stream(
                method, self._address + path, content=content, params=params, headers=headers
            ) as response:
                if not response.is_success:
                    raise await self._refusal(response, withheld)
                return await openresponses.read_body(response)
        except BROKEN as error:
            raise InstanceUnavailable(
                f"{self._name} cannot be reached ({type(error).__name__}): check base_url of [instances.{self._name}]."
            ) from error

    async def _refusal(self, response: httpx.Response, withheld: tuple[str, ...] = ()) -> InstanceError:
        return failure(
            response.status_code,
            await openresponses.read_body(response),
            name=self._name,
            retry_after=failures.retry_after_seconds(response.headers.get("retry-after"), self._clock()),
            withheld=(self._key, *withheld),
        )


def part(text: str) -> str:
    """One part of a path."""
    return quote(text, safe="")
