"""`threadbridge pair`: who waits to be approved for direct messages, and what becomes of it."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bridge import config, pairing
from bridge.cli.terminal import ConfigOption, JsonOption, ago, fail, iso, load, out, print_table, telling

if TYPE_CHECKING:
    from bridge.store.pairing import PairingRecord

app = typer.Typer(
    name="pair", help='People who ask to write to the bot directly, under dm_policy = "pairing".', no_args_is_help=True
)


@app.command("list")
def list_them(config_path: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List who waits, with the code that they were given, and who is approved."""
    from bridge.store import database  # noqa: PLC0415
    from bridge.store import pairing as pairings  # noqa: PLC0415

    with (
        telling(),
        database.transaction(config.store_url(load(config_path)), read_only=True) as connection,
    ):
        found = pairings.records(connection, database.now(connection))
    if as_json:
        print(json.dumps([_as_json(one) for one in found], indent=2, ensure_ascii=False))
    elif found:
        print_table(("code", "who", "name", "channel", "since", ""), [_row(one) for one in found])
    else:
        out.print("Nobody waits, and nobody was approved.")


@app.command()
def approve(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code that the bot sent to that person.")],
    config_path: ConfigOption = None,
) -> None:
    """Approve whoever was given that code: what they write to the bot from now on is answered."""
    from bridge.store import database  # noqa: PLC0415
    from bridge.store import pairing as pairings  # noqa: PLC0415
    from bridge.store.audit import operator  # noqa: PLC0415

    with telling():
        read = pairing.read(code)
        if read is None:
            fail([f'"{code}" is no code: it has {pairing.LENGTH} letters, as in {pairing.written("BCDFGHJK")}'])
        with database.transaction(config.store_url(load(config_path))) as connection:
            done = pairings.approve(connection, read, database.now(connection), operator())
            if isinstance(done, str):
                fail([done])
    said = f"{_named(done)} is approved on {done.channel}: the next direct message is answered"
    out.print(said, highlight=False, markup=False)


@app.command()
def revoke(
    who: Annotated[str, typer.Argument(metavar="WHO", help="The person as `pair list` shows it.")],
    config_path: ConfigOption = None,
    channel: Annotated[
        str | None, typer.Option("--channel", help="Only on this channel, as the configuration names it.")
    ] = None,
) -> None:
    """Approve somebody no more, or make a code that waits worthless."""
    from bridge.store import database  # noqa: PLC0415
    from bridge.store import pairing as pairings  # noqa: PLC0415
    from bridge.store.audit import operator  # noqa: PLC0415

    with (
        telling(),
        database.transaction(config.store_url(load(config_path))) as connection,
    ):
        found = pairings.revoke(connection, who, channel, database.now(connection), operator())
        if not found:
            on = f" on {channel}" if channel else ""
            fail([f'nobody called "{who}" is approved or waits{on}: `threadbridge pair list` shows who'])
    for one in found:
        what = "is approved no more" if one.state == "approved" else "waits no more: the code is worthless"
        out.print(f"{_named(one)} on {one.channel}: {what}", highlight=False, markup=False)


def _named(one: "PairingRecord") -> str:
    return one.actor if one.display in {one.author, one.actor} else f"{one.actor} ({one.display})"


def _row(one: "PairingRecord") -> tuple[str, ...]:
    code = pairing.written(one.code) if one.code else ""
    name = "" if one.display == one.author else one.display
    since = ago(one.approved_at or one.asked_at)
    left = f"for {max(1, round((one.expires_at - time.time()) / 60))} min" if one.state == "pending" else ""
    return code, one.actor, name, one.channel, since, f"waits {left}".rstrip() if one.code else "approved"


def _as_json(one: "PairingRecord") -> Mapping[str, object]:
    times = {key: iso(value) for key, value in asdict(one).items() if key.endswith("_at")}
    return asdict(one) | times | {"code": pairing.written(one.code) if one.code else None}
