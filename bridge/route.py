"""What a rule asks of an instance beyond the instance's own settings; decided when a message is accepted. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import AfterValidator, JsonValue

from bridge.foreign import dig, text_at

OURS = ("input", "model", "stream", "previous_response_id")
"""The fields of a request that the bridge sets itself."""


@dataclass(frozen=True, slots=True)
class Route:
    """Stays with its turn, so asking again asks the same."""

    model: str | None = None
    """Takes the place of the instance's; an instance that has none does without."""
    extra: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Fields of the request, over the instance's `extra`."""
    tell_room: bool = False
    """The agent is told in which room it is asked, if the channel knows and the instance has a place for it."""

    def written(self) -> str | None:
        """As the store keeps it; None if it asks for nothing."""
        asked: dict[str, Any] = {"model": self.model} if self.model is not None else {}
        asked |= {"extra": dict(self.extra)} if self.extra else {}
        asked |= {"tell_room": True} if self.tell_room else {}
        return json.dumps(asked, ensure_ascii=False, separators=(",", ":")) if asked else None

    @classmethod
    def read(cls, written: str | None) -> Self:
        """The reverse. Raises ValueError if it is no JSON."""
        asked: object = json.loads(written) if written else None
        return cls(text_at(asked, "model"), dig(asked, "extra") or {}, dig(asked, "tell_room") is True)


AS_CONFIGURED = Route()
"""Nothing beyond the instance's settings."""


def _model_name(value: str) -> str:
    if not value.isascii() or not value.isprintable() or not value.strip():
        raise ValueError('must be the name of a model in ASCII characters, as in "provider/model"')
    return value.strip()


def _passed_through(extra: dict[str, JsonValue]) -> dict[str, JsonValue]:
    taken = [key for key in OURS if key in extra]
    if taken:
        raise ValueError(f"{', '.join(taken)} cannot stand in extra: the bridge sets it")
    try:
        json.dumps(extra, allow_nan=False)
    except ValueError:
        raise ValueError("holds a number that JSON has not: write a finite one") from None
    return extra


ModelName = Annotated[str, AfterValidator(_model_name)]
"""Goes into bodies and headers as it is."""
Extra = Annotated[dict[str, JsonValue], AfterValidator(_passed_through)]
"""Fields that may stand beside the bridge's own."""
