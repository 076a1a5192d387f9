"""`threadbridge init`: asks what the installed types need and writes `config.toml` and `.env`."""

import json
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

import typer
from dotenv import set_key
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bridge.errors import ConfigError
from bridge.registry import CHANNELS, INSTANCES, Registry
from bridge.settings import Section

Ask = Callable[[str, str | None, bool], str]
"""(question, default, is a secret) -> the answer."""


def at_terminal(question: str, default: str | None, secret: bool) -> str:
    """Asks a person."""
    return str(typer.prompt(question, default=default, hide_input=secret))


def read_answers(given: Sequence[str]) -> dict[str, str]:
    """`channel.key=value` -> answers. Raises ConfigError."""
    answers: dict[str, str] = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not equals or key.partition(".")[0] not in {"channel", "instance"}:
            raise ConfigError([f'--set "{key}": write --set channel.KEY=VALUE or --set instance.KEY=VALUE'])
        answers[key] = value
    return answers


def write(
    folder: Path,
    *,
    channel: str | None,
    instance: str | None,
    rooms: str | None,
    answers: Mapping[str, str],
    force: bool,
    ask: Ask | None,
) -> list[str]:
    """Writes both files and returns what to do next. Without `ask`, a missing answer is a ConfigError."""
    target = folder / "config.toml"
    if target.exists() and not force:
        raise ConfigError([f"{target} is there already: keep it, or write over it with --force"])
    questions = _Questions(answers, ask)
    channel_type, channel_lines, secrets = questions.section("channel", CHANNELS, channel)
    instance_type, instance_lines, more = questions.section("instance", INSTANCES, instance)
    asked_rooms = rooms or questions.one(
        "Rooms where it answers: ids, * for every room, dm for direct messages", "*,dm"
    )
    questions.refuse()
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(
        _CONFIG.format(
            channel=channel_type,
            instance_lines="\n".join(instance_lines),
            channel_lines="\n".join(channel_lines),
            rooms=json.dumps([room.strip() for room in asked_rooms.split(",") if room.strip()]),
        ),
        encoding="utf-8",
    )
    dotenv = folder / ".env"
    dotenv.touch()
    dotenv.chmod(stat.S_IRUSR | stat.S_IWUSR)
    for name, value in {**secrets, **more}.items():
        set_key(dotenv, name, value)
    return [
        f"wrote {target} and {dotenv} ({channel_type} -> {instance_type})",
        f"next: threadbridge check --config {target}",
        f"then: threadbridge run --config {target}",
    ]


_CONFIG = """\
# Every key is explained in config.example.toml. Secrets stand in .env beside this file.
[bridge]
store = "sqlite:///threadbridge.db"
http = "127.0.0.1:8080"

[instances.main]
{instance_lines}

[channels.{channel}]
{channel_lines}

# Nobody is answered without a rule. The first one that matches decides.
[[rules]]
channel = "{channel}"
rooms = {rooms}
users = ["*"]
trigger = "mention"
instance = "main"
"""


class _Questions:
    """Answers from options first, then from a person; what nobody answered is gathered."""

    def __init__(self, answers: Mapping[str, str], ask: Ask | None) -> None:
        self._answers = dict(answers)
        self._ask = ask
        self._missing: list[str] = []

    def section(self, group: str, entry_points: str, chosen: str | None) -> tuple[str, list[str], dict[str, str]]:
        """(type, the section's lines, what goes into .env)."""
        types = Registry(entry_points)
        names = sorted(types)
        if chosen is None:
            fitting = [name for name in names if self._answered(group) <= set(types[name].Settings.model_fields)]
            default = (fitting or names)[0]
            chosen = default if len(names) == 1 else self.one(f"Type of {group} ({', '.join(names)})", default)
        if chosen not in types:
            raise ConfigError([f'--{group}: "{chosen}" is no type that is installed: write one of {", ".join(names)}'])
        lines, secrets = self._keys(group, chosen, types[chosen].Settings)
        unknown = sorted(self._answered(group))
        no_key = f"a {chosen} {group} has no such key that is asked for"
        self._missing += [f"--set {group}.{key}: {no_key}" for key in unknown]
        return chosen, lines, secrets

    def _answered(self, group: str) -> set[str]:
        """The keys of that section for which there are answers."""
        return {key.removeprefix(f"{group}.") for key in self._answers if key.startswith(f"{group}.")}

    def _keys(self, group: str, chosen: str, settings: type[Section]) -> tuple[list[str], dict[str, str]]:
        lines = [f'type = "{chosen}"']
        secrets: dict[str, str] = {}
        said: dict[str, str] = {}
        for key, field in settings.model_fields.items():
            extra = cast("dict[str, Any]", field.json_schema_extra or {})
            when = extra.get("when")
            if "ask" not in extra or (when is not None and said.get(when[0]) != when[1]):
                continue
            secret = _is_secret(field)
            default = "" if extra.get("optional") else None if secret or field.is_required() else str(field.default)
            value = self._answers.pop(f"{group}.{key}", None) or self._asked(group, key, extra["ask"], default, secret)
            said[key] = value
            if not value and extra.get("optional"):
                continue
            if secret:
                variable = f"{chosen}_{key}".upper()
                secrets[variable] = value
                lines.append(f'{key} = "env:{variable}"')
            else:
                lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        return lines, secrets

    def _asked(self, group: str, key: str, question: str, default: str | None, secret: bool) -> str:
        if self._ask is not None:
            return self._ask(question, default, secret)
        if default is None:
            self._missing.append(f"{question}: write --set {group}.{key}=…")
        return default or ""

    def one(self, question: str, default: str) -> str:
        """One answer that has a default."""
        return self._ask(question, default, False) if self._ask is not None else default

    def refuse(self) -> None:
        """Raises ConfigError with everything that nobody answered."""
        if self._missing:
            raise ConfigError(self._missing)


def _is_secret(field: FieldInfo) -> bool:
    """Whether the field is a `Secret`, or one that may be left out."""
    options = get_args(field.annotation) or (field.annotation,)
    return any(SecretStr in (option, *get_args(option)) for option in options)
