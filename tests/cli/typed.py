"""A command without a process of its own, which takes a second each: for what has many cases."""

import subprocess
from pathlib import Path

from typer.testing import CliRunner

from bridge.cli.commands import app


def typed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the command does with the configuration in that folder."""
    done = CliRunner().invoke(app, [*arguments, "--config", str(folder / "config.toml")], catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def configured(folder: Path) -> str:
    """Writes a configuration with a channel `slack` and an instance `main`, and says which store it has."""
    answers = ("channel.bot_token=xoxb-1", "channel.app_token=xapp-1")
    given = [word for answer in answers for word in ("--set", answer)]
    done = CliRunner().invoke(
        app, ["init", "--folder", str(folder), "--channel", "slack", "--instance", "echo", *given]
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return f"sqlite:///{folder / 'threadbridge.db'}"
