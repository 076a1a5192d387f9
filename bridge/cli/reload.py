"""`threadbridge reload`: the running processes read their rules again."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from bridge import config
from bridge.cli.terminal import ConfigOption, err, fail, load, out, shown, telling
from bridge.errors import ConfigError

if TYPE_CHECKING:
    from bridge.reload import Report

LOOK = 0.2
"""Seconds between two looks for answers."""


def reload(
    config_path: ConfigOption = None,
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for the answers.")] = 10.0,
) -> None:
    """Have running processes read [[rules]] again; connections and running turns go on. Ends with 1 unless all did."""
    from bridge.reload import Report  # noqa: PLC0415
    from bridge.store import database, processes  # noqa: PLC0415
    from bridge.store.audit import operator  # noqa: PLC0415

    with telling():
        try:
            url = config.store_url(load(config_path))
        except ConfigError as error:
            fail([*error.problems, "nothing was changed: the rules stay as they are"])
        with database.transaction(url) as connection:
            running = processes.running(connection, database.now(connection))
            if not running:
                fail(["no threadbridge runs on this store: the rules are read when it starts"])
            asked = processes.ask(connection, operator(), database.now(connection))
        deadline = time.monotonic() + patience
        answers: Mapping[str, str] = {}
        while answers.keys() < running.keys() and time.monotonic() < deadline:
            time.sleep(LOOK)
            with database.transaction(url, read_only=True) as connection:
                answers = processes.answers(connection, asked)
        failed = [_told(running[one], Report.read(answers[one]) if one in answers else None) for one in running]
    raise typer.Exit(1 if any(failed) else 0)


def _told(name: str, report: "Report | None") -> bool:
    """Says what came of it in one process; whether it failed."""
    if report is None:
        err.print(f"{name}: did not answer; it may have ended without a word, or hang", markup=False)
        return True
    if report.problems:
        err.print(f"{name}: the rules stay as they were", markup=False)
        for problem in report.problems:
            err.print(f"wrong    {shown(problem)}", markup=False)
        return True
    out.print(f"{name}: rules in force: {report.rules}", highlight=False, markup=False)
    for warning in report.warnings:
        err.print(f"warning  {shown(warning)}", markup=False)
    if report.restart:
        sections = ", ".join(report.restart)
        err.print(f"warning  {shown(sections)}: what is different there needs a restart", markup=False)
    return False
