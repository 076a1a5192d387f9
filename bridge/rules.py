"""`[[rules]]`: who is answered where, by which instance, in which session."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, JsonValue, ValidationInfo, field_validator, model_validator

from bridge import pattern
from bridge.route import Extra, ModelName
from bridge.settings import Section


class Rule(Section):
    """`[[rules]]`: the first that matches a message decides."""

    channel: str
    workspaces: tuple[str, ...] = ("*",)
    rooms: tuple[str, ...] = ("*",)
    groups: tuple[str, ...] = ()
    """Whoever belongs to one of these, beside `users`."""
    users: tuple[str, ...] = Field(default_factory=lambda known: _everybody_unless(known.get("groups")))
    trigger: Literal["mention", "mention-only", "always"] = "mention"
    session: Literal["thread", "user", "room", "ticket"] = "thread"
    ticket: str | None = None
    instance: str | None = None
    bots: bool = False
    dm_policy: Literal["open", "allowlist", "pairing", "off"] = "open"
    """Who is answered in direct messages, of those that the rule is for."""
    dm_session: Literal["thread", "channel"] = "thread"
    variants: dict[str, int] = Field(default_factory=dict[str, int])
    model: ModelName | None = None
    """Takes the place of the instance's."""
    extra: Extra = Field(default_factory=dict[str, JsonValue])
    """Further fields of the request, over the instance's."""
    tell_room: bool = False
    """The agent is told the name and the topic of the room in which it is asked."""

    @field_validator("ticket")
    @classmethod
    def _ticket(cls, value: str | None) -> str | None:
        why = pattern.problem(value) if value is not None else None
        if why is not None:
            raise ValueError(
                f"is no regular expression that can be used here ({why}): https://github.com/google/re2/wiki/Syntax"
            )
        return value

    @field_validator("workspaces", "rooms", "groups", "users")
    @classmethod
    def _ids(cls, values: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not values and info.field_name != "groups" and not (info.field_name == "users" and info.data.get("groups")):
            raise ValueError('an empty list matches nobody: write ["*"] or some ids')
        named = [value for value in values if value.startswith(("#", "@")) or len(value.split()) != 1]
        if named:
            raise ValueError(f'"{named[0]}" is a name: write the id, which the platform shows in the details')
        if info.field_name == "groups" and "*" in values:
            raise ValueError('"*" is no group: write ids, or leave groups out and users = ["*"] for everybody')
        return values

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.instance is None and not self.variants:
            raise ValueError('names no instance: write instance = "…" with a name under [instances]')
        if self.session == "ticket" and self.ticket is None:
            raise ValueError('session = "ticket" needs a pattern: write ticket = "[A-Z]{2,10}-[0-9]+"')
        if self.variants and (min(self.variants.values()) < 0 or sum(self.variants.values()) == 0):
            raise ValueError("variants are shares of the sessions: write whole numbers of which one is above 0")
        return self

    def instances(self) -> tuple[str, ...]:
        """Every instance that the rule may choose."""
        return tuple(self.variants) or ((self.instance,) if self.instance else ())


def _everybody_unless(groups: Any) -> tuple[str, ...]:
    return () if groups else ("*",)


class Rules:
    """The rules as they are now, shared by all that decide by them: whoever looks twice may see different ones."""

    def __init__(self, current: Sequence[Rule] = ()) -> None:
        self.current: Sequence[Rule] = tuple(current)
