"""Names of what is written one after the other, in whichever processes: threads, sessions, budgets, buttons. Pure."""

from collections.abc import Sequence

from bridge.store.orders import Order
from bridge.store.protocol import Arrival


def of_arrival(arrival: Arrival) -> Sequence[str]:
    """Its thread, the session that it would have without one, and the budgets that it counts against.

    Thread and session are named without the channel, because one session may be written in from several. A ticket
    that the thread keeps has its instance already, and keeps that.
    """
    budgets = arrival.limits.budgets if arrival.limits else ()
    return [
        arrival.thread,
        arrival.session,
        *of_budgets([(budget.scope, budget.key) for budget in budgets]),
    ]


def of_order(order: Order) -> Sequence[str]:
    """Where it takes effect, and the ticket that it names."""
    return [*of_arrival(order.arrival), *([order.ticket] if order.ticket else ())]


def of_budgets(budgets: Sequence[tuple[str, str]]) -> Sequence[str]:
    """Scope and key of each; which instance it is may not be known yet, so these are one."""
    return ["budget instance" if scope == "instance" else f"budget {scope} {key}" for scope, key in budgets]


def of_pairings(channel: str) -> str:
    """Codes for those who write to the bot in one channel for the first time."""
    return f"pairings {channel}"


def of_turn(seq: int) -> str:
    """The buttons of one turn."""
    return f"turn {seq}"
