"""`threadbridge demo --say`: one message through everything, and its way shown."""

import json
import time

from rich.console import Console

from bridge.demo.stage import DemoError, Stage, in_time
from bridge.demo.threads import Onlooker
from bridge.store.protocol import TurnRecord


async def one_message(stage: Stage, out: Console, text: str) -> None:
    """Sends it on every platform and prints thread, session, envelope and timing. Raises DemoError."""
    for simulator in stage.simulators.values():
        onlooker = Onlooker(simulator)
        began, clock = time.time(), time.monotonic()
        said = await simulator.say("Ada", text)
        answer = (await onlooker.answers(said.thread, 1))[0]
        seen = (time.monotonic() - clock) * 1000
        written = stage.until_sessions(lambda found: bool(found) and not found[0].waiting and not found[0].unposted)
        session = (await in_time("the delivery's entry in the store", written))[0].session
        turn = stage.turns(session)[-1]
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
