"""The one shape of every message, inbound and outbound.

Source: "Messaging" of the OpenComputer documentation (https://docs.opencomputer.dev): the envelope is
`{id, source, kind, actor, conversation, text, refs, ts, raw}`.
"""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Actor(_Wire):
    """Who wrote a message."""

    id: str = Field(min_length=1, description="Namespaced by the source, as in `client:user-7`.")
    display: str = Field(description="The name that people see.")
    type: Literal["human", "agent", "system"]


class Conversation(_Wire):
    """Where an answer goes: a reply and routing anchor."""

    source: str = Field(min_length=1)
    ref: str = Field(min_length=1, description="Opaque to all but the channel that made it.")


class Envelope(_Wire):
    """One message. Equal ids within one session are the same message."""

    id: str = Field(min_length=1, description="The idempotency key, counted per session.")
    source: str = Field(min_length=1, description="The platform it came from.")
    kind: str = Field(
        default="message",
        min_length=1,
        description="`message`; `command`, for the bridge itself; or `unreadable`: `text` says why.",
    )
    actor: Actor
    conversation: Conversation
    text: str = Field(description="What the agent reads, or what people read.")
    refs: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue],
        description="What an agent should not have to infer: repo, branch, commit, ref, issue, pr, and your own keys.",
    )
    ts: AwareDatetime
    raw: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="The platform's payload, untouched; never read by the core."
    )


def json_schema() -> dict[str, Any]:
    """The envelope's JSON Schema (draft 2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Envelope.model_json_schema()
