"""`config.toml` -> frozen models, with every problem at once: the key, what is wrong, what to write."""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from bridge.errors import ConfigError
from bridge.instance import CanAdvise, InstanceSettings
from bridge.limits import BudgetsSettings
from bridge.rules import Rule
from bridge.settings import Resolve, Secret, Section

DEFAULT_PATH = "config.toml"
PATH_VARIABLE = "THREADBRIDGE_CONFIG"
_SQLITE = re.compile(r"sqlite:///[^?#\x00]*[^?#\x00/]")
_POSTGRESQL = re.compile(r"postgresql://([^@/\s]+@)?(\[[0-9a-fA-F:]+\]|[^@:/?#\s]*)(:\d{1,5})?/[^@/?#\s]+(\?[^#\s]+)?")
TABLES = ("bridge", "instances", "channels", "rules", "budgets")


class BridgeSettings(Section):
    """`[bridge]`."""

    store: SecretStr = SecretStr("sqlite:///threadbridge.db")
    """A database URL or `env:NAME`; secret because it may carry a password."""
    http: str = "127.0.0.1:8080"
    """host:port of the HTTP server; empty turns it off."""
    admin_token: Secret | None = None
    bot_turns: int = Field(default=6, ge=1)
    """Answers to the same bot in a thread within `bot_window`."""
    bot_window: float = Field(default=300, gt=0)
    """Seconds."""
    answer_within: float = Field(default=24 * 3600, gt=0)
    """Seconds: what was said while the bridge was away, and is found later than that, is only listed."""
    mention: bool = False
    """Whether an answer notifies whoever asked."""
    feedback: bool = False
    """Two buttons under each answer, by which people call it good or bad."""
    drain: float = Field(default=20, ge=0, allow_inf_nan=False)
    """Seconds that running turns have left to finish after SIGTERM."""

    longest_answer: int = Field(default=40, ge=0)
    """Platform messages; an answer that would be more becomes a file. 0: never."""

    @field_validator("store", mode="before")
    @classmethod
    def _store(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str) and value.startswith(("env:", "file:")) and info.context:
            value = info.context["resolve"](value)
        if isinstance(value, str) and not (_SQLITE.fullmatch(value) or _POSTGRESQL.fullmatch(value)):
            raise ValueError(
                'write "sqlite:///threadbridge.db" for a file, or "postgresql://user:password@host/database" (in the '
                "user and the password, write other characters than letters and digits as %40 for @)"
            )
        return value

    @field_validator("http")
    @classmethod
    def _http(cls, value: str) -> str:
        if value and not (
            re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}", value) and int(value.rpartition(":")[2]) < 65536
        ):
            raise ValueError('write "host:port", as in "127.0.0.1:8080", or "" to turn it off')
        return value


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration that can be used."""

    path: Path
    bridge: BridgeSettings
    instances: Mapping[str, InstanceSettings]
    channels: Mapping[str, Section]
    channel_types: Mapping[str, str]
    """Section name -> `type`."""
    rules: tuple[Rule, ...]
    budgets: BudgetsSettings = field(default_factory=BudgetsSettings)

    def warnings(self) -> list[str]:
        """What can be used but is probably not meant, one sentence each."""
        said: list[str] = []
        if not self.rules:
            said.append("there is no [[rules]]: nobody will be answered")
        ruled = {rule.channel for rule in self.rules}
        said += [
            f"no rule names [channels.{name}]: nobody is answered there" for name in self.channels if name not in ruled
        ]
        for number, rule in enumerate(self.rules, start=1):
            if rule.dm_policy != "open" and "dm" not in rule.rooms:
                said.append(f'rules[{number}].dm_policy: does nothing as long as "dm" is not among its rooms')
            elif rule.dm_policy == "allowlist" and not rule.groups and set(rule.users) == {"*"}:
                said.append(f'rules[{number}].dm_policy: "allowlist" admits nobody: name ids in users or groups')
        if not self.channels:
            said.append("there is no [channels.…]: the bridge listens nowhere")
        said += [
            f"instances.{name}.{sentence}"
            for name, settings in self.instances.items()
            if isinstance(settings, CanAdvise)
            for sentence in settings.advice()
        ]
        return said


def locate(given: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file to read: the one given, else the one of THREADBRIDGE_CONFIG, else ./config.toml."""
    return given or Path(environ.get(PATH_VARIABLE) or DEFAULT_PATH)


def load(
    path: Path,
    *,
    channel_types: Mapping[str, Any],
    instance_types: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """Reads the file and the `.env` beside it (a variable that is set wins over `.env`).

    Relative paths in the file are relative to the file. Raises ConfigError with every problem.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(
            [f"{path} is not there: write one with `threadbridge init`, or name it with --config"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path} cannot be read ({error})"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path} is no valid TOML: {error}"]) from error
    return parse(path, data, channel_types=channel_types, instance_types=instance_types, environ=environ)


def parse(
    path: Path,
    data: dict[str, Any],
    *,
    channel_types: Mapping[str, Any],
    instance_types: Mapping[str, Any],
    environ: Mapping[str, str],
) -> Config:
    """The same for what stands in the file already read."""
    beside = path.absolute().parent
    try:
        values = dotenv_values(beside / ".env", interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{beside / '.env'} cannot be read ({error}): write it as plain UTF-8"]) from error
    dotenv = {key: value for key, value in values.items() if value is not None}
    return _Reader(beside, {**dotenv, **environ}, channel_types, instance_types).read(path, data)


_Model = TypeVar("_Model", bound=Section)


class _Reader:
    """One pass over the file's tables that gathers every problem."""

    def __init__(
        self,
        beside: Path,
        environ: Mapping[str, str],
        channel_types: Mapping[str, Any],
        instance_types: Mapping[str, Any],
    ) -> None:
        self._context: dict[str, Resolve] = {"resolve": _resolver(beside, environ)}
        self._channel_types = channel_types
        self._instance_types = instance_types
        self._problems: list[str] = []

    def read(self, path: Path, data: dict[str, Any]) -> Config:
        for key in data.keys() - set(TABLES):
            near = difflib.get_close_matches(key, TABLES, 1)
            self._problems.append(f"{key}: there is no such table{_did_you_mean(near)}")
        bridge = self._model(BridgeSettings, data.get("bridge", {}), "bridge")
        instances = self._sections(data, "instances", self._instance_types)
        channels = self._sections(data, "channels", self._channel_types)
        rules = self._rules(data)
        budgets = self._model(BudgetsSettings, data.get("budgets", {}), "budgets")
        if self._problems or bridge is None or budgets is None:
            raise ConfigError(self._problems)
        return Config(
            path=path,
            bridge=bridge,
            instances={name: model for name, (_, model) in instances.items()},
            channels={name: model for name, (_, model) in channels.items()},
            channel_types={name: kind for name, (kind, _) in channels.items()},
            rules=tuple(rules),
            budgets=budgets,
        )

    def _sections(self, data: dict[str, Any], group: str, types: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
        tables = data.get(group, {})
        if not isinstance(tables, dict):
            self._problems.append(f"{group}: write tables, as in [{group}.main]")
            return {}
        found: dict[str, tuple[str, Any]] = {}
        for name, table in cast("dict[str, object]", tables).items():
            where = f"{group}.{name}"
            if not isinstance(table, dict):
                self._problems.append(f"{where}: write a table, as in [{where}]")
                continue
            if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
                self._problems.append(f"{where}: a name is made of letters, digits, - and _")
                continue
            kind = cast("dict[str, object]", table).get("type")
            if not isinstance(kind, str) or kind not in types:
                known = ", ".join(f'"{known}"' for known in sorted(types))
                said = "is missing" if kind is None else f'"{kind}" is no type that is installed'
                self._problems.append(f"{where}.type: {said}: write one of {known}")
                continue
            model = self._model(types[kind].Settings, table, where)
            if model is not None:
                found[name] = (kind, model)
        return found

    def _rules(self, data: dict[str, Any]) -> list[Rule]:
        tables = data.get("rules", [])
        if not isinstance(tables, list):
            self._problems.append("rules: write [[rules]] with two brackets, once for each rule")
            return []
        rules: list[Rule] = []
        for number, table in enumerate(cast("list[object]", tables), start=1):
            where = f"rules[{number}]"
            rule = self._model(Rule, table, where)
            if rule is None:
                continue
            rules.append(rule)
            self._named(where + ".channel", rule.channel, "channels", data)
            for instance in rule.instances():
                self._named(where + (".variants" if rule.variants else ".instance"), instance, "instances", data)
        return rules

    def _named(self, where: str, name: str, group: str, data: dict[str, Any]) -> None:
        names: Any = data.get(group, {})
        if name not in names:
            near = difflib.get_close_matches(name, [str(known) for known in names], 1)
            self._problems.append(f"{where}: there is no [{group}.{name}]{_did_you_mean(near)}")

    def _model(self, model: type[_Model], table: Any, where: str) -> _Model | None:
        try:
            return model.model_validate(table, context=self._context)
        except ValidationError as error:
            told = [detail for detail in error.errors() if detail["type"] != _FOLLOWS]
            self._problems += [_sentence(where, model, detail) for detail in told]
            return None


def _resolver(beside: Path, environ: Mapping[str, str]) -> Resolve:
    def from_environment(name: str) -> str:
        value = environ.get(name, "")
        if not value:
            raise ValueError(f"the variable {name} is not set: write {name}=… into {beside / '.env'} or export it")
        return value

    def from_file(name: str) -> str:
        try:
            value = (beside / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file {name} cannot be read ({type(error).__name__})") from error
        if not value:
            raise ValueError(f"the file {name} is empty: put the secret into it")
        return value

    sources: dict[str, Callable[[str], str]] = {"env": from_environment, "file": from_file}

    def resolve(reference: str) -> str:
        scheme, _, rest = reference.partition(":")
        return sources[scheme](rest)

    return resolve


def _did_you_mean(near: list[str]) -> str:
    return f' (did you mean "{near[0]}"?)' if near else ""


def _missing(_: ErrorDetails) -> str:
    return "is missing: write it"


def _own_words(detail: ErrorDetails) -> str:
    return detail["msg"].removeprefix("Value error, ")


_FOLLOWS = "default_factory_not_called"
"""What pydantic says of a default that depends on a key which is wrong: that key's problem says it all."""
_WORDS: dict[str, Callable[[ErrorDetails], str]] = {
    # pydantic's error type -> our words; https://docs.pydantic.dev/latest/errors/validation_errors/
    "missing": _missing,
    "value_error": _own_words,
    "literal_error": lambda detail: f"write one of {detail['ctx']['expected']}",  # pyright: ignore[reportTypedDictNotRequiredAccess]
    "greater_than_equal": lambda detail: f"write a number of at least {detail['ctx']['ge']}",  # pyright: ignore[reportTypedDictNotRequiredAccess]
    "string_type": lambda _: 'write a text in quotes, as in "…"',
    "bool_type": lambda _: "write true or false",
    "bool_parsing": lambda _: "write true or false",
    "int_type": lambda _: "write a whole number",
    "int_parsing": lambda _: "write a whole number",
    "int_from_float": lambda _: "write a whole number",
    "float_type": lambda _: "write a number",
    "float_parsing": lambda _: "write a number",
    "tuple_type": lambda _: 'write a list, as in ["*"]',
    "dict_type": lambda _: "write a table, as in { a = 1 }",
    "model_type": lambda _: "write a table",
}


def _sentence(where: str, model: type[Section], detail: ErrorDetails) -> str:
    """One problem in words. Never shows the value: it might be a secret in the wrong place."""
    key = ".".join([where, *map(str, detail["loc"])])
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(detail["loc"][-1]), model.model_fields, 1)
        return f"{key}: there is no such key{_did_you_mean(near)}"
    words = _WORDS.get(detail["type"])
    return f"{key}: {words(detail) if words else detail['msg']}"


def store_url(config: Config) -> str:
    """The database URL, a relative SQLite path made relative to the configuration's folder."""
    url = config.bridge.store.get_secret_value()
    if not url.startswith("sqlite:"):
        return url
    path = url.removeprefix("sqlite:///")
    return "sqlite:///" + str(config.path.absolute().parent / path)
