"""The statement by which people have something asked again: it closes their turn and opens the one that they mean."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.store import audit, dead
from bridge.store.audit import Entry
from bridge.store.claims import Leasing
from bridge.store.orders import Outcome
from bridge.store.protocol import NewDelivery, TurnLease, TurnResult
from bridge.store.records import DeadLetter
from bridge.store.turns import Finish, TurnStatements


@dataclass(frozen=True, slots=True)
class AskAgain:
    """A turn that asks for it, and what is said if there is nothing to ask again."""

    lease: TurnLease
    otherwise: Sequence[NewDelivery]


class AgainStatements:
    """The statement, bound to one process start."""

    def __init__(self, leasing: Leasing, turns: TurnStatements) -> None:
        self._leasing = leasing
        self._turns = turns

    def ask_again(self, connection: Connection, calls: Sequence[AskAgain]) -> Sequence[int | BridgeError | None]:
        """Only for turns that are still ours; the `seq` of what was opened for each."""
        held = self._leasing.held(connection, [call.lease for call in calls])
        meant = [dead.given_up_last(connection, call.lease) if call.lease.seq in held else None for call in calls]
        opened = dead.retry(connection, [letter for letter in meant if letter])
        meant = [letter if letter in opened else None for letter in meant]
        closed = self._turns.finish(
            connection,
            [
                Finish(call.lease, TurnResult("answered", () if letter else call.otherwise))
                for call, letter in zip(calls, meant, strict=True)
            ],
        )
        noted = [
            _noted(call.lease, letter) for call, letter in zip(calls, meant, strict=True) if call.lease.seq in held
        ]
        audit.write(connection, noted, self._turns.now())
        return [lost or (letter.seq if letter else None) for lost, letter in zip(closed, meant, strict=True)]


def _noted(lease: TurnLease, letter: DeadLetter | None) -> Entry:
    outcome = Outcome.DONE if letter else Outcome.NOTHING
    return Entry(lease.envelope.actor.id, "retry", lease.session, outcome.value, lease.channel)
