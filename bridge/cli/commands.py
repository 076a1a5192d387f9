"""The commands: each reads its options, calls what does the work, and says what became of it."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bridge import __version__, config, log, registry
from bridge.cli import audit, dead, pair, reload, render, sessions, trace
from bridge.cli.terminal import ConfigOption, JsonOption, err, fail, load, out, telling
from bridge.envelope import json_schema
from bridge.errors import ConfigError

app = typer.Typer(
    name="threadbridge",
    help="Connects every thread of a chat platform to one session of an AI agent that runs elsewhere.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(dead.app)
app.add_typer(pair.app)


def main() -> None:
    """The entry point of `threadbridge` and of `python -m bridge`."""
    app()


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    """Options before any command."""
    if show:
        out.print(__version__, highlight=False)
        raise typer.Exit


@app.command()
def run(
    config_path: ConfigOption = None,
    only: Annotated[
        str | None,
        typer.Option(help="channels: only receive and take messages; work: only run turns and post answers."),
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_format: Annotated[str, typer.Option(help="text, json, or auto: text at a terminal.")] = "auto",
) -> None:
    """Run the bridge until SIGTERM or Ctrl-C; then what runs may finish."""
    from bridge.app import run_until_ended  # noqa: PLC0415 - only this command needs all of it
    from bridge.peers import read_role  # noqa: PLC0415

    if log_level not in log.LEVELS or log_format not in log.FORMATS:
        fail([f"--log-level is one of {', '.join(log.LEVELS)}; --log-format of {', '.join(log.FORMATS)}"])
    log.configure(log_level, log_format)
    with telling():
        loaded = load(config_path)
        run_until_ended(loaded, read_role(only, config.store_url(loaded)))


@app.command()
def check(config_path: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the configuration and name everything that is wrong with it. Connects nowhere."""
    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()
    try:
        loaded = load(config_path)
        warnings = loaded.warnings()
        from bridge.store import database  # noqa: PLC0415

        found = database.problem(config.store_url(loaded))
        problems = [f"bridge.store: {found}"] if found else []
    except ConfigError as error:
        problems = error.problems
    if as_json:
        print(json.dumps({"ok": not problems, "problems": list(problems), "warnings": list(warnings)}))
    else:
        for problem in problems:
            err.print(f"wrong    {problem}", markup=False)
        for warning in warnings:
            err.print(f"warning  {warning}", markup=False)
        if not problems:
            out.print(f"{config.locate(config_path)} can be used.", highlight=False)
    raise typer.Exit(1 if problems else 0)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the envelope."""
    print(json.dumps(json_schema(), indent=2))


@app.command()
def manifest(channel_type: Annotated[str, typer.Argument(help="A type of channel.")]) -> None:
    """Print what to paste where a platform registers apps."""
    from bridge.abilities import HasManifest  # noqa: PLC0415

    types = registry.Registry(registry.CHANNELS)
    known = [name for name in types if isinstance(types[name], HasManifest)]
    if channel_type not in known:
        fail([f'there is no manifest for "{channel_type}": write one of {", ".join(sorted(known))}'])
    print(types[channel_type].manifest(), end="")


@app.command()
def migrate(
    config_path: ConfigOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
) -> None:
    """Show what brings the store to this version's schema, and do it. `run` does so by itself."""
    from bridge.store import database  # noqa: PLC0415

    with telling():
        url = config.store_url(load(config_path))
        plan = database.plan(url)
        out.print(f"{plan.store}: schema {plan.before or 'none'} -> {database.HEAD}", highlight=False, markup=False)
        for step in plan.steps:
            out.print(f"  {step.revision}  {step.does}", highlight=False, markup=False)
        if not dry_run:
            with database.locked(url):
                database.migrate_at(url)
    if dry_run:
        out.print("Nothing was done." if plan.steps else "There is nothing to do.")
    else:
        out.print("Done." if plan.steps else "There was nothing to do.")


app.add_typer(sessions.app, name="sessions")
app.command()(trace.trace)
app.command()(audit.audit)
app.command()(reload.reload)
app.command()(render.render)


@app.command()
def init(  # noqa: PLR0917 - one for each option
    folder: Annotated[Path, typer.Option(help="Where config.toml and .env are written.")] = Path(),
    channel: Annotated[str | None, typer.Option(help="The type of channel.")] = None,
    instance: Annotated[str | None, typer.Option(help="The type of instance.")] = None,
    rooms: Annotated[str | None, typer.Option(help='Room ids, comma-separated; "*" all, "dm" direct messages.')] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option("--set", help="An answer, as in --set channel.bot_token=… or --set instance.model=…"),
    ] = None,
    force: Annotated[bool, typer.Option(help="Write over an existing config.toml.")] = False,
) -> None:
    """Write config.toml and .env, with questions at a terminal or with options."""
    from bridge.cli import setup  # noqa: PLC0415

    with telling():
        written = setup.write(
            folder,
            channel=channel,
            instance=instance,
            rooms=rooms,
            answers=setup.read_answers(answers or []),
            force=force,
            ask=setup.at_terminal if sys.stdin.isatty() else None,
        )
    for line in written:
        out.print(line, highlight=False, markup=False)


@app.command()
def demo_instance(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8090,
) -> None:
    """Run the demo's agent alone, to develop against: Chowder's API and OpenComputer's on one address, until Ctrl-C."""
    from bridge.demo import instance_alone  # noqa: PLC0415

    with telling():
        instance_alone.run(host, port)


@app.command()
def demo(
    say: Annotated[str | None, typer.Option(help="Send this one message through, show its way, and end.")] = None,
    logs: Annotated[bool, typer.Option("--logs", help="Show what the bridge itself logs.")] = False,
) -> None:
    """Try everything without a token: simulated platforms, a demo agent, and the real bridge between them."""
    from bridge.demo import play  # noqa: PLC0415

    with telling():
        play.run(say=say, logs=logs, interactive=sys.stdin.isatty() and sys.stdout.isatty())
