"""An agent in OpenComputer's durable sessions: a message steers the session, its event log says what came of it.

Source: https://docs.opencomputer.dev/agent-sessions (read 2026-11-22). How far a session's log is told stands in the
store as its continuation and is committed together with the answer: that one number is why nothing of it is lost or
posted twice, whatever ends the bridge.
"""

import contextlib
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

import httpx
import structlog
from pydantic import AfterValidator, Field, JsonValue, model_validator

from bridge.envelope import Actor, Conversation, Envelope
from bridge.errors import Forged, InstanceError, InstanceRefused, InstanceUnavailable
from bridge.foreign import dig, text_at
from bridge.instance import (
    UNASKED,
    Activity,
    CanProbe,
    CanSpeakUnasked,
    CanStop,
    Instance,
    InstanceSettings,
    Progress,
    Step,
    Turn,
)
from bridge.instances import opencomputer_webhooks as webhooks
from bridge.instances.http_settings import ApiKey, WebAddress
from bridge.instances.opencomputer_client import Client, part
from bridge.instances.opencomputer_events import OURS, Done, Event, Place, Transcript, event, message_id, place
from bridge.instances.opencomputer_failures import CONFLICT, UNAUTHORIZED, Refused
from bridge.route import Extra, ModelName
from bridge.settings import Secret, asked
from bridge.trace import traceparent

_log = structlog.get_logger(__name__)

SET_BY_US = ("agent", "input", "key", "metadata")
"""The fields of a new session that the bridge sets itself."""
FOLLOWED = 10_000
"""Sessions of which is remembered, as long as the process runs, how far they were told."""


def _without_version(address: str) -> str:
    if httpx.URL(address).path.endswith("/v3"):
        raise ValueError('write it without /v3, like "https://api.opencomputer.dev"')
    return address


def _leaves_ours(extra: dict[str, JsonValue]) -> dict[str, JsonValue]:
    taken = [key for key in SET_BY_US if key in extra]
    if taken:
        raise ValueError(f"{', '.join(taken)} cannot stand in extra: the bridge sets it")
    return extra


class OpenComputerSettings(InstanceSettings):
    """`[instances.…]` with `type = "opencomputer"`."""

    type: str = "opencomputer"
    base_url: Annotated[WebAddress, AfterValidator(_without_version)] = "https://api.opencomputer.dev"
    agent: str = Field(min_length=1, json_schema_extra=asked("Id of the OpenComputer agent (agt_…)"))
    api_key: ApiKey = Field(json_schema_extra=asked("OpenComputer API key of the organisation"))
    webhook_secret: Secret | None = None
    """What a webhook destination was given as its secret: opens `/instances/{name}/webhook`."""
    webhook_url: WebAddress | None = None
    """The public address of that door: it is registered as a destination of each new session."""
    timeout: float = Field(default=180, gt=0, allow_inf_nan=False)
    """Seconds without a byte."""
    model: ModelName | None = None
    """What a new session is created with; none: the agent's own."""
    extra: Annotated[Extra, AfterValidator(_leaves_ours)] = Field(default_factory=dict[str, JsonValue])
    """Further fields that a session is created with, such as `limits`."""

    @model_validator(mode="after")
    def _webhooks_are_signed(self) -> Self:
        if self.webhook_url is not None and self.webhook_secret is None:
            raise ValueError("webhook_url takes webhook_secret, too: nothing is taken unsigned")
        return self


@dataclass(frozen=True, slots=True)
class _Asked:
    """Where the answer to a message will be."""

    session: str
    after: int
    """What comes after this `seq` has not been told yet."""
    seq: int | None
    """The message's own; None: the session began with it."""


class OpenComputerInstance:
    """Steers with the message's id as the idempotency key and follows the log.

    Repeatable: every call that changes something has a key made of the message, so asking again with the same turn
    finds what is running or done already. Only where the log was told beyond the message before (a person asks for it
    again with `!retry`) is it sent under a further key, which follows from how far the log is told.
    """

    Settings: ClassVar[type[InstanceSettings]] = OpenComputerSettings
    name: str
    repeatable: bool = True

    def __init__(
        self,
        name: str,
        settings: OpenComputerSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self.listens = settings.webhook_secret is not None
        self._followed: OrderedDict[str, Transcript] = OrderedDict()
        """The newest transcript of each session: what is or was told by this process."""
        self._actor = Actor(id=f"opencomputer:{settings.agent}", display=name, type="agent")
        self._client = Client(
            name,
            settings.base_url,
            settings.api_key.get_secret_value(),
            timeout=settings.timeout,
            connections=2 * settings.concurrency + 2,  # a stream and a call for each turn, two for probes
            clock=clock,
            transport=transport,
        )

    @classmethod
    def create(
        cls, name: str, settings: InstanceSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> Self:
        """An instance that has not connected yet; `transport` takes the place of the network."""
        if not isinstance(settings, OpenComputerSettings):
            raise TypeError(f"[instances.{name}] was read as {type(settings).__name__}")
        return cls(name, settings, transport=transport)

    async def run(self, turn: Turn) -> AsyncGenerator[Step, None]:
        """Asks once, and yields all that the agent said to people since what was told last, until its turn ends."""
        asked = await self._ask(turn)
        transcript = self._followed[asked.session] = Transcript(asked.after, asked.seq)
        self._followed.move_to_end(asked.session)
        if len(self._followed) > FOLLOWED:
            self._followed.popitem(last=False)
        try:
            async with contextlib.aclosing(self._steps(asked, transcript)) as steps:
                async for step in steps:
                    if not isinstance(step, Done):
                        yield step
                        continue
                    for one in [*transcript.messages, *await self._result(asked.session, step, transcript.messages)]:
                        yield self._said(one, turn.envelope.conversation)
                    yield replace(step.ending, continuation=Place(asked.session, step.seq).written())
        finally:
            if not transcript.ended and self._followed.get(asked.session) is transcript:
                del self._followed[asked.session]

    async def _steps(self, asked: _Asked, transcript: Transcript) -> AsyncGenerator[Progress | Activity | Done, None]:
        """What the log says from there on; Done is the last."""
        async with contextlib.aclosing(self._client.follow(asked.session, asked.after)) as events:
            async for one in events:
                step = transcript.feed(await self._client.whole(asked.session, one) if one.said else one)
                if step is not None:
                    yield step
                if isinstance(step, Done):
                    return

    async def stop(self, turn: Turn) -> None:
        """Cancels what the session does. Its turn ends once the agent noticed, and the log says so."""
        told = place(turn.continuation)
        session = told.id if told else await self._client.session_of(turn.session)
        if session is not None:
            await self._client.post(f"/sessions/{part(session)}/cancel", {}, _headers(turn))

    async def overheard(self, body: bytes, headers: Mapping[str, str]) -> tuple[str, Envelope] | None:
        """A webhook of OpenComputer. Nothing follows from what a turn of ours tells or has told."""
        if self._settings.webhook_secret is None:
            raise Forged("the webhook is refused: there is no webhook_secret")
        webhooks.verify(self._settings.webhook_secret.get_secret_value(), body, headers)
        delivered = webhooks.read(body)
        one, transcript = delivered.event, self._followed.get(delivered.session)
        if not one.said or (transcript is not None and transcript.covers(one)):
            return None
        session = delivered.ours or await self._client.key_of(delivered.session)
        if session is None:
            return None
        raw = {**one.raw, "session": delivered.session}
        place = Conversation(source="opencomputer", ref=delivered.session)
        return session, self._said(one, place).model_copy(update={"kind": UNASKED, "raw": raw})

    async def unasked(self, envelope: Envelope, continuation: str | None) -> tuple[Sequence[Envelope], str | None]:
        """Whatever the log holds between what was told last and the newest message of the agent."""
        one, told, session = event(envelope.raw), place(continuation), text_at(envelope.raw, "session")
        if one is None or session is None or (told is not None and (told.id != session or one.seq <= told.seq)):
            return (), continuation
        after = one.seq - 1 if told is None else told.seq
        log = {one.seq: one}
        while page := await self._client.events(session, after, level="user"):
            log |= {each.seq: each for each in page if each.said}
            after = page[-1].seq
        said = [await self._client.whole(session, log[seq]) for seq in sorted(log)]
        spoken = [self._said(each, envelope.conversation) for each in said if each.text.strip()]
        return spoken, Place(session, said[-1].seq).written()

    async def probe(self) -> str | None:
        """Asks for the agent. Only a key that is refused and an address that does not answer are faults."""
        try:
            await self._client.get(f"/agents/{part(self._settings.agent)}")
        except InstanceUnavailable as error:
            return str(error)
        except Refused as error:
            return str(error) if error.status == UNAUTHORIZED else None
        return None

    async def close(self) -> None:
        """Closes every connection; the agent works on, and what it says is in the log."""
        await self._client.close()

    async def _ask(self, turn: Turn) -> _Asked:
        told = place(turn.continuation)
        if told is None:
            return await self._begin(turn)
        seq = await self._steer(told.id, turn, turn.envelope.id, told.seq)
        if seq <= told.seq:
            seq = await self._steer(told.id, turn, f"{turn.envelope.id}:again:{told.seq}", told.seq)
        return _Asked(told.id, told.seq, seq)

    async def _begin(self, turn: Turn) -> _Asked:
        """Gets or creates the session of that key, with the message as its first.

        The message as the agent reads it may not be the same after a crash (names, what was said before), and then the
        key is refused: so the session is looked up, and whether it began with this message. If it did not, the store
        has lost its place in it, and nothing older than the message is told.
        """
        model = turn.route.model or self._settings.model
        body = {
            **self._settings.extra,
            **turn.route.extra,
            **({"model": model} if model else {}),
            "agent": self._settings.agent,
            "input": _message(turn, turn.envelope.id),
            "key": turn.session,
            "metadata": {"session": turn.session},
        }
        once = hashlib.sha256(f"{turn.session}\n{turn.envelope.id}".encode()).hexdigest()
        try:
            answer = await self._client.post(
                "/sessions", body, {"Idempotency-Key": once, **_headers(turn)}, _withheld(turn)
            )
        except Refused as error:
            session = await self._client.session_of(turn.session) if error.status == CONFLICT else None
            if session is None:
                raise
            first = (await self._client.events(session, 0, type="user.message", limit=1))[:1]
            if [message_id(one) for one in first] != [turn.envelope.id]:
                seq = await self._steer(session, turn, turn.envelope.id, 0)
                return _Asked(session, seq, seq)
            return _Asked(session, 0, None)
        session = text_at(answer, "session", "id")
        if session is None:
            raise self._strange()
        await self._register(session)
        return _Asked(session, 0, None)

    async def _register(self, session: str) -> None:
        """Has the session's events sent to the webhook door, once. Without them an answer comes all the same."""
        url, configured = self._settings.webhook_url, self._settings.webhook_secret
        if url is None or configured is None:
            return
        secret = configured.get_secret_value()
        try:
            if url not in await self._client.destinations(session):
                body = {"url": url, "secret": secret, "level": "user", "include_raw": False}
                await self._client.post(f"/sessions/{part(session)}/destinations", body, {}, (secret,))
        except InstanceError as error:
            _log.warning("webhook.not_registered", instance=self.name, session=session, reason=str(error))

    async def _steer(self, session: str, turn: Turn, key: str, after: int) -> int:
        """The `seq` of the message, sent once under that key."""
        try:
            answer = await self._client.post(
                f"/sessions/{part(session)}/messages",
                {"envelope": _message(turn, key)},
                _headers(turn),
                _withheld(turn),
            )
        except Refused as error:
            if error.status != CONFLICT:
                raise
            log = await self._client.events(session, after, type="user.message")
            known = [one.seq for one in log if message_id(one) == key]
            if not known:
                raise
            return known[0]  # it was sent before, with other words around it
        seq: object = dig(answer, "event", "seq")
        if type(seq) is not int:
            raise self._strange()
        return seq

    async def _result(self, session: str, done: Done, told: list[Event]) -> list[Event]:
        """The turn's result where it was not said as a message to people."""
        if done.result is None or told:
            return []
        one = await self._client.event(session, done.result)
        return [one] if one is not None and one.text.strip() else []

    def _said(self, one: Event, conversation: Conversation) -> Envelope:
        return Envelope(
            id=one.id,
            source="opencomputer",
            actor=self._actor,
            conversation=conversation,
            text=one.text,
            ts=one.at or self._clock(),
            raw=one.raw,
        )

    def _strange(self) -> InstanceRefused:
        return InstanceRefused(
            f"{self.name} answered something that is no session: "
            f"check base_url of [instances.{self.name}], then `!retry` asks again."
        )


def _message(turn: Turn, key: str) -> dict[str, Any]:
    """The envelope as the agent reads it. The platform's payload stays here; `raw` holds what it is known again by."""
    sent = turn.envelope.model_copy(update={"id": key, "text": turn.prompt, "raw": {OURS: key}})
    return sent.model_dump(mode="json")


def _headers(turn: Turn) -> dict[str, str]:
    return {"traceparent": traceparent(turn.envelope.id, secrets.token_hex(8))}


def _withheld(turn: Turn) -> tuple[str, ...]:
    return (turn.prompt, turn.envelope.text)


_is_instance: type[Instance] = OpenComputerInstance
_can_probe: type[CanProbe] = OpenComputerInstance
_can_stop: type[CanStop] = OpenComputerInstance
_can_speak_unasked: type[CanSpeakUnasked] = OpenComputerInstance
