"""`threadbridge trace`: every stage of one message with its time. Shows no text of anybody, so it can be passed on."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import typer

from bridge import config, registry
from bridge.abilities import CanReadLinks, LinkedMessage
from bridge.cli.terminal import ConfigOption, JsonOption, iso, load, out, print_table, shown, telling
from bridge.config import Config
from bridge.errors import ConfigError, StoreError
from bridge.store.names import turn_id, turn_seq
from bridge.store.records import DeliveryRecord, TurnRecord
from bridge.trace import trace_id


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that happened to a message."""

    stage: str
    at: float
    """Seconds since the epoch."""
    status: str | None = None
    attempts: int | None = None
    error: str | None = None
    delivery: str | None = None
    message_ref: str | None = None


def stages(turn: TurnRecord) -> Sequence[Stage]:
    """What happened to a message since it was written, in the order of time; what was written comes first."""
    found = [Stage("accepted", turn.accepted_at)]
    if turn.edited_at is not None:
        found.append(Stage("edited", turn.edited_at))
    if turn.started_at is not None:
        found.append(Stage("started", turn.started_at, attempts=turn.attempts))
    if turn.finished_at is not None:
        found.append(Stage("ended", turn.finished_at, turn.status, turn.attempts, turn.error))
    found += [stage for delivery in turn.deliveries for stage in _stages_of(delivery)]
    return [Stage("written", turn.envelope.ts.timestamp()), *sorted(found, key=lambda one: one.at)]


def _stages_of(delivery: DeliveryRecord) -> Sequence[Stage]:
    last = Stage("", 0, delivery.status, delivery.attempts, delivery.error, delivery.id, delivery.message_ref)
    ends = {"posted": delivery.delivered_at, "died": delivery.dead_at}
    return [
        Stage("created", delivery.created_at, delivery=delivery.id),
        *(replace(last, stage=stage, at=at) for stage, at in ends.items() if at is not None),
    ]


def trace(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="A message's link, or an id: of an envelope, a delivery (d…), a turn (t…), a trace, or a session, "
            "whose newest turn is meant.",
        ),
    ],
    config_path: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every stage of one message, from when it was written to each part of its answer."""
    with telling():
        loaded = load(config_path)
        turns = _found(what.strip(), loaded)
    if as_json:
        print(json.dumps(_as_json(turns), indent=2))
        return
    first = turns[0].envelope
    for name, value in (
        ("trace", trace_id(first.id)),
        ("message", f"{first.id} by {first.actor.id} in {first.conversation.ref}"),
    ):
        out.print(f"{name:<9} {shown(value)}", highlight=False, markup=False)
    for turn in turns:
        _print(turn)


def _found(what: str, loaded: Config) -> Sequence[TurnRecord]:
    """The turns that are meant, of one message. Raises StoreError if there are none."""
    from bridge.store import database, reading  # noqa: PLC0415

    linked = _linked(what, loaded) if "://" in what else None
    with database.transaction(config.store_url(loaded), read_only=True) as connection:
        if linked is not None:
            envelope = reading.envelope_ending_with(connection, linked.envelope_suffix)
            seq = None if envelope else reading.turn_of_message(connection, linked.message_ref)
        else:
            seq = turn_seq(what)
            seq = seq if seq is not None and reading.has_turn(connection, seq) else None
            seq = seq or reading.turn_of_delivery(connection, what) or reading.newest_turn(connection, what)
            is_trace = re.fullmatch("[0-9a-f]{32}", what) is not None
            envelope = reading.envelope_of_trace(connection, what) if is_trace else what
        if seq is not None:
            return [reading.turn_record(connection, seq)]
        found = reading.turns_of_envelope(connection, envelope) if envelope else ()
    if not found:
        raise StoreError(_looked_for(what, linked))
    return found


def _linked(link: str, loaded: Config) -> LinkedMessage:
    types = registry.Registry(registry.CHANNELS)
    for name in sorted(set(loaded.channel_types.values())):
        channel: object = types[name]
        found = channel.read_link(link) if isinstance(channel, CanReadLinks) else None
        if found is not None:
            return found
    channels = ", ".join(loaded.channels) or "there is none"
    raise ConfigError([f'no channel of the configuration ({channels}) knows "{link}": copy the link of one message'])


def _looked_for(what: str, linked: LinkedMessage | None) -> str:
    if linked is None:
        return f'the store has no message, delivery, turn, trace or session "{what}"'
    return (
        f'the store has neither a message whose id ends with "{linked.envelope_suffix}" nor an answer '
        f'"{linked.message_ref}": no rule let it in, or the bridge did not hear it'
    )


def _as_json(turns: Sequence[TurnRecord]) -> dict[str, Any]:
    first = turns[0].envelope
    return {
        "trace": trace_id(first.id),
        "envelope": first.id,
        "by": first.actor.id,
        "conversation": first.conversation.ref,
        "turns": [_turn_as_json(turn) for turn in turns],
    }


def _turn_as_json(turn: TurnRecord) -> dict[str, Any]:
    times = stages(turn)
    return {
        "id": turn_id(turn.seq),
        "session": turn.session,
        "channel": turn.channel,
        "instance": turn.instance,
        "model": turn.route.model,
        "status": turn.status,
        "attempts": turn.attempts,
        "error": turn.error,
        "stages": [
            asdict(one) | {"at": iso(one.at), "after_ms": round((one.at - times[0].at) * 1000)} for one in times
        ],
        "deliveries": [
            {key: value for key, value in asdict(one).items() if not key.endswith("_at") and key != "payload"}
            for one in turn.deliveries
        ],
        "votes": [{"by": one.actor, "value": one.value, "at": iso(one.at)} for one in turn.votes],
    }


def _print(turn: TurnRecord) -> None:
    names = f"session {turn.session}, channel {turn.channel}, instance {turn.instance}"
    names += f", model {turn.route.model}" if turn.route.model else ""
    out.print(f"{turn_id(turn.seq):<9} {names}: {turn.status}", highlight=False, markup=False)
    if turn.status == "open" and turn.attempts:
        out.print(f"          tried {turn.attempts} times: {shown(turn.error or '')}", highlight=False, markup=False)
    out.print()
    times = stages(turn)
    print_table(
        ("time (UTC)", "after", "stage", ""),
        [
            (iso(one.at) or "", f"{round((one.at - times[0].at) * 1000):,} ms", one.stage, _detail(one, turn))
            for one in times
        ],
    )
    for one in turn.deliveries:
        if one.status == "pending":
            tried = f", tried {one.attempts} times: {one.error}" if one.attempts else ""
            out.print(f" {one.id} waits to be posted{shown(tried)}", highlight=False, markup=False)
    for vote in turn.votes:
        out.print(f" called {vote.value} by {shown(vote.actor)} at {iso(vote.at)}", highlight=False, markup=False)


def _detail(stage: Stage, turn: TurnRecord) -> str:
    kinds = {one.id: f"{one.kind} {one.part + 1}" for one in turn.deliveries}
    said = [f"{kinds[stage.delivery]} {stage.delivery}"] if stage.delivery else []
    said += [stage.status] if stage.stage == "ended" and stage.status else []
    said += [f"as {stage.message_ref}"] if stage.message_ref else []
    said += [f"attempt {stage.attempts}"] if stage.attempts is not None else []
    said += [stage.error] if stage.error else []
    return ", ".join(said)
