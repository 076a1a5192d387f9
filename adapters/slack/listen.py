"""Events in, over Socket Mode or HTTP; each is acknowledged only after `accept` has returned.

Bolt acknowledges before a listener runs, so the event is taken in a middleware, which it waits for.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.parse import Bot, Malformed, parse
from bridge.channel import Accept, WebhookRequest, WebhookResponse

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
    """Gives every event to `accept` and answers for it; a raise becomes 500, which is no acknowledgement."""

    def __init__(self, channel: str, bot: Bot, accept: Accept) -> None:
        self._channel = channel
        self._bot = bot
        self._accept = accept

    async def async_process(self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Any) -> BoltResponse:  # noqa: A002, ARG002
        body: Mapping[str, Any] = req.body
        try:
            taken = parse(body, self._bot) if body.get("type") == "event_callback" else None
        except Malformed as error:
            event = body.get("event_id")
            _log.warning("event.malformed", channel=self._channel, event=event, reason=str(error))
            return BoltResponse(status=200)
        if taken is not None:
            await self._accept(*taken)
        return BoltResponse(status=200)


def bolt_app(
    channel: str, client: AsyncWebClient, bot: Bot, accept: Accept, *, bot_token: str, signing_secret: str | None
) -> AsyncApp:
    """The real Bolt app: it verifies signatures, answers Slack's handshakes and passes every event to `accept`."""
    identity = AuthorizeResult(
        enterprise_id=None, team_id=bot.team, bot_user_id=bot.user, bot_id=bot.bot, bot_token=bot_token
    )

    async def authorize(**_: Any) -> AuthorizeResult:
        # Static: otherwise every early event asks auth.test by itself and the first is handled last.
        return identity

    app = AsyncApp(
        logger=_library_log,
        client=client,
        authorize=authorize,
        signing_secret=signing_secret or "",
        request_verification_enabled=signing_secret is not None,
        ignoring_self_events_enabled=False,  # parse knows our own messages
    )
    app.use(_Take(channel, bot, accept))  # pyright: ignore[reportUnknownMemberType]
    return app


class SocketMode:
    """One supervised socket."""

    def __init__(self, channel: str, app: AsyncApp, app_token: str) -> None:
        self._channel = channel
        self._app = app
        self._app_token = app_token
        self._handler: AsyncSocketModeHandler | None = None

    def connected(self) -> bool:
        """Whether a socket is open."""
        session = self._handler.client.current_session if self._handler else None
        return session is not None and not session.closed

    async def run(self) -> None:
        """Holds a socket open until cancelled. The SDK reconnects by itself."""
        handler = self._handler = AsyncSocketModeHandler(self._app, self._app_token, logger=_library_log)
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call]
            _log.info("channel.connected", channel=self._channel, mode="socket")
            await asyncio.Event().wait()
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


async def dispatch(app: AsyncApp, request: WebhookRequest) -> WebhookResponse:
    """One HTTP request of Slack's through Bolt."""
    bolt_request = AsyncBoltRequest(
        body=request.body.decode("utf-8", "replace"), query=request.query, headers=dict(request.headers)
    )
    answer = await app.async_dispatch(bolt_request)
    return WebhookResponse(
        answer.status, answer.body.encode(), answer.first_headers_without_set_cookie().get("content-type", "text/plain")
    )
