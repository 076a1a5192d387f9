"""The commands as a person types them: the real program as a subprocess."""

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from bridge import __version__
from bridge.envelope import json_schema
from bridge.store.database import HEAD

ANSWERS = (
    "--channel", "slack", "--instance", "chowder", "--set", "channel.bot_token=xoxb-1", "--set",
    "channel.app_token=xapp-1", "--set", "instance.instance_id=f47", "--set", "instance.api_key=chd_sk_1",
    "--set", "instance.model=m",
)  # fmt: skip


def threadbridge(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "THREADBRIDGE_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "bridge", *arguments],
        cwd=folder,
        env=environment | {"COLUMNS": "200", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_the_version_is_the_packages_own(tmp_path: Path) -> None:
    assert threadbridge(tmp_path, "--version").stdout == f"{__version__}\n"


def test_schema_prints_the_envelopes_schema(tmp_path: Path) -> None:
    printed = json.loads(threadbridge(tmp_path, "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(printed)
    assert printed == json_schema()


def test_manifest_prints_an_app_and_knows_no_other(tmp_path: Path) -> None:
    assert "socket_mode_enabled: true" in threadbridge(tmp_path, "manifest", "slack").stdout
    assert "Message Content Intent" in threadbridge(tmp_path, "manifest", "discord").stdout
    unknown = threadbridge(tmp_path, "manifest", "irc")
    assert (unknown.returncode, unknown.stderr) == (
        1,
        'threadbridge: there is no manifest for "irc": write one of discord, slack\n',
    )


def test_init_writes_a_configuration_that_check_accepts(tmp_path: Path) -> None:
    assert threadbridge(tmp_path, "init", *ANSWERS).returncode == 0
    checked = threadbridge(tmp_path, "check")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "config.toml can be used.\n", "")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert "chd_sk_1" not in (tmp_path / "config.toml").read_text()


def test_init_leaves_out_what_need_not_be_answered(tmp_path: Path) -> None:
    done = threadbridge(
        tmp_path, "init", "--channel", "discord", "--set", "channel.token=t",
        "--instance", "openresponses", "--set", "instance.base_url=http://127.0.0.1:1234/v1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    section = tomllib.loads((tmp_path / "config.toml").read_text())["instances"]["main"]
    assert section == {"type": "openresponses", "base_url": "http://127.0.0.1:1234/v1"}
    assert threadbridge(tmp_path, "check").returncode == 0


def test_init_finds_the_channel_that_the_answers_are_for(tmp_path: Path) -> None:
    for answers, kind in (
        (("channel.token=t",), "discord"),
        (("channel.bot_token=xoxb-1", "channel.app_token=xapp-1"), "slack"),
    ):
        given = [word for answer in answers for word in ("--set", answer)]
        done = threadbridge(tmp_path, "init", "--instance", "echo", "--force", *given)
        assert (done.returncode, f'type = "{kind}"' in (tmp_path / "config.toml").read_text()) == (0, True), done.stderr
        assert threadbridge(tmp_path, "check").returncode == 0


def test_init_asks_only_for_what_the_chosen_mode_needs(tmp_path: Path) -> None:
    done = threadbridge(tmp_path, "init", "--instance", "echo", "--set", "channel.mode=http")
    assert (done.returncode, done.stderr) == (
        1,
        "threadbridge: Bot User OAuth Token (xoxb-…), from OAuth & Permissions: write --set channel.bot_token=…\n"
        "threadbridge: Signing Secret, from Basic Information > App Credentials: "
        "write --set channel.signing_secret=…\n",
    )
    assert list(tmp_path.iterdir()) == []


def test_init_overwrites_nothing_unless_told_to(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("# mine\n")
    refused = threadbridge(tmp_path, "init", *ANSWERS)
    assert refused.stderr == ("threadbridge: config.toml is there already: keep it, or write over it with --force\n")
    assert (tmp_path / "config.toml").read_text() == "# mine\n"
    assert threadbridge(tmp_path, "init", *ANSWERS, "--force").returncode == 0


def test_init_keeps_what_else_stands_in_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OTHER=kept\n")
    threadbridge(tmp_path, "init", *ANSWERS)
    assert "OTHER=kept" in (tmp_path / ".env").read_text()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("bot_token=x", '--set "bot_token": write --set channel.KEY=VALUE or --set instance.KEY=VALUE'),
        ("channel.tocken=x", "--set channel.tocken: a slack channel has no such key that is asked for"),
    ],
)
def test_init_names_an_answer_that_fits_nothing(tmp_path: Path, answer: str, problem: str) -> None:
    assert problem in threadbridge(tmp_path, "init", *ANSWERS, "--set", answer).stderr


def test_check_names_every_problem_in_words_and_in_json(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[bridge]\nhttp = 1\n[[rules]]\nchannel = "x"\ninstance = "y"\n')
    problems = [
        'bridge.http: write a text in quotes, as in "…"',
        "rules[1].channel: there is no [channels.x]",
        "rules[1].instance: there is no [instances.y]",
    ]
    in_words = threadbridge(tmp_path, "check")
    assert (in_words.returncode, in_words.stderr.splitlines()) == (1, [f"wrong    {one}" for one in problems])
    in_json = threadbridge(tmp_path, "check", "--json")
    assert (in_json.returncode, json.loads(in_json.stdout)) == (
        1,
        {"ok": False, "problems": problems, "warnings": []},
    )


def test_the_configuration_may_be_named_by_a_variable(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "check"],
        env=os.environ | {"THREADBRIDGE_CONFIG": str(tmp_path / "other.toml")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "other.toml is not there" in done.stderr


def test_migrate_makes_the_store_and_sessions_reads_it(tmp_path: Path) -> None:
    threadbridge(tmp_path, "init", *ANSWERS)
    early = threadbridge(tmp_path, "sessions")
    assert early.returncode == 1
    assert "there is no store at" in early.stderr
    makes = f"threadbridge.db: schema none -> {HEAD}\n  {HEAD}  Makes all tables in the empty database.\n"
    assert threadbridge(tmp_path, "migrate", "--dry-run").stdout.endswith(makes + "Nothing was done.\n")
    assert not (tmp_path / "threadbridge.db").exists()
    assert threadbridge(tmp_path, "migrate").stdout.endswith(makes + "Done.\n")
    nothing = f"threadbridge.db: schema {HEAD} -> {HEAD}\nThere was nothing to do.\n"
    assert threadbridge(tmp_path, "migrate").stdout.endswith(nothing)
    assert threadbridge(tmp_path, "sessions").stdout == "There is no session yet.\n"
    assert json.loads(threadbridge(tmp_path, "sessions", "--json").stdout) == []


def test_run_refuses_an_unusable_configuration_with_every_problem(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[bridge]\nstore = "mysql://u:hunter2@h/d"\nnope = 1\n')
    done = threadbridge(tmp_path, "run")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        'threadbridge: bridge.store: write "sqlite:///threadbridge.db" for a file, or '
        '"postgresql://user:password@host/database" (in the user and the password, write other characters than letters '
        "and digits as %40 for @)",
        "threadbridge: bridge.nope: there is no such key",
    ]


def test_run_refuses_a_log_level_that_does_not_exist(tmp_path: Path) -> None:
    done = threadbridge(tmp_path, "run", "--log-level", "loud")
    assert done.returncode == 1
    assert "--log-level is one of debug, info, warning, error" in done.stderr


def test_an_answer_is_rendered_without_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "answer.md").write_text("# Übersicht\n\n- **eins**\n", encoding="utf-8")
    slack = threadbridge(tmp_path, "render", "answer.md", "--for", "slack")
    assert slack.stdout.split("\n") == [
        "═══ 1 of 1", "─── text, 22 characters", "*Übersicht*", "", "• *eins*", "",
        "─── blocks[0].text, 24 characters", "# Übersicht", "", "- **eins**", "", "",
    ]  # fmt: skip
    discord = threadbridge(tmp_path, "render", "answer.md", "--for", "discord", "--json")
    assert json.loads(discord.stdout) == [{"content": "# Übersicht\n\n- **eins**\n"}]


def test_an_answer_is_read_from_standard_input(tmp_path: Path) -> None:
    assert json.loads(threadbridge(tmp_path, "render", "-", "--for", "slack", "--json").stdout) == [{"text": "(empty)"}]


def test_what_cannot_be_rendered_is_said(tmp_path: Path) -> None:
    unknown = threadbridge(tmp_path, "render", "-", "--for", "irc")
    assert (unknown.returncode, unknown.stderr) == (
        1,
        'threadbridge: there is no type of channel "irc": write one of discord, slack\n',
    )
    missing = threadbridge(tmp_path, "render", "nope.md", "--for", "slack")
    assert (missing.returncode, missing.stderr) == (
        1,
        "threadbridge: nope.md cannot be read: No such file or directory\n",
    )
