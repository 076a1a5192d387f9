"""`threadbridge dead`: what could not be posted and what could not be answered, and what shall become of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from bridge import config, files, registry
from bridge.abilities import CanFindSent
from bridge.channel import Payload
from bridge.cli.terminal import (
    ConfigOption,
    JsonOption,
    SinceOption,
    ago,
    fail,
    iso,
    load,
    out,
    print_table,
    shown,
    since,
    telling,
)
from bridge.config import Config
from bridge.errors import ConfigError
from bridge.store.names import TURN, turn_id
from bridge.store.records import DeadFilters, DeadLetter, DeliveryRecord, TurnRecord
from bridge.trace import trace_id

app = typer.Typer(
    name="dead", help="Dead letters: what could not be posted, and what could not be answered.", no_args_is_help=True
)

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids as `dead list` shows them.")]
EveryOption = Annotated[bool, typer.Option("--all", help="All of them, or all that the filters leave.")]
ChannelOption = Annotated[
    str | None, typer.Option("--channel", help="Only of this channel, as the configuration names it.")
]
SessionOption = Annotated[str | None, typer.Option("--session", help="Only of this session.")]


@app.command("list")
def list_them(  # noqa: PLR0917 - one for each option
    config_path: ConfigOption = None,
    channel: ChannelOption = None,
    session: SessionOption = None,
    past: SinceOption = None,
    dropped: Annotated[bool, typer.Option("--dropped", help="Also what was dropped.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the dead letters, the newest first: `d…` was not posted, `t…` was not answered."""
    from bridge.store import database, dead  # noqa: PLC0415

    with telling():
        filters = DeadFilters(channel, session, since(past), dropped)
        with database.transaction(config.store_url(load(config_path)), read_only=True) as connection:
            found = dead.letters(connection, filters)
    if as_json:
        print(json.dumps([_as_json(one) for one in found], indent=2))
    elif found:
        columns = ("id", "when", "session", "channel", "kind", *(("status",) if dropped else ()), "why")
        print_table(columns, [_row(one, with_status=dropped) for one in found])
    else:
        out.print("There is no dead letter.")


@app.command()
def show(
    one: Annotated[str, typer.Argument(metavar="ID", help="An id as `dead list` shows it.")],
    config_path: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything about one: what was asked, what was not posted, why, and when."""
    from bridge.store import database, dead, reading  # noqa: PLC0415

    with (
        telling(),
        database.transaction(config.store_url(load(config_path)), read_only=True) as connection,
    ):
        found, problems = dead.named(connection, [one])
        if problems:
            fail(problems)
        letter = found[0]
        turn = reading.turn_record(connection, letter.turn)
    everything = _everything(letter, turn)
    if as_json:
        print(json.dumps(everything, indent=2, ensure_ascii=False))
    else:
        _print_everything(everything)


@app.command()
def retry(  # noqa: PLR0917 - one for each option
    ids: Ids = None,
    every: EveryOption = False,
    config_path: ConfigOption = None,
    channel: ChannelOption = None,
    session: SessionOption = None,
    past: SinceOption = None,
) -> None:
    """Post or ask again, from the first attempt on; a running bridge begins within seconds. All of these or none."""
    from bridge.store import dead  # noqa: PLC0415

    loaded, chosen = _change(
        "dead retry", dead.retry, config_path, ids, every, DeadFilters(channel, session, since(past))
    )
    for one in chosen:
        out.print(f"{one.id}: {_hope(one, loaded)}", highlight=False, markup=False)


@app.command()
def drop(  # noqa: PLR0917 - one for each option
    ids: Ids = None,
    every: EveryOption = False,
    config_path: ConfigOption = None,
    channel: ChannelOption = None,
    session: SessionOption = None,
    past: SinceOption = None,
) -> None:
    """List them no longer. All of these or none; `dead list --dropped` still knows them, and they can be retried."""
    from bridge.store import dead  # noqa: PLC0415

    _, chosen = _change("dead drop", dead.drop, config_path, ids, every, DeadFilters(channel, session, since(past)))
    for one in chosen:
        out.print(f"{one.id}: dropped", highlight=False, markup=False)


def _change(  # noqa: PLR0917 - what the commands were given
    action: str,
    change: Callable[[Any, Sequence[DeadLetter]], object],
    config_path: Path | None,
    ids: Sequence[str] | None,
    every: bool,
    filters: DeadFilters,
) -> tuple[Config, Sequence[DeadLetter]]:
    """Does it to all that are meant in one transaction, or says what is wrong and does nothing."""
    from bridge.store import audit, database, dead  # noqa: PLC0415
    from bridge.store.audit import Entry, operator  # noqa: PLC0415

    with telling():
        if bool(ids) == every:
            raise ConfigError(["name the ids as `threadbridge dead list` shows them, or write --all instead"])
        if ids and filters != DeadFilters():
            raise ConfigError(["--channel, --session and --since go with --all, not with ids"])
        loaded = load(config_path)
        with database.transaction(config.store_url(loaded)) as connection:
            found, problems = dead.named(connection, ids) if ids else (dead.letters(connection, filters), ())
            chosen = dead.still(connection, found)
            if ids and len(chosen) < len(found):  # somebody else was faster
                _, problems = dead.named(connection, ids)
            if problems:
                fail([*problems, *(["nothing was changed"] if chosen else [])])
            change(connection, chosen)
            entries = [Entry(operator(), action, one.id, "done", one.channel) for one in chosen]
            audit.write(connection, entries, database.now(connection))
    if not chosen:
        out.print("There is no such dead letter.")
    return loaded, chosen


def _hope(letter: DeadLetter, loaded: Config) -> str:
    """What a retry may be expected to do."""
    if letter.channel not in loaded.channels:
        return f"opened again; it waits, there is no [channels.{letter.channel}]"
    if letter.kind == TURN:
        there = letter.instance in loaded.instances
        return f"opened again for {letter.instance}" + ("" if there else f"; there is no [instances.{letter.instance}]")
    if not letter.in_doubt:
        return "opened again"
    known = registry.Registry(registry.CHANNELS)[loaded.channel_types[letter.channel]]
    if issubclass(known, CanFindSent):
        return "opened again; it may have been posted, so it is looked for first"
    return "opened again; it may have been posted, and this platform cannot be searched: look into the thread"


def _row(letter: DeadLetter, *, with_status: bool) -> Sequence[str]:
    why = letter.why or ""
    status = (letter.status,) if with_status else ()
    return (letter.id, ago(letter.at), letter.session, letter.channel, letter.kind, *status, why)


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "when": iso(letter.at),
        "session": letter.session,
        "channel": letter.channel,
        "kind": letter.kind,
        "why": letter.why,
        "status": letter.status,
        "in_doubt": letter.in_doubt,
        "turn": turn_id(letter.turn),
    }


def _everything(letter: DeadLetter, turn: TurnRecord) -> dict[str, Any]:
    said = turn.envelope
    return _as_json(letter) | {
        "trace": trace_id(said.id),
        "instance": letter.instance,
        "message": {
            "envelope": said.id,
            "by": said.actor.id,
            "name": said.actor.display,
            "conversation": said.conversation.ref,
            "written": iso(said.ts.timestamp()),
            "text": said.text,
        },
        "attempts": turn.attempts,
        "error": turn.error,
        "accepted": iso(turn.accepted_at),
        "started": iso(turn.started_at),
        "ended": iso(turn.finished_at),
        "deliveries": [_delivery(one) for one in turn.deliveries if letter.kind == TURN or one.id == letter.id],
    }


def _delivery(record: DeliveryRecord) -> dict[str, Any]:
    kept = ("id", "kind", "part", "run", "status", "attempts", "error", "in_doubt", "message_ref", "payload")
    times = {"created": record.created_at, "posted": record.delivered_at, "died": record.dead_at}
    return (
        {key: value for key, value in asdict(record).items() if key in kept}
        | {key: iso(at) for key, at in times.items()}
        | {"text": text_of(record.payload)}
    )


def text_of(payload: Payload) -> str:
    """The longest text in what a channel rendered, which is opaque otherwise: what people would have read.

    Of a file only what it is: `dead show --json` has the whole of it.
    """
    file = files.read(payload)
    if file is not None:
        return f"(a file: {file.name}, {file.media_type}, {len(file.content):,} bytes)"
    return max(_texts(payload), key=len, default="")


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return [value]
    inside: Sequence[object] = ()
    if isinstance(value, Mapping):
        inside = list(cast("Mapping[str, object]", value).values())
    elif isinstance(value, list):
        inside = cast("list[object]", value)
    return [text for one in inside for text in _texts(one)]


def _print_everything(everything: dict[str, Any]) -> None:
    message = everything["message"]
    lines = {key: everything[key] for key in ("id", "kind", "status", "when", "why", "session", "channel", "instance")}
    lines |= {key: everything[key] for key in ("turn", "trace", "accepted", "started", "ended")}
    lines |= {"attempts": f"{everything['attempts']} of the turn"}
    lines |= {"message": message["envelope"], "by": f"{message['name']} ({message['by']})", "at": message["written"]}
    for name, value in lines.items():
        _line(name, value)
    _text(message["text"])
    for one in everything["deliveries"]:
        doubt = ", it may have been posted" if one["in_doubt"] else ""
        earlier = ", of an earlier run" if one["run"] else ""
        out.print()
        _line("delivery", f"{one['id']} ({one['kind']} {one['part'] + 1}: {one['status']}{doubt}{earlier})")
        for name in ("created", "posted", "died", "attempts", "error", "message_ref"):
            _line(name, one[name])
        _text(one["text"])


def _line(name: str, value: object) -> None:
    if value is not None:
        out.print(f"{name:<11} {shown(str(value))}", highlight=False, markup=False)


def _text(text: str) -> None:
    for line in shown(text).split("\n"):
        out.print(f"  | {line}", highlight=False, markup=False)
