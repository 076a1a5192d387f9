"""Group commit: one thread with one connection; whatever gathered while it wrote goes into the next transaction."""

import asyncio
import contextlib
import heapq
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from bridge import faultpoints
from bridge.errors import BridgeError, StoreError, Unstorable
from bridge.store import failures
from bridge.store.together import Together

_log = structlog.get_logger(__name__)

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")

Write = Callable[[Connection, Sequence[_Argument]], Sequence[_Result | BridgeError]]
"""Does the same thing for many arguments in one transaction; one result for each, an error only for its caller."""
Claim = Callable[[Connection, _Argument], Sequence[_Result]]
"""Takes work if there is any."""

Work = frozenset[str]
"""Kinds of work: what a write may open, and what a claim takes."""
NONE: Work = frozenset()

CONTENDED = 0.005
"""Seconds after which they look again if another process was claiming."""
POLL = 1.0
"""Seconds after which waiting claims look again, whatever they were told: the safety net."""


class _Wake:
    """There may be work."""


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    statement: Callable[..., Any]
    argument: Any
    future: "asyncio.Future[Any]"
    give_back: Callable[..., Any] | None = None
    """Only of claims: undoes one."""
    due: float | None = None
    even_if_cancelled: bool = True
    lines: Sequence[str] = ()
    work: Work = NONE
    """What a write may open, or a claim takes."""


class GroupCommit:
    """Runs writes and claims on one connection in one thread, many in one transaction.

    Every caller gets its answer after the commit. A transaction that fails is repeated call by call, so that one bad
    call does not take the others with it. Claims come last in a transaction and see what it wrote; one that finds
    nothing waits, and is asked again with every write that may open such work, when somebody woke, and once a second.

    Once the database turned out to be damaged, nothing is written and nothing is claimed until the next start.
    """

    def __init__(
        self,
        engine: Engine,
        together: Together,
        *,
        ended: Callable[[bool], None] = lambda _: None,
        tell: Callable[[Connection, Work], None] = lambda _, __: None,
    ) -> None:
        """`ended` is told of every transaction whether it was committed; one that may have been counts as not.

        `tell` is called at the end of those that open work, after the claims.
        """
        self._engine = engine
        self._together = together
        self._ended = ended
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._calls: queue.SimpleQueue[_Call | _Wake | None] = queue.SimpleQueue()
        self._waiting: list[_Call] = []
        self._woken = False
        self._looked_at = 0.0
        self._due: list[float] = []
        self._closed = False
        self._connection: Connection | None = None
        self._damage: StoreError | None = None
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    async def write(
        self,
        statement: Write[_Argument, _Result],
        argument: _Argument,
        *,
        wake_after: float | None = None,
        even_if_cancelled: bool = True,
        lines: Sequence[str] = (),
        opens: Work = NONE,
    ) -> _Result:
        """The result of `statement` for this argument, once it is committed. Raises StoreError if it is not.

        Waiting claims are asked again `wake_after` seconds from now. Whoever stops waiting does not stop the write,
        unless that has not begun and is not `even_if_cancelled`. Of all that name one of the same `lines`, in any
        process, one is written after the other. `opens`: it may open such work for anybody.
        """
        due = None if wake_after is None else time.monotonic() + wake_after
        result: _Result = await self._call(
            statement, argument, due=due, even_if_cancelled=even_if_cancelled, lines=lines, work=opens
        )
        return result

    async def claim(
        self,
        statement: Claim[_Argument, _Result],
        argument: _Argument,
        give_back: Write[Sequence[_Result], None],
        takes: Work,
    ) -> Sequence[_Result]:
        """What `statement` takes; waits until that is something.

        What was taken for a caller that is cancelled meanwhile is given back.
        """
        future = self._call(statement, argument, give_back=give_back, work=takes)
        try:
            taken: Sequence[_Result] = await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._call(give_back, future.result(), work=takes)
            raise
        return taken

    def wake(self) -> None:
        """Waiting claims are asked again. Any thread may call this."""
        self._calls.put(_Wake())

    def ask_again_in(self, seconds: float) -> None:
        """Waiting claims are asked again then. To be called within a statement."""
        heapq.heappush(self._due, time.monotonic() + seconds)

    async def close(self) -> None:
        """Ends the thread after the calls made so far."""
        self._closed = True
        self._calls.put(None)
        await asyncio.to_thread(self._thread.join)

    def _call(
        self,
        statement: Callable[..., Any],
        argument: Any,
        *,
        give_back: Callable[..., Any] | None = None,
        due: float | None = None,
        even_if_cancelled: bool = True,
        lines: Sequence[str] = (),
        work: Work = NONE,
    ) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._closed:
            future.set_exception(StoreError("the store is closed"))
        else:
            self._calls.put(_Call(statement, argument, future, give_back, due, even_if_cancelled, lines, work))
        return future

    def _run(self) -> None:
        while self._turn():
            pass
        self._disconnect()
        self._engine.dispose()
        self._together.close()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):  # it is not used again
                connection.close()

    def _turn(self) -> bool:
        """One transaction. False when there will be no more."""
        calls, last = self._gather()
        new = [call for call in calls if call.give_back]
        self._waiting += new
        writes = [call for call in calls if not call.give_back]
        writes = [call for call in writes if call.even_if_cancelled or not call.future.cancelled()]
        self._waiting = [call for call in self._waiting if not call.future.cancelled()]
        opened = NONE.union(*(call.work for call in writes))
        every = self._everything_is_asked()
        asked = [call for call in self._waiting if every or call in new or call.work & opened]
        if writes or asked:
            self._flush(writes, asked)
        return not last

    def _gather(self) -> tuple[list[_Call], bool]:
        """Everything that was called since the last transaction; waits for something to do."""
        calls: list[_Call] = []
        try:
            call = self._calls.get(timeout=self._patience())
            while call is not None:
                if isinstance(call, _Call):
                    calls.append(call)
                    if call.due is not None:
                        heapq.heappush(self._due, call.due)
                else:
                    self._woken = True
                call = self._calls.get_nowait()
        except queue.Empty:
            return calls, False
        return calls, True

    def _patience(self) -> float | None:
        if not self._waiting or self._damage:
            return None
        now = time.monotonic()
        longest = CONTENDED if self._together.waits else POLL
        until = min([self._looked_at + longest, *self._due[:1]])
        return max(until - now, 0)

    def _everything_is_asked(self) -> bool:
        """Whether somebody woke, another process was claiming just now, a wait is over, or it is time again."""
        now = time.monotonic()
        longest = CONTENDED if self._together.waits else POLL
        every = self._woken or now - self._looked_at >= longest
        while self._due and self._due[0] <= now:
            heapq.heappop(self._due)
            every = True
        if every:
            self._woken, self._looked_at = False, now
        return every

    def _flush(self, writes: Sequence[_Call], claims: Sequence[_Call]) -> None:
        answers = self._answers(writes, claims)
        taken = {id(call) for call, _ in answers}
        self._waiting = [call for call in self._waiting if id(call) not in taken]
        if answers:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._resolve, answers)

    def _answers(self, writes: Sequence[_Call], claims: Sequence[_Call]) -> list[tuple[_Call, Any]]:
        if self._damage is not None:
            return [(call, StoreError(str(self._damage))) for call in writes]
        try:
            return self._transaction(writes, claims)
        except Exception as error:  # noqa: BLE001 - this thread must not die
            if failures.is_the_databases(error):
                refusal = str(self._refused(error))
                return [(call, StoreError(refusal)) for call in writes]
            if not failures.is_conflict(error):
                _log.warning("store.flush_failed", calls=len(writes), error=failures.reason(error))
        answers = [answer for call in writes for answer in self._alone(call)]
        return answers + [answer for call in claims for answer in self._claimed_alone(call)]

    def _alone(self, call: _Call) -> list[tuple[_Call, Any]]:
        try:
            return self._transaction([call], [])
        except Exception as error:  # noqa: BLE001 - this thread must not die
            whose = failures.is_the_databases(error) or failures.is_conflict(error)
            if whose or isinstance(error, IntegrityError):
                return [(call, self._refused(error))]
            return [(call, Unstorable(f"the store cannot write this: {failures.reason(error)}"))]

    def _claimed_alone(self, call: _Call) -> list[tuple[_Call, Any]]:
        """A claim that breaks goes on waiting and leaves the others alone."""
        try:
            return self._transaction([], [call])
        except Exception as error:  # noqa: BLE001 - this thread must not die
            _log.error("store.claim_failed", error=failures.reason(error))
            self._refused(error)
            return []

    def _refused(self, error: Exception) -> StoreError:
        """What its callers are told. Damage is noted: it ends all writing."""
        refusal = failures.refusal(self._engine, error)
        if failures.is_damage(error) and self._damage is None:
            self._damage = refusal
            _log.error("store.damaged", reason=str(refusal))
        return refusal

    def _transaction(self, writes: Sequence[_Call], claims: Sequence[_Call]) -> list[tuple[_Call, Any]]:
        by_statement: dict[Callable[..., Any], list[_Call]] = {}
        for call in writes:
            by_statement.setdefault(call.statement, []).append(call)
        answers: list[tuple[_Call, Any]] = []
        committed = False
        try:
            with self._together.transaction():
                connection = self._connected()
                with connection.begin():
                    self._together.begin(connection, [line for call in writes for line in call.lines])
                    for statement, calls in by_statement.items():
                        results = statement(connection, [call.argument for call in calls])
                        answers += zip(calls, results, strict=True)
                    for call in claims:
                        if taken := call.statement(connection, call.argument):
                            answers.append((call, taken))
                    if opened := NONE.union(*(call.work for call in writes)):
                        self._tell(connection, opened)
                    if answers:
                        faultpoints.reached("store.written")
            committed = True
        except Exception as error:
            gone = self._together.shared and failures.is_the_databases(error)
            if self._connection is not None and (gone or self._connection.in_transaction()):
                self._disconnect()
            raise
        finally:
            self._ended(committed)
        if answers:
            faultpoints.reached("store.committed")
        return answers

    def _resolve(self, answers: Sequence[tuple[_Call, Any]]) -> None:
        for call, answer in answers:
            if call.future.done():
                if call.give_back and not self._closed:
                    self._call(call.give_back, answer, work=call.work)
            elif isinstance(answer, BridgeError):
                call.future.set_exception(answer)
            else:
                call.future.set_result(answer)
