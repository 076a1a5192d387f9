"""The REST API: `/api/v10/…` with Discord's token, rate limits and error answers.

https://docs.discord.com/developers/reference.
"""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import BodyPartReader, web

from adapters.discord.simulator import routes_app, routes_interactions, routes_messages, routes_rooms
from adapters.discord.simulator.answers import Answer, ApiError, not_found, unauthorized
from adapters.discord.simulator.api import Api, Args, Route
from adapters.discord.simulator.faults import Fault, Faults
from adapters.discord.simulator.guild import Payload, SharedFile
from adapters.discord.simulator.rate_limit import Limiter
from bridge.testing.changes import Changes

BASE = "/api/v10"

ROUTES = (*routes_messages.ROUTES, *routes_rooms.ROUTES, *routes_app.ROUTES, *routes_interactions.ROUTES)

VIA = "1.1 simulator"
"""Answers from Discord itself carry `Via`; libraries take a 429 without it for a ban by the proxy in front of it."""

UNKNOWN = "unknown"
"""The name of a call for which there is no route."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the app, as it was answered."""

    name: str
    """The route's name, such as `messages.create`."""
    method: str
    path: str
    body: Any
    """The decoded JSON; None where there was none."""
    at: float
    """When it came in, in `time.monotonic` seconds."""
    status: int
    """HTTP status; 0 where the connection was closed instead."""
    code: int
    """Discord's error code; 0 where there is none."""


class Rest:
    """Answers calls in the order they arrive; nothing waits but a fault's `delay`."""

    def __init__(
        self,
        api: Api,
        faults: Faults,
        changes: Changes,
        *,
        token: str,
        limiter: Limiter | None,
        record_calls: bool,
    ) -> None:
        self.calls: list[Call] = []
        self._api = api
        self._faults = faults
        self._changes = changes
        self._authorization = f"Bot {token}"
        self._limiter = limiter
        self._record_calls = record_calls

    def add_to(self, application: web.Application) -> None:
        """Adds every route; those not known are answered as Discord answers them."""
        for route in ROUTES:
            application.router.add_route(route.method, BASE + route.path, self._handler(route))
        unknown = Route(UNKNOWN, "*", "", _no_such_route)
        application.router.add_route("*", "/api/{rest:.*}", self._handler(unknown))

    def _handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(route, request)

        return handle

    async def _handle(self, route: Route, request: web.Request) -> web.StreamResponse:
        came = time.monotonic()
        if self._faults.blackout:
            return hang_up(request)
        body, files, malformed = await _read(request)
        fault = self._faults.take(route.name)
        if fault is None or fault.applied:
            args = Args(request.match_info, request.query, body, files)
            answer = self._answer(route, request, args, malformed=malformed)
        else:
            answer = _broken(fault)
        if fault is not None and fault.delay:
            self._changes.notify()
            await asyncio.sleep(fault.delay)
        elif fault is not None and fault.applied:
            answer = _broken(fault)
        if self._record_calls:
            self.calls.append(Call(route.name, request.method, request.path, body, came, answer.status, answer.code))
        self._changes.notify()
        return hang_up(request) if not answer.status or self._faults.blackout else _response(answer)

    def _answer(self, route: Route, request: web.Request, args: Args, *, malformed: bool) -> Answer:
        headers: dict[str, str] = {}
        try:
            if route.needs_token:
                if request.headers.get("Authorization") != self._authorization:
                    raise unauthorized()
                verdict = self._limiter.take(route.name, args.path.get("channel", "")) if self._limiter else None
                if verdict is not None and verdict.retry_after:
                    return with_headers(limited(verdict.retry_after, is_global=verdict.is_global), verdict.headers)
                headers = verdict.headers if verdict else headers
            if malformed:
                raise ApiError(50109)
            answer = route.handler(self._api, args)
        except ApiError as error:
            answer = error.answer()
        return with_headers(answer, headers)


def limited(retry_after: float, *, is_global: bool) -> Answer:
    """https://docs.discord.com/developers/topics/rate-limits#exceeding-a-rate-limit."""
    body = {
        "message": "You are being rate limited.",
        "retry_after": math.ceil(retry_after * 1000) / 1000,
        "global": is_global,
    }
    headers = {"Retry-After": str(math.ceil(retry_after)), "X-RateLimit-Scope": "global" if is_global else "user"}
    if is_global:
        headers["X-RateLimit-Global"] = "true"
    return Answer(body, 429, headers=headers)


def with_headers(answer: Answer, headers: dict[str, str]) -> Answer:
    """The same answer with further headers."""
    return replace(answer, headers=headers | answer.headers) if headers else answer


def hang_up(request: web.Request) -> web.StreamResponse:
    """Closes the TCP connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


def _no_such_route(_api: Api, _args: Args) -> Answer:
    raise not_found()


def _broken(fault: Fault) -> Answer:
    if fault.answer_lost:
        return Answer(status=0)
    if fault.retry_after is not None:
        return limited(fault.retry_after, is_global=fault.is_global)
    if fault.code:
        return ApiError(fault.code, status=fault.status, message=fault.message).answer()
    return Answer(fault.body, fault.status, headers={"Content-Type": fault.content_type})


def _response(answer: Answer) -> web.Response:
    headers = {"Via": VIA, **answer.headers}
    if answer.status == 204:
        return web.Response(status=204, headers=headers)
    if isinstance(answer.body, bytes):
        return web.Response(status=answer.status, body=answer.body, headers=headers)
    headers["Content-Type"] = "application/json"
    body = json.dumps(answer.body, separators=(",", ":")).encode()
    return web.Response(status=answer.status, body=body, headers=headers)


async def _read(request: web.Request) -> tuple[Any, dict[str, SharedFile], bool]:
    """The JSON body, uploaded files, and whether the body is no JSON at all."""
    if not request.can_read_body:
        return None, {}, False
    if request.content_type.startswith("multipart/"):
        return await _read_form(request)
    raw = await request.read()
    try:
        return json.loads(raw) if raw else None, {}, False
    except ValueError:
        return None, {}, True


async def _read_form(request: web.Request) -> tuple[Any, dict[str, SharedFile], bool]:
    """https://docs.discord.com/developers/reference#uploading-files: `payload_json` and `files[n]`."""
    body: Payload | None = None
    files: dict[str, SharedFile] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        content = bytes(await part.read())
        if part.name == "payload_json":
            try:
                body = json.loads(content)
            except ValueError:
                return None, {}, True
        elif part.name:
            mimetype = part.headers.get("Content-Type", "application/octet-stream")
            files[part.name] = SharedFile(part.filename or part.name, content, mimetype)
    return body, files, False
