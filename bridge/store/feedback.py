"""Statements about feedback: one vote for each person and turn."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from bridge.feedback import Vote
from bridge.store import posts
from bridge.store.schema import feedback
from bridge.store.upsert import insert_or

_new = insert_or(feedback)
_VOTE = _new.on_conflict_do_update(
    index_elements=["turn_seq", "actor"], set_={"value": _new.excluded.value, "at": _new.excluded.at}
)


class FeedbackStatements:
    """The statements, bound to a clock (seconds since the epoch)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def vote(self, connection: Connection, votes: Sequence[Vote]) -> Sequence[bool]:
        """Keeps those of turns that the message was posted for."""
        return [self._vote(connection, vote) for vote in votes]

    def _vote(self, connection: Connection, vote: Vote) -> bool:
        if not posts.posted_for(connection, vote.turn, vote.channel, vote.message):
            return False
        connection.execute(
            _VOTE, {"turn_seq": vote.turn, "actor": vote.actor, "value": vote.value, "at": self._clock()}
        )
        return True
