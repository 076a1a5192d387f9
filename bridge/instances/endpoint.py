"""A server that speaks Open Responses, over HTTP: one POST a turn, read to its ending or to what its failure means."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError
from httpx_aiohttp import HttpxAiohttpClient
from pydantic import JsonValue, SecretStr

from bridge import __version__
from bridge.envelope import Actor
from bridge.errors import InstanceError, InstanceUnavailable, TurnInterrupted
from bridge.instance import Ending, Step, Turn
from bridge.instances import failures, openresponses
from bridge.instances.http_settings import HttpSettings
from bridge.room import told

CONNECT_TIMEOUT = 10.0  # seconds for name, connection and TLS together
PROBE_TIMEOUT = 5.0  # seconds

_BROKEN = (httpx.HTTPError, aiohttp.ClientError, HttpProcessingError, OSError)
"""What the transport raises. `httpx_aiohttp` maps most of aiohttp's errors, but not all."""

_NOT_SENT = (
    aiohttp.ClientConnectorError,  # name, connection, TLS, proxy
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_SILENT = (aiohttp.SocketTimeoutError, httpx.ReadTimeout)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for one turn; the instance's `stream` and `extra`, and what the turn asks for besides, is added."""

    address: str
    body: Mapping[str, JsonValue]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Whose:
    """Who answers: the source and the actor of a reply, and the sentences of its failures that are its own."""

    source: str
    actor: Actor
    sentences: Mapping[int, failures.Row] = field(default_factory=dict[int, failures.Row])


@dataclass(frozen=True, slots=True)
class Look:
    """What a server says of itself."""

    status: int = 0
    """0: it was not reached."""
    value: object = None
    """The JSON of a 2xx."""
    problem: str | None = None
    """The sentence for anything else."""


class Endpoint:
    """Asks over HTTP and hangs up when its iterator is closed, which makes OpenClaw abort the run.

    Never asks twice by itself: OpenClaw ignores idempotency keys, the same request runs twice (seen 2026-11-21).
    """

    def __init__(
        self,
        name: str,
        whose: Whose,
        settings: HttpSettings,
        *,
        key: SecretStr | None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`transport` takes the place of the network."""
        self.name = name
        self._whose = whose
        self._settings = settings
        self._clock = clock
        self._key = key.get_secret_value() if key else ""
        self._transport = transport
        self._certificates = httpx.create_ssl_context()
        self._clients: set[httpx.AsyncClient] = set()

    async def ask(self, turn: Turn, question: Question) -> AsyncGenerator[Step, None]:
        """Asks once. Yields Progress if the server streams, the reply unless it is empty, its files, and the Ending.

        Raises InstanceError.
        """
        begun = asyncio.get_running_loop().time()
        said: openresponses.Answer | None = None
        refusal: InstanceError | Ending | None = None
        try:
            headers = {**openresponses.headers(turn), **question.headers}
            content = self._content(question.body, turn)
            async with (
                self._connected() as client,
                client.stream("POST", question.address, content=content, headers=headers) as response,
            ):
                if response.is_success:
                    async with contextlib.aclosing(openresponses.read(response, self.name)) as steps:
                        async for step in steps:
                            if isinstance(step, openresponses.Answer):
                                said = step
                            else:
                                yield step
                else:
                    refusal = await self._refusal(response, turn)
        except _BROKEN as error:
            raise self._broken(error, asyncio.get_running_loop().time() - begun) from error
        if isinstance(refusal, InstanceError):
            raise refusal
        if isinstance(refusal, Ending):
            following = turn.continuation if refusal.continuation is None else refusal.continuation
            yield Ending(refusal.outcome, refusal.detail, following)
            return
        if said is None:
            raise self._interrupted(asyncio.get_running_loop().time() - begun)
        reply = openresponses.reply(
            said,
            source=self._whose.source,
            actor=self._whose.actor,
            conversation=turn.envelope.conversation,
            now=self._clock(),
        )
        if reply is not None:
            yield reply
        for file in said.files:
            yield file
        yield openresponses.ending(said, turn.continuation)

    async def look(self, address: str, method: str = "GET") -> Look:
        """A request that is no turn and has no body: how the server is, or that it should start. Never raises."""
        try:
            async with (
                asyncio.timeout(PROBE_TIMEOUT),
                self._connected() as client,
                client.stream(method, address) as response,
            ):
                if response.is_success:
                    return Look(response.status_code, openresponses.load(await openresponses.read_body(response)))
                refusal = await self._refusal(response)
                problem = str(refusal) if isinstance(refusal, InstanceError) else None
                return Look(response.status_code, problem=problem)
        except _BROKEN:  # includes TimeoutError
            sentence = f"{self.name} cannot be reached: check base_url of [instances.{self.name}] and the network."
            return Look(problem=sentence)

    async def _refusal(self, response: httpx.Response, turn: Turn | None = None) -> InstanceError | Ending:
        """What an answer other than 2xx means; `turn`: what was asked."""
        body = await openresponses.read_body(response)
        headers = response.headers
        return failures.failure(
            response.status_code,
            body,
            headers.get("content-type", ""),
            name=self.name,
            retry_after=failures.retry_after_seconds(headers.get("retry-after"), self._clock()),
            withheld=(self._key, *((turn.prompt, turn.envelope.text) if turn else ())),
            files=bool(turn and turn.files),
            continued=bool(turn and turn.continuation),
            sentences=self._whose.sentences,
        )

    async def close(self) -> None:
        """Closes every connection; turns that still run are hung up on."""
        for client in list(self._clients):
            await client.aclose()

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncGenerator[httpx.AsyncClient]:
        """A connection for one request.

        None is kept for the next one: what was sent into a connection that the other side has given up may have run or
        not, and a POST is not repeated. OpenClaw closes idle ones after 5 seconds, and a proxy before it that relays a
        stream was seen to listen to nothing more on a connection that looked free (2026-11-22).
        """
        client = HttpxAiohttpClient(
            transport=self._transport,
            verify=self._certificates,
            headers={
                **({"Authorization": f"Bearer {self._key}"} if self._key else {}),
                "Connection": "close",
                "Content-Type": "application/json",
                "User-Agent": f"threadbridge/{__version__}",
            },
            timeout=httpx.Timeout(self._settings.timeout, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
            follow_redirects=False,
        )
        self._clients.add(client)
        try:
            async with client:
                yield client
        finally:
            self._clients.discard(client)

    def _content(self, body: Mapping[str, JsonValue], turn: Turn) -> bytes:
        whole = {
            **body,
            **self._settings.extra,
            **turn.route.extra,
            **({"stream": True} if self._settings.stream else {}),
        }
        instructions = _instructions(whole.get("instructions"), turn)
        whole |= {"instructions": instructions} if instructions is not None else {}
        return json.dumps(whole, ensure_ascii=False).encode(errors="replace")

    def _broken(self, error: Exception, seconds: float) -> InstanceError:
        """What a failed connection means.

        `httpx_aiohttp` 0.2.0 calls a connection that broke after the request was sent a ConnectTimeout, so aiohttp's
        own error decides where there is one.
        """
        origin = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
        if isinstance(origin, _NOT_SENT):
            return InstanceUnavailable(
                f"{self.name} cannot be reached ({type(origin).__name__}): check base_url of [instances.{self.name}]."
            )
        if isinstance(origin, _SILENT):
            return TurnInterrupted(
                f"{self.name} sent nothing for {self._settings.timeout:g} seconds; "
                "whether it worked on the message is unknown.",
                why="silent",
            )
        return self._interrupted(seconds)

    def _interrupted(self, seconds: float) -> TurnInterrupted:
        return TurnInterrupted(
            f"The connection to {self.name} broke off after {seconds:.0f} seconds; "
            "whether it worked on the message is unknown."
        )


def _instructions(configured: JsonValue, turn: Turn) -> JsonValue:
    """The configured ones, then where the agent is asked, if it is to be told; what is no text stays as it is."""
    room = told(turn.room) if turn.room else ""
    if not room or not (configured is None or isinstance(configured, str)):
        return configured
    return "\n\n".join(part for part in (configured, room) if part)
