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

CONNECT_TIMEOUT = 10.0  # seconds for name, connection and TLS together
PROBE_TIMEOUT = 5.0  # seconds
KEEPALIVE_EXPIRY = 4.0  # seconds; OpenClaw closes idle connections after 5 (seen), and a POST must not meet that

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
    """What is asked for one turn: the instance's `stream` and `extra`, and the turn's, are added to `body`."""

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
        connections = max(settings.concurrency, 1) + 2  # two for probes
        self._client = HttpxAiohttpClient(
            transport=transport,
            headers={
                **({"Authorization": f"Bearer {self._key}"} if self._key else {}),
                "Content-Type": "application/json",
                "User-Agent": f"threadbridge/{__version__}",
            },
            timeout=httpx.Timeout(settings.timeout, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
            limits=httpx.Limits(max_connections=connections, keepalive_expiry=KEEPALIVE_EXPIRY),
            follow_redirects=False,
        )

    async def ask(self, turn: Turn, question: Question) -> AsyncGenerator[Step, None]:
        """Asks once. Yields Progress if the server streams, the reply unless it is empty, its files, and the Ending.

        Raises InstanceError.
        """
        begun = asyncio.get_running_loop().time()
        said: openresponses.Answer | None = None
        refusal: InstanceError | Ending | None = None
        try:
            headers = {**openresponses.headers(turn), **question.headers}
            content = self._content(question.body)
            async with self._client.stream("POST", question.address, content=content, headers=headers) as response:
                if response.is_success:
                    async with contextlib.aclosing(openresponses.read(response, self.name)) as steps:
                        async for step in steps:
                            if isinstance(step, openresponses.Answer):
                                said = step
                            else:
                                yield step
                else:
                    withheld = (turn.prompt, turn.envelope.text)
                    refusal = await self._refusal(response, withheld, files=bool(turn.files))
        except _BROKEN as error:
            raise self._broken(error, asyncio.get_running_loop().time() - begun) from error
        if isinstance(refusal, InstanceError):
            raise refusal
        if isinstance(refusal, Ending):
            yield Ending(refusal.outcome, refusal.detail, turn.continuation)
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

    async def look(self, address: str) -> Look:
        """A GET that asks how the server is. Never raises."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT), self._client.stream("GET", address) as response:
                if response.is_success:
                    return Look(response.status_code, openresponses.load(await openresponses.read_body(response)))
                refusal = await self._refusal(response)
                problem = str(refusal) if isinstance(refusal, InstanceError) else None
                return Look(response.status_code, problem=problem)
        except _BROKEN:  # includes TimeoutError
            sentence = f"{self.name} cannot be reached: check base_url of [instances.{self.name}] and the network."
            return Look(problem=sentence)

    async def _refusal(
        self, response: httpx.Response, withheld: tuple[str, ...] = (), *, files: bool = False
    ) -> InstanceError | Ending:
        """What an answer other than 2xx means."""
        body = await openresponses.read_body(response)
        headers = response.headers
        return failures.failure(
            response.status_code,
            body,
            headers.get("content-type", ""),
            name=self.name,
            retry_after=failures.retry_after_seconds(headers.get("retry-after"), self._clock()),
            withheld=(self._key, *withheld),
            files=files,
            sentences=self._whose.sentences,
        )

    async def close(self) -> None:
        """Closes every connection; turns that still run are hung up on."""
        await self._client.aclose()

    def _content(self, body: Mapping[str, JsonValue]) -> bytes:
        whole = {**body, **self._settings.extra, **({"stream": True} if self._settings.stream else {})}
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
