"""The pages of the HTTP server: `/healthz`, `/readyz`, `/metrics`, each channel's `/{name}/events` and each instance's
`/instances/{name}/webhook`.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bridge.abilities import CanReceiveWebhooks, WebhookRequest
from bridge.channel import Channel, Hearing
from bridge.errors import Forged, InstanceError, StoreError
from bridge.instance import CanSpeakUnasked, Instance
from bridge.store.protocol import Store
from bridge.store.records import Counts
from bridge.web import metrics

_log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 1024 * 1024
"""Platforms' events are a few kilobytes."""
STORE_SECONDS = 2.0
"""A commit that takes longer is none that a channel could wait for."""


def routes(
    store: Store,
    hearing: Callable[[], Mapping[str, Hearing]],
    channels: Mapping[str, Channel],
    problems: Mapping[str, str | None],
    instances: Mapping[str, Instance] | None = None,
) -> Starlette:
    """The application. `hearing` says of each channel whether it hears what is said now; `problems`: what is known to
    be wrong with each instance, kept up to date by its owner.
    """
    agents = instances or {}

    async def healthz(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_: Request) -> Response:
        refused = await _refused(store)
        found = {name: _shown(one, writable=refused is None) for name, one in hearing().items()}
        ready = refused is None and all(one["admitting"] for one in found.values())
        body = {
            "ready": ready,
            "store": {"writable": refused is None, "problem": refused},
            "channels": found,
            "instances": {name: {"problem": problem} for name, problem in problems.items()},
        }
        return JSONResponse(body, status_code=200 if ready else 503)

    async def measured(_: Request) -> Response:
        refused, counts = await asyncio.gather(_refused(store), _counts(store))
        body = metrics.page(counts, hearing(), list(problems), writable=refused is None)
        return Response(body, media_type=metrics.CONTENT_TYPE)

    async def events(request: Request) -> Response:
        channel = channels.get(request.path_params["name"])
        if not isinstance(channel, CanReceiveWebhooks):
            return PlainTextResponse("no channel of this name takes events here", status_code=404)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("too large", status_code=413)
        answer = await channel.receive(WebhookRequest(body, _headers(request), request.url.query))
        return Response(answer.body, status_code=answer.status, media_type=answer.content_type)

    async def webhook(request: Request) -> Response:
        name = request.path_params["name"]
        agent = agents.get(name)
        if not isinstance(agent, CanSpeakUnasked) or not agent.listens:
            return PlainTextResponse("no instance of this name takes webhooks here", status_code=404)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("too large", status_code=413)
        return await _overhear(name, agent, store, body, _headers(request))

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", measured),
            Route("/instances/{name}/webhook", webhook, methods=["POST"]),
            Route("/{name}/events", events, methods=["POST"]),
        ]
    )


async def _overhear(
    name: str, agent: CanSpeakUnasked, store: Store, body: bytes, headers: Mapping[str, str]
) -> Response:
    """Answers 2xx only once nothing can be lost any more: the agent's side sends anything else again."""
    try:
        found = await agent.overheard(body, headers)
        if found is not None:
            session, envelope = found
            outcome = await store.accept_unasked(name, session, envelope)
            _log.info("webhook.taken", instance=name, session=session, envelope=envelope.id, outcome=outcome.value)
    except Forged as error:
        _log.warning("webhook.refused", instance=name, reason=str(error))
        return PlainTextResponse(str(error), status_code=401)
    except ValueError:
        return PlainTextResponse("this is no event", status_code=400)
    except (InstanceError, StoreError) as error:
        _log.warning("webhook.not_taken", instance=name, reason=str(error))
        return PlainTextResponse("it cannot be taken now: send it again", status_code=503)
    return PlainTextResponse("taken")


async def _body(request: Request) -> bytes | None:
    """The whole body; None if it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _headers(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


async def _refused(store: Store) -> str | None:
    """Why the store would not take a message now."""
    try:
        async with asyncio.timeout(STORE_SECONDS):
            await store.writable()
    except TimeoutError:
        return f"the store is busy: it took nothing within {STORE_SECONDS:.0f} seconds"
    except StoreError as error:
        return str(error)
    return None


async def _counts(store: Store) -> Counts | None:
    """What the store counts; None if it cannot be read now."""
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await store.counts()
    except (TimeoutError, StoreError) as error:
        _log.warning("store.not_counted", reason=str(error) or "the store is busy")
        return None


def _shown(channel: Hearing, *, writable: bool) -> dict[str, bool | str | None]:
    """`admitting`: what is said now would be heard and stored."""
    problem = channel.problem
    if channel.hears and not writable:
        problem = "what it hears cannot be stored"
    return {"connected": channel.connected, "admitting": channel.hears and writable, "problem": problem}
