"""`[budgets]` and the loop breaker: what each message counts against, and what people are told when that is used up."""

from collections.abc import Callable, Sequence

from pydantic import Field

from bridge import notices
from bridge.channel import Facts, Payload
from bridge.envelope import Envelope
from bridge.settings import Section
from bridge.store.limits import BotLimit, Budget, Limits, Refusal, Scope


class BudgetSettings(Section):
    """One table under `[budgets]`."""

    turns_per_minute: int | None = Field(default=None, ge=1)
    """Messages to the agent."""
    tokens_per_day: int | None = Field(default=None, ge=1)
    """As the instance counts them, of a day in UTC."""


class BudgetsSettings(Section):
    """`[budgets]`: what each of them may use; without one, as much as it likes."""

    user: BudgetSettings | None = None
    room: BudgetSettings | None = None
    instance: BudgetSettings | None = None


class Limiter:
    """Says what the messages of one channel count against."""

    def __init__(
        self,
        channel: str,
        bots: BotLimit,
        budgets: BudgetsSettings,
        render: Callable[[str], Sequence[Payload]],
    ) -> None:
        self._channel = channel
        self._bots = bots
        self._budgets = budgets
        self._render = render

    def limits(self, envelope: Envelope, facts: Facts, *, kept: bool = True) -> Limits | None:
        """What that message counts against; None: nothing. `kept`: it can be asked again if it is refused."""
        who: dict[Scope, str] = {
            "user": envelope.actor.id,
            "room": f"{self._channel} {facts.workspace} {facts.room}",
            "instance": "",
        }
        budgets = tuple(
            Budget(scope, key, setting.turns_per_minute, setting.tokens_per_day)
            for scope, key in who.items()
            if (setting := self._setting(scope)) is not None
        )
        if not (budgets or facts.author_is_bot):
            return None
        return Limits(self._say, self._bots if facts.author_is_bot else None, budgets, kept)

    def _setting(self, scope: Scope) -> BudgetSettings | None:
        return {"user": self._budgets.user, "room": self._budgets.room, "instance": self._budgets.instance}[scope]

    def _say(self, refusal: Refusal) -> Sequence[Payload]:
        if refusal.scope == "bot":
            return self._render(notices.bot_silenced(refusal.limit, self._bots.window))
        return self._render(notices.over_budget(refusal.scope, refusal.measure, refusal.limit))
