"""The Web API: `/api/{method}` with Slack's arguments, tokens, scopes, rate limits and error answers.

https://docs.slack.dev/apis/web-api.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from adapters.slack.simulator import files, methods_chat, methods_read, methods_stream
from adapters.slack.simulator.arguments import ApiError, Args
from adapters.slack.simulator.faults import Fault, Faults
from adapters.slack.simulator.methods_chat import Method
from adapters.slack.simulator.publisher import Publisher
from adapters.slack.simulator.rate_limit import Limiter
from adapters.slack.simulator.workspace import Payload

METHODS = methods_chat.METHODS | methods_read.METHODS | methods_stream.METHODS | files.METHODS

CONNECTIONS_OPEN = "apps.connections.open"
"""The one method for the app token."""

# method -> the scope it needs, where it needs one (of several, the one for public channels)
SCOPES = {
    "assistant.threads.setStatus": "chat:write",
    "bots.info": "users:read",
    "chat.appendStream": "chat:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.startStream": "chat:write",
    "chat.stopStream": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "channels:history",
    "conversations.info": "channels:read",
    "conversations.join": "channels:join",
    "conversations.list": "channels:read",
    "conversations.open": "im:write",
    "conversations.replies": "channels:history",
    "files.completeUploadExternal": "files:write",
    "files.getUploadURLExternal": "files:write",
    "files.info": "files:read",
    "reactions.add": "reactions:write",
    "reactions.remove": "reactions:write",
    "team.info": "team:read",
    "usergroups.users.list": "usergroups:read",
    "users.conversations": "channels:read",
    "users.info": "users:read",
    "users.list": "users:read",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the app, as it was answered. `status` is 0 where the connection was closed instead."""

    method: str
    args: Mapping[str, Any]
    at: float
    """`time.monotonic` seconds."""
    status: int
    error: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What authenticates the app."""

    bot: str
    app: str


class WebApi:
    """Answers calls in the order they arrive; nothing waits but a fault's `delay`."""

    def __init__(
        self,
        publisher: Publisher,
        faults: Faults,
        tokens: Tokens,
        *,
        open_connection: Callable[[], str],
        limiter: Limiter | None,
        scopes: frozenset[str] | None,
        record_calls: bool,
        further: Mapping[str, Method] | None = None,
    ) -> None:
        """`further` are methods beside `METHODS`."""
        self.calls: list[Call] = []
        self._publisher = publisher
        self._faults = faults
        self._tokens = tokens
        self._open_connection = open_connection
        self._limiter = limiter
        self._scopes = scopes
        self._record_calls = record_calls
        self._methods = METHODS | dict(further or {})
        provided = ",".join(sorted(set(SCOPES.values()) if scopes is None else scopes))
        self._headers = {"Content-Type": "application/json; charset=utf-8", "x-oauth-scopes": provided}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call, faults included."""
        if self._faults.blackout:
            return hang_up(request)
        method = request.match_info["method"]
        try:
            values = await _arguments(request)
        except ApiError as error:
            return self._answered(method, {}, {"ok": False, "error": error.code})
        fault = self._faults.take(method)
        if fault is not None and not fault.applied:
            return self._broken(request, method, values, fault)
        try:
            answer = self._answer(request, method, values)
        except ApiError as error:
            answer = {"ok": False, "error": error.code, **error.fields}
        if fault is None:
            return self._answered(method, values, answer)
        if fault.delay:
            await asyncio.sleep(fault.delay)
            return self._answered(method, values, answer)
        return self._broken(request, method, values, fault)

    def _answer(self, request: web.Request, method: str, values: Mapping[str, Any]) -> Payload:
        known = self._methods.get(method)
        if known is None and method != CONNECTIONS_OPEN:
            raise ApiError("unknown_method", req_method=method)
        kind = self._authenticate(request, values)
        if known is None:
            if kind != "app":
                raise ApiError("not_allowed_token_type")
            return {"ok": True, "url": self._open_connection()}
        if kind != "bot":
            if method == "auth.test":
                return {"ok": True, "app_name": "threadbridge", "app_id": self._publisher.workspace.app_id}
            raise ApiError("not_allowed_token_type")
        self._check_scope(method)
        args = Args(values)
        self._check_rate(method, args)
        return known(self._publisher, args)

    def _authenticate(self, request: web.Request, values: Mapping[str, Any]) -> str:
        header = request.headers.get("Authorization", "")
        token = header[7:] if header[:7].lower() == "bearer " else str(values.get("token", ""))
        if token == self._tokens.bot:
            return "bot"
        if token == self._tokens.app:
            return "app"
        raise ApiError("invalid_auth" if token else "not_authed")

    def _check_scope(self, method: str) -> None:
        needed = SCOPES.get(method)
        if self._scopes is not None and needed is not None and needed not in self._scopes:
            raise ApiError("missing_scope", needed=needed, provided=",".join(sorted(self._scopes)))

    def _check_rate(self, method: str, args: Args) -> None:
        if self._limiter is None:
            return
        room = self._publisher.workspace.find_room(args.text("channel"))
        posts = method in ("chat.postMessage", "chat.startStream")
        wait = self._limiter.take(room.id) if room and posts else 0
        wait = wait or self._limiter.call(method)
        if wait:
            raise ApiError("ratelimited", retry_after=wait)

    def _answered(self, method: str, values: Mapping[str, Any], answer: Payload) -> web.Response:
        error: str = answer.get("error", "")
        if error == "ratelimited":
            return self._rate_limited(method, values, answer["retry_after"])
        self._record(method, values, 200, error)
        return web.Response(body=_encode(answer), headers=self._headers)

    def _rate_limited(self, method: str, values: Mapping[str, Any], retry_after: int) -> web.Response:
        self._record(method, values, 429, "ratelimited")
        headers = {**self._headers, "Retry-After": str(retry_after)}
        return web.Response(status=429, body=_encode({"ok": False, "error": "ratelimited"}), headers=headers)

    def _broken(self, request: web.Request, method: str, values: Mapping[str, Any], fault: Fault) -> web.StreamResponse:
        if fault.answer_lost:
            self._record(method, values, 0, "")
            return hang_up(request)
        if fault.retry_after:
            return self._rate_limited(method, values, fault.retry_after)
        if fault.error:
            return self._answered(method, values, {"ok": False, "error": fault.error})
        self._record(method, values, fault.status, "")
        return web.Response(status=fault.status, body=fault.body, content_type=fault.content_type)

    def _record(self, method: str, values: Mapping[str, Any], status: int, error: str) -> None:
        if self._record_calls:
            self.calls.append(Call(method, values, time.monotonic(), status, error))


def hang_up(request: web.Request) -> web.StreamResponse:
    """Closes the TCP connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


async def _arguments(request: web.Request) -> Mapping[str, Any]:
    """Query, form and JSON together; the body wins."""
    if not request.can_read_body:
        return dict(request.query)
    if request.content_type == "application/json":
        try:
            decoded: object = json.loads(await request.read())
        except ValueError:
            raise ApiError("invalid_json") from None
        if not isinstance(decoded, dict):
            raise ApiError("json_not_object")
        body = cast("dict[str, Any]", decoded)
        return {**request.query, **body} if request.query_string else body
    return {**request.query, **await request.post()}


def _encode(answer: Payload) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()
