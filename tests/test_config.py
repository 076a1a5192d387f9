import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import config
from bridge.config import Config
from bridge.errors import ConfigError
from bridge.registry import CHANNELS, INSTANCES, Registry

GOOD = """
[instances.main]
type = "chowder"
instance_id = "f47ac10b"
api_key = "env:CHOWDER_API_KEY"
model = "m"

[channels.slack]
type = "slack"
bot_token = "env:SLACK_BOT_TOKEN"
app_token = "env:SLACK_APP_TOKEN"

[[rules]]
channel = "slack"
instance = "main"
"""
ENVIRONMENT = {"CHOWDER_API_KEY": "chd_secret", "SLACK_BOT_TOKEN": "xoxb-secret", "SLACK_APP_TOKEN": "xapp-secret"}


def load(folder: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(
        path,
        channel_types=Registry(CHANNELS),
        instance_types=Registry(INSTANCES),
        environ=ENVIRONMENT if environ is None else environ,
    )


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, environ)
    return caught.value.problems


def test_a_good_file_has_defaults_for_the_rest(tmp_path: Path) -> None:
    loaded = load(tmp_path, GOOD)
    instance, rule = loaded.instances["main"], loaded.rules[0]
    assert (instance.concurrency, instance.on_unknown, loaded.bridge.http) == (8, "ask", "127.0.0.1:8080")
    assert (rule.trigger, rule.session, rule.rooms, rule.bots) == ("mention", "thread", ("*",), False)
    assert loaded.warnings() == []


def test_secrets_come_from_dotenv_and_what_is_exported_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CHOWDER_API_KEY=from-dotenv\nSLACK_BOT_TOKEN=from-dotenv\nSLACK_APP_TOKEN='x y'\n")
    loaded = load(tmp_path, GOOD, {"SLACK_BOT_TOKEN": "exported"})
    slack: Any = loaded.channels["slack"]
    main: Any = loaded.instances["main"]
    secrets = (main.api_key, slack.bot_token, slack.app_token)
    assert [secret.get_secret_value() for secret in secrets] == ["from-dotenv", "exported", "x y"]


def test_a_secret_may_stand_in_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    main: Any = load(tmp_path, GOOD.replace("env:CHOWDER_API_KEY", "file:key")).instances["main"]
    assert main.api_key.get_secret_value() == "from-file"


def test_no_secret_shows_when_a_configuration_is_printed(tmp_path: Path) -> None:
    printed = repr(load(tmp_path, GOOD))
    assert [secret for secret in ENVIRONMENT.values() if secret in printed] == []


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    bad = (
        GOOD.replace('"env:CHOWDER_API_KEY"', '"chd_org_literal"')
        .replace('"env:SLACK_BOT_TOKEN"', '"env:MISSING"')
        .replace('instance = "main"', 'instance = "mian"\nroms = ["*"]\ntrigger = "sometimes"')
        .replace('model = "m"\n', "")
        + '\n[bridge]\nhttp = "8080"\nstor = "x"\n[chanels.x]\n'
    )
    said = problems(tmp_path, bad)
    assert said == (
        'chanels: there is no such table (did you mean "channels"?)',
        'bridge.http: write "host:port", as in "127.0.0.1:8080", or "" to turn it off',
        'bridge.stor: there is no such key (did you mean "store"?)',
        'instances.main.api_key: a secret does not stand here: write "env:NAME" and put NAME=… into .env, or "file:PATH"',
        "instances.main.model: is missing: write it",
        "channels.slack.bot_token: the variable MISSING is not set: "
        f"write MISSING=… into {tmp_path / '.env'} or export it",
        "rules[1].trigger: write one of 'mention', 'mention-only' or 'always'",
        'rules[1].roms: there is no such key (did you mean "rooms"?)',
    )
    assert "chd_org_literal" not in "".join(said)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"main"\n', '"mian"\n', 'rules[1].instance: there is no [instances.mian] (did you mean "main"?)'),
        ('channel = "slack"', 'channel = "slak"', 'rules[1].channel: there is no [channels.slak] (did you mean "slack"?)'),
        ('type = "slack"', 'type = "irc"', 'channels.slack.type: "irc" is no type that is installed: write one of "discord", "slack"'),
        ('type = "slack"\n', "", 'channels.slack.type: is missing: write one of "discord", "slack"'),
        (
            'instance = "main"',
            'instance = "main"\nsession = "ticket"',
            'rules[1]: session = "ticket" needs a pattern: write ticket = "[A-Z]{2,10}-[0-9]+"',
        ),
        ('instance = "main"\n', "", 'rules[1]: names no instance: write instance = "…" with a name under [instances]'),
        (
            'app_token = "env:SLACK_APP_TOKEN"\n',
            "",
            'channels.slack: mode = "socket" needs app_token = "env:SLACK_APP_TOKEN" (it begins with xapp-)',
        ),
        (
            'app_token = "env:SLACK_APP_TOKEN"',
            'mode = "http"',
            'channels.slack: mode = "http" needs signing_secret = "env:SLACK_SIGNING_SECRET"',
        ),
        ('instance = "main"', 'instance = "main"\nrooms = "C1"', 'rules[1].rooms: write a list, as in ["*"]'),
        ('model = "m"', 'model = "m"\nconcurrency = "many"', "instances.main.concurrency: write a whole number"),
        ("[[rules]]", "[rules]", "rules: write [[rules]] with two brackets, once for each rule"),
        ('"env:CHOWDER_API_KEY"', '"file:nowhere"', "instances.main.api_key: the file nowhere cannot be read (FileNotFoundError)"),
    ],
)  # fmt: skip
def test_a_problem_names_the_key_and_what_to_write(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert problem in problems(tmp_path, GOOD.replace(old, new))


def test_a_key_on_which_a_default_depends_is_the_only_problem_that_is_named(tmp_path: Path) -> None:
    wrong = GOOD.replace('instance = "main"', 'instance = "main"\ngroups = ["@team"]')
    (said,) = problems(tmp_path, wrong)
    assert said.startswith('rules[1].groups: "@team" is a name')


def test_a_number_that_is_too_small_is_told_which_is_not(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD + "\n[budgets]\nuser = { turns_per_minute = 0 }\n") == (
        "budgets.user.turns_per_minute: write a number of at least 1",
    )


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:hunter2@db/x",
        "postgres://me:hunter2@db/x",
        "postgresql+psycopg://me:hunter2@db/x",
        "postgresql://me:hunter2@db",
        "postgresql://me:hunter2@db/",
        "postgresql://me:hunt/er2@db/x",
        "postgresql://me:hunter2@in@db/x",
        "sqlite://",
    ],
)
def test_a_database_that_is_not_supported_is_refused_without_showing_its_password(tmp_path: Path, url: str) -> None:
    (said,) = problems(tmp_path, GOOD + f'[bridge]\nstore = "{url}"\n')
    assert said.startswith('bridge.store: write "sqlite:///threadbridge.db" for a file, or "postgresql://user:password')
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@db/x",
        "postgresql://db.example.org:6432/x?sslmode=require",
        "postgresql://[::1]:5432/x",
        "postgresql:///x?host=/var/run/postgresql",
    ],
)
def test_a_postgresql_is_taken_as_it_is(tmp_path: Path, url: str) -> None:
    assert config.store_url(load(tmp_path, GOOD + f'[bridge]\nstore = "{url}"\n')) == url


def test_a_file_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "[bridge\n")
    assert "is no valid TOML" in said
    assert "line 1" in said


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"is not there: write one with `threadbridge init`, or name it with --config"
    ):
        config.load(tmp_path / "none.toml", channel_types={}, instance_types={}, environ={})


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("", "there is no [[rules]]: nobody will be answered"),
        ("", "there is no [channels.…]: the bridge listens nowhere"),
        (GOOD.partition("[[rules]]")[0], "no rule names [channels.slack]: nobody is answered there"),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(tmp_path: Path, text: str, warning: str) -> None:
    assert warning in load(tmp_path, text).warnings()


def test_relative_stores_stand_beside_the_configuration(tmp_path: Path) -> None:
    assert config.store_url(load(tmp_path, GOOD)) == f"sqlite:///{tmp_path}/threadbridge.db"
    elsewhere = load(tmp_path, GOOD + '[bridge]\nstore = "sqlite:////var/x.db"\n')
    assert config.store_url(elsewhere) == "sqlite:////var/x.db"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["bridge", "instances", "channels", "rules", "main", "slack", "type", "store", "http", "rooms"])


@given(data=st.dictionaries(keys, st.dictionaries(keys, values, max_size=4) | values, max_size=4))
def test_whatever_stands_in_the_file_only_config_errors_come_out(data: dict[str, Any]) -> None:
    with contextlib.suppress(ConfigError):
        config.parse(Path("config.toml"), data, channel_types={}, instance_types={}, environ={})
