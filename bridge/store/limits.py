"""How much is answered: what a message counts against, and why it is not run when that is used up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.channel import Payload

Scope = Literal["user", "room", "instance"]
Measure = Literal["turns", "tokens"]


@dataclass(frozen=True, slots=True)
class BotLimit:
    """So many answers to one bot in one thread within so many seconds."""

    turns: int
    window: float


@dataclass(frozen=True, slots=True)
class Budget:
    """What one person, room or instance may use; None: as much as it likes.

    Minutes and days are those of the store's clock, days in UTC.
    """

    scope: Scope
    key: str
    """Who it is; of an instance nothing, because the session decides which one it is."""
    turns_per_minute: int | None = None
    tokens_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message is not run."""

    scope: Scope | Literal["bot"]
    measure: Measure
    limit: int
    until: float
    """When it would be, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message counts against."""

    say: Callable[[Refusal], Sequence[Payload]]
    """The platform messages that tell people of it, once within the time for which it lasts. Pure."""
    bot: BotLimit | None = None
    """Its author is another bot, which is told of nothing but that limit."""
    budgets: tuple[Budget, ...] = ()
    kept: bool = True
    """If it is refused it is listed among the dead letters, so that it can be asked again."""
