"""An OpenClaw instance hosted by Chowder: one POST a turn, answered as JSON or as an event stream.

Source: Chowder's API reference, pages "Send Message" and "Send Session Message", and what it says of keys and of
starting instances (https://docs.chowder.dev).
"""

import contextlib
from collections.abc import AsyncGenerator
from typing import ClassVar, Literal, Self, cast
from urllib.parse import quote

import httpx
from pydantic import Field, JsonValue, model_validator

from bridge.envelope import Actor
from bridge.errors import InstanceUnavailable
from bridge.instance import CanAdvise, CanProbe, CanTakeFiles, Instance, InstanceSettings, Step, Takes, Turn
from bridge.instances import failures, files, openresponses
from bridge.instances.endpoint import Endpoint, Question, Whose
from bridge.instances.http_settings import ApiKey, HttpSettings, WebAddress
from bridge.settings import asked

ORGANISATION = "chd_org_"
SCOPED = "chd_sk_"
"""How a key begins that may do everything, and one that may do what it was made for (facts of the API reference)."""


class ChowderSettings(HttpSettings):
    """`[instances.…]` with `type = "chowder"`."""

    type: str = "chowder"
    base_url: WebAddress = "https://api.chowder.dev/v1"
    instance_id: str = Field(min_length=1, json_schema_extra=asked("Id of the Chowder instance"))
    api_key: ApiKey = Field(json_schema_extra=asked("Chowder API key (chd_sk_… with interact is enough)"))
    model: str = Field(min_length=1, json_schema_extra=asked("Model, as the instance's provider names it"))
    continuity: Literal["session", "previous_response_id"] = "session"
    """How the agent knows the thread: by a session of its name, or by the id of its last answer in the instance's
    default session, which all threads then share."""
    autostart: bool = False
    """A stopped instance is started when somebody writes. Needs the organisation's key."""

    @model_validator(mode="after")
    def _may_start(self) -> Self:
        if self.autostart and self.api_key.get_secret_value().startswith(SCOPED):
            raise ValueError(
                f"autostart cannot be done with a scoped key ({SCOPED}…): use {ORGANISATION}…, or leave it out"
            )
        return self

    def advice(self) -> list[str]:
        """What can be used but need not be."""
        if self.autostart or not self.api_key.get_secret_value().startswith(ORGANISATION):
            return []
        said = (
            f"api_key is the organisation's key ({ORGANISATION}…), which may do everything with every instance: "
            f"a scoped one ({SCOPED}…) with interact and read for this instance is enough"
        )
        return [said]


class ChowderInstance:
    """OpenClaw behind Chowder; not repeatable, as OpenClaw is not."""

    Settings: ClassVar[type[InstanceSettings]] = ChowderSettings
    name: str
    repeatable: bool = False
    takes: Takes = files.OPENCLAW

    def __init__(
        self, name: str, settings: ChowderSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self._settings = settings
        self._address = f"{settings.base_url}/instances/{quote(settings.instance_id, safe='')}"
        actor = Actor(id=f"chowder:{settings.instance_id}", display=name, type="agent")
        self._endpoint = Endpoint(name, Whose("chowder", actor), settings, key=settings.api_key, transport=transport)

    @classmethod
    def create(
        cls, name: str, settings: InstanceSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> Self:
        """An instance that has not connected yet; `transport` takes the place of the network."""
        if not isinstance(settings, ChowderSettings):
            raise TypeError(f"[instances.{name}] was read as {type(settings).__name__}")
        return cls(name, settings, transport=transport)

    async def run(self, turn: Turn) -> AsyncGenerator[Step, None]:
        """Asks once, in the thread's session or after its last answer. Starts the instance if it has to and may."""
        try:
            async with contextlib.aclosing(self._endpoint.ask(turn, self._question(turn))) as steps:
                async for step in steps:
                    yield step
        except failures.Stopped as stopped:
            if not self._settings.autostart:
                raise
            raise await self._start(stopped) from stopped

    def _question(self, turn: Turn) -> Question:
        body: dict[str, JsonValue] = {"model": turn.route.model or self._settings.model, "input": files.openclaw(turn)}
        if self._settings.continuity == "session":
            return Question(f"{self._address}/session/{quote(turn.session, safe='')}/responses", body)
        if turn.continuation:
            body["previous_response_id"] = turn.continuation
        return Question(f"{self._address}/responses", body)

    async def _start(self, stopped: failures.Stopped) -> InstanceUnavailable:
        """Takes 10 to 15 seconds, in which the message waits. A 409 is said of an instance that starts already."""
        look = await self._endpoint.look(f"{self._address}/start", "POST")
        if look.problem and look.status != 409:
            return InstanceUnavailable(
                f"{stopped} It could not be started: {look.problem}",
                retry_after=stopped.retry_after,
                notice=stopped.notice,
            )
        return InstanceUnavailable(
            f"{stopped} It is being started.",
            retry_after=stopped.retry_after,
            notice=f"{self.name} was stopped and is being started; your message is answered when it runs.",
        )

    async def probe(self) -> str | None:
        """Asks for the instance's status. A key that may write but not read (403) is no fault."""
        look = await self._endpoint.look(self._address)
        if look.status == 403:
            return None
        return self._status_sentence(look.value) if 200 <= look.status < 300 else look.problem

    async def close(self) -> None:
        """Closes every connection; turns that still run are hung up on."""
        await self._endpoint.close()

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
_can_advise: type[CanAdvise] = ChowderSettings
