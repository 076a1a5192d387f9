"""Events in, over Socket Mode or HTTP; each is acknowledged only after it was taken.

Bolt acknowledges before a listener runs, so the event is taken in a middleware, which it waits for.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qsl

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.invocations import Invocations
from adapters.slack.parse import Bot, Malformed, change, invocation, is_own, parse, press
from adapters.slack.presses import Presses
from bridge.abilities import WebhookRequest, WebhookResponse
from bridge.actions import TakeChange
from bridge.channel import Accept

_log = structlog.get_logger(__name__)


class _OneLine(logging.Filter):
    """The libraries' errors without their tracebacks, which say nothing that the message does not.

    Bolt finds SLACK_BOT_TOKEN in the environment by itself and warns that it does not use it: neither do we.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return "`token`" not in record.getMessage()


_library_log = logging.getLogger("adapters.slack.bolt")
_library_log.addFilter(_OneLine())


class _Take(AsyncMiddleware):  # type: ignore[misc, unused-ignore]
    """Gives messages to `accept`, changes of them to `changed`, presses of buttons to `presses`, slash commands to
    `invocations`, and answers for them.

    A raise becomes 500, which is no acknowledgement.

    It stands before Bolt's authorization, which events do not need.
    """

    def __init__(
        self,
        channel: str,
        bot: Bot,
        accept: Accept,
        presses: Presses,
        invocations: Invocations,
        *,
        changed: TakeChange | None,
    ) -> None:
        self._channel = channel
        self._bot = bot
        self._accept = accept
        self._changed = changed
        self._presses = presses
        self._invocations = invocations

    async def async_process(self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Any) -> BoltResponse:  # noqa: A002
        body: Mapping[str, Any] = req.body
        if body.get("type") == "url_verification":
            await next()
            return resp
        if "command" in body:
            return await self._answer(body)
        try:
            is_event = body.get("type") == "event_callback"
            taken = parse(body, self._bot) if is_event else None
            edited = change(body, self._bot) if is_event and self._changed else None
            pressed = press(body, self._bot) if body.get("type") == "block_actions" else None
        except Malformed as error:
            _log.warning("event.malformed", channel=self._channel, id=str(body.get("event_id")), reason=str(error))
            return BoltResponse(status=200)
        if taken is not None:
            await self._accept(*taken)
        if edited is not None and self._changed is not None:
            await self._changed(edited)
        if pressed is not None:
            await self._presses.take(pressed)
        return BoltResponse(status=200)

    async def _answer(self, body: Mapping[str, Any]) -> BoltResponse:
        """What is not taken is not acknowledged: then Slack tells the person that it failed."""
        try:
            answer = await self._invocations.take(invocation(body, self._bot, datetime.now(UTC)))
        except Malformed as error:
            _log.warning("event.malformed", channel=self._channel, reason=str(error))
            return BoltResponse(status=400)
        return BoltResponse(status=404) if answer is None else BoltResponse(status=200, body=answer)


def bolt_app(
    channel: str,
    client: AsyncWebClient,
    bot: Bot,
    accept: Accept,
    *,
    presses: Presses,
    invocations: Invocations,
    changed: TakeChange | None,
    bot_token: str,
    signing_secret: str | None,
) -> AsyncApp:
    """The real Bolt app: it verifies signatures, answers Slack's handshakes and passes on events and presses."""
    identity = AuthorizeResult(
        enterprise_id=None, team_id=bot.team, bot_user_id=bot.user, bot_id=bot.bot, bot_token=bot_token
    )

    async def authorize(**_: Any) -> AuthorizeResult:
        # Static: otherwise every early event asks auth.test by itself and the first is handled last.
        return identity

    return AsyncApp(
        logger=_library_log,
        client=client,
        before_authorize=_Take(channel, bot, accept, presses, invocations, changed=changed),
        authorize=authorize,
        signing_secret=signing_secret or "",
        request_verification_enabled=signing_secret is not None,
        ignoring_self_events_enabled=False,  # parse knows our own messages
    )


class _Handler(AsyncSocketModeHandler):
    """Acknowledges our own posts at once: they are half of all events, and Bolt takes its time with each."""

    bot: Bot

    async def handle(self, client: AsyncBaseSocketModeClient, req: SocketModeRequest) -> None:
        if is_own(cast("dict[str, Any]", req.payload), self.bot):  # pyright: ignore[reportUnknownMemberType]
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))
        else:
            await super().handle(cast("SocketModeClient", client), req)


class SocketMode:
    """One supervised socket."""

    def __init__(self, channel: str, bot: Bot, app: AsyncApp, app_token: str) -> None:
        self._channel = channel
        self._bot = bot
        self._app = app
        self._app_token = app_token
        self._handler: _Handler | None = None

    def connected(self) -> bool:
        """Whether a socket is open."""
        session = self._handler.client.current_session if self._handler else None
        return session is not None and not session.closed

    async def reconnect(self) -> None:
        """Gives the socket up for a new one."""
        if self._handler is not None:
            await self._handler.client.connect_to_new_endpoint(force=True)

    async def run(self) -> None:
        """Holds a socket open until cancelled. The SDK reconnects by itself."""
        handler = self._handler = _Handler(self._app, self._app_token, logger=_library_log)
        handler.bot = self._bot
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call]
            _log.info("channel.connected", channel=self._channel, mode="socket")
            await asyncio.Event().wait()
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


async def dispatch(app: AsyncApp, signing_secret: str, request: WebhookRequest) -> WebhookResponse:
    """One HTTP request of Slack's through Bolt, which reads a body before it looks at the signature; we do not."""
    try:
        signed = SignatureVerifier(signing_secret).is_valid_request(request.body, dict(request.headers))
    except (ValueError, TypeError):  # a time that is no number, a signature or body beyond its alphabet
        signed = False
    if not signed:
        return WebhookResponse(401, b"not signed by Slack")
    try:
        bolt_request = AsyncBoltRequest(body=request.body.decode(), query=request.query, headers=dict(request.headers))
        if not bolt_request.body:  # Bolt finds nothing in a command with the word "payload" in its text
            bolt_request.body = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    except Exception:  # noqa: BLE001 - Bolt raises whatever its JSON parser does, and more
        bolt_request = None
    if bolt_request is None or not isinstance(bolt_request.body, dict):  # pyright: ignore[reportUnnecessaryIsInstance]
        _log.warning("event.malformed", reason="a signed request without an object in it")
        return WebhookResponse(400, b"not an event of Slack's")
    answer = await app.async_dispatch(bolt_request)
    return WebhookResponse(
        answer.status, answer.body.encode(), answer.first_headers_without_set_cookie().get("content-type", "text/plain")
    )
