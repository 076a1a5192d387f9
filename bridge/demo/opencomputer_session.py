"""A durable session of the demo's OpenComputer: its log, its turns, and those who follow it.

As https://docs.opencomputer.dev/agent-sessions/events and …/sessions say (read 2026-11-22): one log in order, messages
that wait when a turn begins belong to that turn, and nobody who hangs up stops a turn.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bridge.demo.opencomputer_agent import Play, Says, play

LARGE = 16 * 1024
"""Characters of a text above which a body is kept beside the log."""
LEVELS = {"user": 0, "progress": 1, "internal": 2}
HUMAN = {"id": "user", "type": "human"}
AGENT = {"id": "agent", "type": "agent"}


@dataclass(slots=True)
class DemoSession:
    """One session. `appended` is told of every event."""

    agent: str
    key: str | None
    metadata: dict[str, Any] | None
    appended: Callable[["DemoSession", dict[str, Any]], None]
    gate: asyncio.Event
    """The agent answers only while it is set."""
    id: str = field(default_factory=lambda: f"ses_{uuid.uuid4().hex[:12]}")
    status: str = "queued"
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    contents: dict[str, str] = field(default_factory=dict[str, str])
    """Event id -> the text that is too large for the log."""
    turns: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    steered: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict[str, tuple[str, dict[str, Any]]])
    """Idempotency key -> the message's text and its event."""
    cuts: int = 0
    """How often its streams were cut."""
    stalled: set[int] = field(default_factory=set[int])
    """The streams that say nothing any more, by their number."""
    streams: int = 0
    following: int = 0
    _said: list[str] = field(default_factory=list[str])
    _waiting: list[int] = field(default_factory=list[int])
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _cancel: asyncio.Event = field(default_factory=asyncio.Event)
    _running: asyncio.Task[None] | None = None

    @property
    def head(self) -> int:
        return len(self.events)

    def shown(self) -> dict[str, Any]:
        """The session as the API shows it."""
        last = self.turns[-1] if self.turns else None
        return {
            "id": self.id, "status": self.status, "head": self.head, "agent_id": self.agent, "key": self.key,
            "metadata": self.metadata, "last_turn": last,
        }  # fmt: skip

    async def steer(self, message: dict[str, Any], key: str | None) -> dict[str, Any]:
        """Appends a message; whoever works takes it up with its next turn."""
        body = {"text": message["text"]} | ({"raw": message["raw"]} if message.get("raw") else {})
        refs = {
            **message.get("refs", {}),
            **{key: message[key] for key in ("source", "conversation") if key in message},
        }
        event = await self.append("user.message", "user", body, actor=message.get("actor", HUMAN), refs=refs)
        if key is not None:
            self.steered[key] = (message["text"], event)
        self._waiting.append(event["seq"])
        if self._running is None or self._running.done():
            self.status = "queued"
            self._running = asyncio.create_task(self._work())
        return event

    async def append(
        self, kind: str, level: str, body: dict[str, Any], *, turn: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """The next event of the log."""
        event: dict[str, Any] = {
            "id": f"evt_{uuid.uuid4().hex[:12]}", "seq": self.head + 1, "ts": datetime.now(UTC).isoformat(),
            "session": self.id, "actor": AGENT, "type": kind, "level": level, "body": body, "refs": {}, **fields,
        }  # fmt: skip
        if turn is not None:
            event["turn_id"] = turn
        text = body.get("text", "")
        if len(text) > LARGE:
            self.contents[event["id"]] = text
            event |= {
                "content_ref": f"blob_{event['id']}", "body_truncated": True, "body_bytes": len(text.encode()),
                "body": {**body, "text": text[:100]},
            }  # fmt: skip
        async with self._changed:
            self.events.append(event)
            self._changed.notify_all()
        self.appended(self, event)
        return event

    async def changed(self, seen: int, cuts: int) -> None:
        """Returns once there is more in the log, or the streams were cut."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.head > seen or self.cuts > cuts)

    async def joined(self) -> int:
        """Somebody follows the log; the number of the stream."""
        async with self._changed:
            self.streams += 1
            self.following += 1
            self._changed.notify_all()
        return self.streams

    def cancel(self) -> None:
        """The running turn ends at its next step."""
        if self._running is not None and not self._running.done():
            self._cancel.set()

    async def close(self) -> None:
        """Nothing runs any more."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    async def _work(self) -> None:
        while self._waiting:
            await self._turn()

    async def _turn(self) -> None:
        first, last = self._waiting[0], self._waiting[-1]
        prompt = "\n\n".join(self._text(seq) for seq in self._waiting)
        self._waiting.clear()
        self._cancel.clear()
        self.status = "running"
        turn: dict[str, Any] = {"id": f"trn_{uuid.uuid4().hex[:12]}", "state": "running"}
        self.turns.append(turn)
        body = {"turn_id": turn["id"], "input_from_seq": first, "input_to_seq": last}
        await self.append("turn.started", "internal", body, turn=turn["id"])
        todo = play(prompt, tuple(self._said))
        self._said.append(prompt)
        acting = asyncio.create_task(self._act(todo, turn["id"]))
        canceled = asyncio.create_task(self._cancel.wait())
        try:
            await asyncio.wait({acting, canceled}, return_when=asyncio.FIRST_COMPLETED)
            result = acting.result() if acting.done() else None
            reason = todo.reason if acting.done() else "canceled"
        finally:
            acting.cancel()
            canceled.cancel()
        self.status = {"needs_input": "awaiting_input"}.get(reason, "idle")
        turn |= {"state": "failed" if reason == "error" else "ok", "yield_reason": reason, "result_event_id": result}
        ended = {"turn_id": turn["id"], "yield_reason": reason} | ({"result_event_id": result} if result else {})
        await self.append("turn.completed", "user", ended, turn=turn["id"])
        if todo.unasked:
            await self.append("agent.message", "user", {"text": todo.unasked})

    async def _act(self, todo: Play, turn: str) -> str | None:
        """The id of the last message."""
        last: str | None = None
        await self.gate.wait()
        for said in todo.says:
            if todo.fault and said is todo.says[-1]:
                await self._break_streams(todo.fault)
            if todo.hang and said is todo.says[-1]:
                await asyncio.Event().wait()
            last = await self._say(said, turn) or last
            await self.gate.wait()
        return last

    async def _say(self, said: Says, turn: str) -> str | None:
        if said.after > 0:
            await asyncio.sleep(said.after)
        event = await self.append(said.type, said.level, said.body, turn=turn)
        return event["id"] if said.type == "agent.message" else None

    async def _break_streams(self, how: str) -> None:
        """As soon as there is one."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.following > 0)
        if how == "stall":
            self.stalled = set(range(self.streams + 1))
        else:
            async with self._changed:
                self.cuts += 1
                self._changed.notify_all()

    def _text(self, seq: int) -> str:
        event = self.events[seq - 1]
        return self.contents.get(event["id"]) or event["body"]["text"]
