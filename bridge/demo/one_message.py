"""`threadbridge demo --say`: one message through everything, and its way shown."""

import json
import time
from collections.abc import Sequence

from rich.console import Console

from bridge.demo.stage import DemoError, Stage, in_time
from bridge.demo.threads import Onlooker
from bridge.store.records import SessionSummary, TurnRecord


async def one_message(stage: Stage, out: Console, text: str) -> None:
    """Sends it on every platform and prints thread, session, envelope and timing. Raises DemoError."""
    for name, simulator in stage.simulators.items():
        onlooker = Onlooker(simulator)
        began, clock = time.time(), time.monotonic()
        said = await simulator.say("Ada", text)
        answer = (await onlooker.answers(said.thread, 1))[0]
        seen = (time.monotonic() - clock) * 1000
        turn = stage.turns(await _session_of(stage, name))[-1]
        out.print(f"[bold]{simulator.source}[/bold] thread {said.thread}")
        for one in simulator.read(said.thread):
            out.print(f"  {one.author}: {one.text}", markup=False)
        out.print(f"session   {turn.session}", markup=False)
        out.print("envelope", markup=False)
        out.print(json.dumps(turn.envelope.model_dump(mode="json", exclude={"raw"}), indent=2, ensure_ascii=False))
        out.print(f"  raw     {len(json.dumps(turn.envelope.raw))} bytes of {simulator.source}'s own payload, kept")
        _print_timing(out, turn, began, seen)
        if text.strip() not in answer.text:
            raise DemoError(f"the answer does not speak of what was said: {answer.text!r}")


async def _session_of(stage: Stage, channel: str) -> str:
    """The one session of that channel, once nothing waits in it any more."""

    def done(found: Sequence[SessionSummary]) -> list[str]:
        return [one.session for one in found if one.channel == channel and not one.waiting and not one.unposted]

    settled = stage.until_sessions(lambda found: bool(done(found)))
    return done(await in_time("the delivery's entry in the store", settled))[0]


def _print_timing(out: Console, turn: TurnRecord, began: float, seen: float) -> None:
    posted = max(delivery.delivered_at or 0 for delivery in turn.deliveries)
    stages = (
        ("committed", turn.accepted_at),
        ("turn started", turn.started_at),
        ("answered and committed", turn.finished_at),
        ("posted and committed", posted),
    )
    out.print("timing, milliseconds after it was said")
    for name, at in stages:
        if at is not None:
            out.print(f"  {(at - began) * 1000:7.1f}  {name}")
    out.print(f"  {seen:7.1f}  seen in the thread\n")
