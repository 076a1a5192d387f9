"""`threadbridge sessions`: what there is, and one session's messages and answers as envelopes."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from bridge import config
from bridge.cli.terminal import ConfigOption, JsonOption, ago, fail, load, out, print_table, telling

app = typer.Typer(
    help="List the sessions, or export one.", invoke_without_command=True, no_args_is_help=False, add_completion=False
)


@app.callback()
def sessions(
    context: typer.Context,
    config_path: ConfigOption = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the sessions, the one that was written in last first."""
    if context.invoked_subcommand is not None:
        return
    from bridge.store import database, reading  # noqa: PLC0415

    with (
        telling(),
        database.transaction(config.store_url(load(config_path)), read_only=True) as connection,
    ):
        summaries = reading.session_summaries(connection, limit)
    if as_json:
        print(json.dumps([asdict(one) for one in summaries], indent=2))
        return
    if not summaries:
        out.print("There is no session yet.")
        return
    columns = ("session", "channel", "instance", "turns", "waiting", "unposted", "dead", "tokens", "last message")
    rows: list[tuple[str, ...]] = []
    for one in summaries:
        counts = (one.turns, one.waiting, one.unposted, one.dead, one.total_tokens)
        rows.append((one.session, one.channel, one.instance, *map(str, counts), ago(one.last_at)))
    print_table(columns, rows)


@app.command()
def export(
    session: Annotated[str, typer.Argument(help="The session's id, as `threadbridge sessions` shows it.")],
    config_path: ConfigOption = None,
) -> None:
    """Print every message and answer of a session, in their order: one envelope as JSON on each line."""
    from bridge.store import database, reading  # noqa: PLC0415

    with (
        telling(),
        database.transaction(config.store_url(load(config_path)), read_only=True) as connection,
    ):
        records = reading.turn_records(connection, session)
    if not records:
        fail([f'there is no session "{session}": `threadbridge sessions` shows what there is'])
    for record in records:
        for envelope in (record.envelope, *record.replies):
            print(envelope.model_dump_json())
