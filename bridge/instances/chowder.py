"""An OpenClaw instance hosted by Chowder: one POST a turn, answered as JSON or as an event stream.

Source: Chowder's API reference, pages "Send Message" and "Send Session Message" (https://docs.chowder.dev).
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal, Self, cast
from urllib.parse import quote

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError
from httpx_aiohttp import HttpxAiohttpClient
from pydantic import AfterValidator, Field, JsonValue, SecretStr

from bridge import __version__
from bridge.envelope import Actor
from bridge.errors import InstanceError, InstanceUnavailable, TurnInterrupted
from bridge.instance import CanProbe, CanTakeFiles, Ending, Instance, InstanceSettings, Step, Takes, Turn
from bridge.instances import failures, files, openresponses
from bridge.settings import Secret, asked

CONNECT_TIMEOUT = 10.0  # seconds for name, connection and TLS together
PROBE_TIMEOUT = 5.0  # seconds
KEEPALIVE_EXPIRY = 4.0  # seconds; OpenClaw closes idle connections after 5 (seen), and a POST must not meet that

_OURS = ("input", "model", "stream", "previous_response_id")

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


def _web_address(value: str) -> str:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise ValueError('must be an address without user, "?" or "#", like "https://api.chowder.dev/v1"')
    return value.rstrip("/")


def _passed_through(extra: dict[str, JsonValue]) -> dict[str, JsonValue]:
    taken = [key for key in _OURS if key in extra]
    if taken:
        raise ValueError(f"{', '.join(taken)} cannot stand in extra: the bridge sets it")
    try:
        json.dumps(extra, allow_nan=False)
    except ValueError:
        raise ValueError("holds a number that JSON has not: write a finite one") from None
    return extra


def _header_value(key: SecretStr) -> SecretStr:
    value = key.get_secret_value().strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("the secret it refers to is no API key: it has to be one word of ASCII characters")
    return SecretStr(value)


class ChowderSettings(InstanceSettings):
    """`[instances.…]` with `type = "chowder"`."""

    type: str = "chowder"
    base_url: Annotated[str, AfterValidator(_web_address)] = "https://api.chowder.dev/v1"
    instance_id: str = Field(min_length=1, json_schema_extra=asked("Id of the Chowder instance"))
    api_key: Annotated[Secret, AfterValidator(_header_value)] = Field(
        json_schema_extra=asked("Chowder API key (chd_sk_… with interact is enough)")
    )
    model: str = Field(min_length=1, json_schema_extra=asked("Model, as the instance's provider names it"))
    continuity: Literal["session", "previous_response_id"] = "session"
    """How the agent knows the thread: by a session of its name, or by the id of its last answer in the instance's
    default session, which all threads then share."""
    stream: bool = True
    timeout: float = Field(default=180, gt=0, allow_inf_nan=False)
    """Seconds without a byte."""
    extra: Annotated[dict[str, JsonValue], AfterValidator(_passed_through)] = Field(
        default_factory=dict[str, JsonValue]
    )
    """Further fields of the request, sent as they are. The fields that the bridge sets itself are refused here."""


class ChowderInstance:
    """Asks over HTTP and hangs up when its iterator is closed, which makes OpenClaw abort the run.

    Not repeatable: OpenClaw ignores idempotency keys, the same request runs twice (seen 2026-11-21).
    """

    Settings: ClassVar[type[InstanceSettings]] = ChowderSettings
    name: str
    repeatable: bool = False
    takes: Takes = files.OPENCLAW

    def __init__(
        self,
        name: str,
        settings: ChowderSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._key = settings.api_key.get_secret_value()
        self._address = f"{settings.base_url}/instances/{quote(settings.instance_id, safe='')}"
        self._actor = Actor(id=f"chowder:{settings.instance_id}", display=name, type="agent")
        connections = max(settings.concurrency, 1) + 2  # two for probes
        self._client = HttpxAiohttpClient(
            transport=transport,
            headers={
                "Authorization": f"Bearer {self._key}",
                "Content-Type": "application/json",
                "User-Agent": f"threadbridge/{__version__}",
            },
            timeout=httpx.Timeout(settings.timeout, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
            limits=httpx.Limits(max_connections=connections, keepalive_expiry=KEEPALIVE_EXPIRY),
            follow_redirects=False,
        )

    @classmethod
    def create(
        cls, name: str, settings: InstanceSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> Self:
        """An instance that has not connected yet; `transport` takes the place of the network."""
        if not isinstance(settings, ChowderSettings):
            raise TypeError(f"[instances.{name}] was read as {type(settings).__name__}")
        return cls(name, settings, transport=transport)

    async def run(self, turn: Turn) -> AsyncGenerator[Step, None]:
        """Asks once. Yields Progress if the server streams, the reply unless it is empty, its files, and the Ending."""
        address, body = self._request(turn)
        begun = asyncio.get_running_loop().time()
        said: openresponses.Answer | None = None
        refusal: InstanceError | Ending | None = None
        try:
            headers = openresponses.headers(turn)
            async with self._client.stream("POST", address, content=body, headers=headers) as response:
                if response.is_success:
                    async with contextlib.aclosing(openresponses.read(response, self.name)) as steps:
                        async for step in steps:
                            if isinstance(step, openresponses.Answer):
                                said = step
                            else:
                                yield step
                else:
                    refusal = await self._refusal(response, (turn.prompt, turn.envelope.text), files=bool(turn.files))
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
            source="chowder",
            actor=self._actor,
            conversation=turn.envelope.conversation,
            now=self._clock(),
        )
        if reply is not None:
            yield reply
        for file in said.files:
            yield file
        yield openresponses.ending(said, turn.continuation)

    async def probe(self) -> str | None:
        """Asks for the instance's status. A key that may write but not read (403) is no fault."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT), self._client.stream("GET", self._address) as response:
                if response.status_code == 403:
                    return None
                if not response.is_success:
                    refusal = await self._refusal(response)
                    return str(refusal) if isinstance(refusal, InstanceError) else None
                status = openresponses.load(await openresponses.read_body(response))
        except _BROKEN:  # includes TimeoutError
            return f"{self.name} cannot be reached: check base_url of [instances.{self.name}] and the network."
        return self._status_sentence(status)

    async def close(self) -> None:
        """Closes every connection; turns that still run are hung up on."""
        await self._client.aclose()

    def _request(self, turn: Turn) -> tuple[str, bytes]:
        settings = self._settings
        body: dict[str, JsonValue] = {"model": settings.model, "input": files.openclaw(turn), **settings.extra}
        if settings.stream:
            body["stream"] = True
        if settings.continuity == "session":
            address = f"{self._address}/session/{quote(turn.session, safe='')}/responses"
        else:
            address = f"{self._address}/responses"
            if turn.continuation is not None:
                body["previous_response_id"] = turn.continuation
        return address, json.dumps(body, ensure_ascii=False).encode(errors="replace")

    async def _refusal(
        self, response: httpx.Response, withheld: tuple[str, ...] = (), *, files: bool = False
    ) -> InstanceError | Ending:
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
        )

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

    def _status_sentence(self, value: object) -> str | None:
        fields = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        status = fields.get("status")
        if not isinstance(status, str):
            return f"{self.name} does not answer like Chowder: check base_url of [instances.{self.name}]."
        if status == "terminated":
            return f"{self.name} was terminated: write another instance_id under [instances.{self.name}]."
        state = failures.NOT_RUNNING.get(status)
        if state is None:
            return None
        why = openresponses.error_words(fields.get("error_message"))
        return f"{self.name} {state}{f' ({why})' if why else ''}; messages wait until it runs."


_is_instance: type[Instance] = ChowderInstance
_can_probe: type[CanProbe] = ChowderInstance
_can_take_files: type[CanTakeFiles] = ChowderInstance
