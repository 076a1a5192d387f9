"""The pages of the HTTP server: `/healthz`, `/readyz` and each channel's `/{name}/events`."""

from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bridge.channel import CanReceiveWebhooks, Channel, WebhookRequest
from bridge.errors import StoreError
from bridge.store.protocol import Store

MAX_BODY_BYTES = 1024 * 1024
"""Platforms' events are a few kilobytes."""


def routes(
    store: Store,
    hearing: Callable[[], Mapping[str, bool]],
    channels: Mapping[str, Channel],
    problems: Mapping[str, str | None],
) -> Starlette:
    """The application. `hearing` says which channels would hear a message now; `problems`: what is known to be wrong
    with each instance, kept up to date by its owner.
    """

    async def healthz(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_: Request) -> Response:
        connected = hearing()
        try:
            await store.writable()
            writable = True
        except StoreError:
            writable = False
        ready = writable and all(connected.values())
        body = {
            "ready": ready,
            "store": {"writable": writable},
            "channels": {name: {"connected": one} for name, one in connected.items()},
            "instances": {name: {"problem": problem} for name, problem in problems.items()},
        }
        return JSONResponse(body, status_code=200 if ready else 503)

    async def events(request: Request) -> Response:
        channel = channels.get(request.path_params["name"])
        if not isinstance(channel, CanReceiveWebhooks):
            return PlainTextResponse("no channel of this name takes events here", status_code=404)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return PlainTextResponse("too large", status_code=413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = await channel.receive(WebhookRequest(bytes(body), headers, request.url.query))
        return Response(answer.body, status_code=answer.status, media_type=answer.content_type)

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/{name}/events", events, methods=["POST"]),
        ]
    )
