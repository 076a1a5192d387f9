"""An OpenClaw gateway, asked directly: the session, the agent and the channel go as headers.

Source, read 2026-11-22: https://docs.openclaw.ai/gateway/openresponses-http-api (`POST /v1/responses`, off by default,
`x-openclaw-…` headers) and https://docs.openclaw.ai/gateway/openai-http-api (`GET /v1/models` lists the agents).
"""

import re
from collections.abc import AsyncGenerator
from typing import Annotated, ClassVar, Self

import httpx
from pydantic import AfterValidator, Field, JsonValue

from bridge.envelope import Actor
from bridge.errors import InstanceRefused
from bridge.foreign import items_at, text_at
from bridge.instance import CanProbe, CanTakeFiles, Instance, InstanceSettings, Step, Takes, Turn
from bridge.instances import failures, files
from bridge.instances.endpoint import Endpoint, Question, Whose
from bridge.instances.http_settings import ApiKey, HttpSettings, WebAddress
from bridge.route import ModelName
from bridge.settings import asked

_AGENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TARGET = re.compile(r"openclaw|openclaw[/:][\w-]+|agent:[\w-]+")
"""What the gateway takes as `model`; everything else is a 400 (seen with 2026.9.6)."""

_SENTENCES: dict[int, failures.Row] = {
    403: (
        InstanceRefused,
        "{who} does not let the key of [instances.{name}] ask the agent: check api_key, then `!retry` asks again.",
    ),
    404: (
        InstanceRefused,
        (
            "{who} does not answer at this address: switch on gateway.http.endpoints.responses of OpenClaw, "
            "check base_url of [instances.{name}], then `!retry` asks again."
        ),
    ),
}


def _agent(value: str) -> str:
    if not _AGENT.fullmatch(value):
        raise ValueError('must be the id of an agent, made of letters, digits, - and _, as in "main"')
    return value


class OpenClawSettings(HttpSettings):
    """`[instances.…]` with `type = "openclaw"`."""

    type: str = "openclaw"
    base_url: WebAddress = Field(
        "http://127.0.0.1:18789/v1", json_schema_extra=asked("Address of the OpenClaw gateway, with /v1")
    )
    api_key: ApiKey = Field(json_schema_extra=asked("Token or password of the gateway"))
    agent: Annotated[str, AfterValidator(_agent)] | None = None
    """Which of the gateway's agents answers; None: its default."""
    model: ModelName = "openclaw"
    """`openclaw`: the agent's own model; any other takes its place (`x-openclaw-model`)."""


class OpenClawInstance:
    """One session of the gateway for each of ours; it lives as long as the gateway keeps it, restarts included.

    Not repeatable: OpenClaw ignores idempotency keys, the same request runs twice (seen 2026-11-21).
    """

    Settings: ClassVar[type[InstanceSettings]] = OpenClawSettings
    name: str
    repeatable: bool = False
    takes: Takes = files.OPENCLAW

    def __init__(
        self, name: str, settings: OpenClawSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self._settings = settings
        actor = Actor(id=f"openclaw:{settings.agent or name}", display=name, type="agent")
        whose = Whose("openclaw", actor, _SENTENCES)
        self._endpoint = Endpoint(name, whose, settings, key=settings.api_key, transport=transport)

    @classmethod
    def create(
        cls, name: str, settings: InstanceSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> Self:
        """An instance that has not connected yet; `transport` takes the place of the network."""
        if not isinstance(settings, OpenClawSettings):
            raise TypeError(f"[instances.{name}] was read as {type(settings).__name__}")
        return cls(name, settings, transport=transport)

    def run(self, turn: Turn) -> AsyncGenerator[Step, None]:
        """Asks once, in the session of the turn. `x-openclaw-message-channel`: without it the agent believes that it
        writes to a web page, and writes HTML.
        """
        named = [name for name in (turn.route.model, self._settings.model) if name]
        target = next((name for name in named if _TARGET.fullmatch(name)), "openclaw")
        body: dict[str, JsonValue] = {"model": target, "input": files.openclaw(turn)}
        headers = {"x-openclaw-session-key": turn.session, "x-openclaw-message-channel": turn.envelope.source}
        if self._settings.agent is not None:
            headers["x-openclaw-agent-id"] = self._settings.agent
        if not _TARGET.fullmatch(named[0]):
            headers["x-openclaw-model"] = named[0]
        return self._endpoint.ask(turn, Question(f"{self._settings.base_url}/responses", body, headers))

    async def probe(self) -> str | None:
        """Asks for the list of agents: that tells the address, the key, and whether there is that agent."""
        look = await self._endpoint.look(f"{self._settings.base_url}/models")
        if look.problem is not None or self._settings.agent is None:
            return look.problem
        known = {text_at(each, "id") for each in items_at(look.value, "data")} - {None}
        if not known or f"openclaw/{self._settings.agent}" in known:
            return None
        return f"{self.name} has no agent of that name: check agent of [instances.{self.name}]."

    async def close(self) -> None:
        """Closes every connection; turns that still run are hung up on."""
        await self._endpoint.close()


_is_instance: type[Instance] = OpenClawInstance
_can_probe: type[CanProbe] = OpenClawInstance
_can_take_files: type[CanTakeFiles] = OpenClawInstance
