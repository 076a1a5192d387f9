"""Any server that speaks Open Responses: `POST {base_url}/responses`, a thread goes on from its last answer.

Sources, read 2026-11-22: https://www.openresponses.org and https://platform.openai.com/docs/api-reference/responses/create
(`model` may be left out, `previous_response_id`).
"""

from collections.abc import AsyncGenerator
from typing import ClassVar, Self

import httpx
from pydantic import Field, JsonValue

from bridge.envelope import Actor
from bridge.errors import InstanceRefused
from bridge.instance import CanTakeFiles, Instance, InstanceSettings, Step, Takes, Turn
from bridge.instances import failures, files
from bridge.instances.endpoint import Endpoint, Question, Whose
from bridge.instances.http_settings import ApiKey, HttpSettings, WebAddress
from bridge.settings import asked

_SENTENCES: dict[int, failures.Row] = {
    403: (
        InstanceRefused,
        "{who} does not let the key of [instances.{name}] do this{why}: check api_key, then `!retry` asks again.",
    ),
    404: (
        InstanceRefused,
        (
            "{who} does not know this address or model{why}: check base_url and model of [instances.{name}], "
            "then `!retry` asks again."
        ),
    ),
}


class OpenResponsesSettings(HttpSettings):
    """`[instances.…]` with `type = "openresponses"`."""

    type: str = "openresponses"
    base_url: WebAddress = Field(json_schema_extra=asked("Address of the server, up to /v1"))
    api_key: ApiKey | None = Field(None, json_schema_extra=asked("API key (empty: none)", optional=True))
    model: str | None = Field(
        None, min_length=1, json_schema_extra=asked("Model (empty: the server's own)", optional=True)
    )


class OpenResponsesInstance:
    """Remembers what the server remembers: a thread's next turn names the response that it follows.

    Not repeatable: the specification has no idempotency key.
    """

    Settings: ClassVar[type[InstanceSettings]] = OpenResponsesSettings
    name: str
    repeatable: bool = False
    takes: Takes = files.OPENAI

    def __init__(
        self, name: str, settings: OpenResponsesSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self._settings = settings
        actor = Actor(id=f"openresponses:{name}", display=name, type="agent")
        whose = Whose("openresponses", actor, _SENTENCES)
        self._endpoint = Endpoint(name, whose, settings, key=settings.api_key, transport=transport)

    @classmethod
    def create(
        cls, name: str, settings: InstanceSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> Self:
        """An instance that has not connected yet; `transport` takes the place of the network."""
        if not isinstance(settings, OpenResponsesSettings):
            raise TypeError(f"[instances.{name}] was read as {type(settings).__name__}")
        return cls(name, settings, transport=transport)

    def run(self, turn: Turn) -> AsyncGenerator[Step, None]:
        """Asks once, after the session's last answer."""
        body: dict[str, JsonValue] = {"input": files.openai(turn)}
        model = turn.route.model or self._settings.model
        if model is not None:
            body["model"] = model
        if turn.continuation:
            body["previous_response_id"] = turn.continuation
        return self._endpoint.ask(turn, Question(f"{self._settings.base_url}/responses", body))

    async def close(self) -> None:
        """Closes every connection; turns that still run are hung up on."""
        await self._endpoint.close()


_is_instance: type[Instance] = OpenResponsesInstance
_can_take_files: type[CanTakeFiles] = OpenResponsesInstance
