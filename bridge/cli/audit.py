"""`threadbridge audit`: who did what, and who was refused."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from bridge import config
from bridge.cli.terminal import ConfigOption, JsonOption, SinceOption, iso, load, out, print_table, since, telling


def audit(  # noqa: PLR0917 - one for each option
    config_path: ConfigOption = None,
    past: SinceOption = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only of this one, as the list shows it.")] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", help="Only of this channel, as the configuration names it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """List who did what, and who was refused, the newest last; nobody's words are in it."""
    from bridge.store import audit as entries  # noqa: PLC0415
    from bridge.store import database  # noqa: PLC0415

    with telling():
        wanted = entries.Entries(channel, actor, since(past))
        with database.transaction(config.store_url(load(config_path)), read_only=True) as connection:
            found = entries.read(connection, wanted, limit)
    if as_json:
        print(json.dumps([asdict(one) | {"at": iso(one.at)} for one in found], indent=2))
    elif found:
        rows = [(iso(one.at) or "", one.channel or "", one.actor, one.action, one.target, one.outcome) for one in found]
        print_table(("time (UTC)", "channel", "who", "what", "about", "outcome"), rows)
    else:
        out.print("Nothing of that is noted.")
