"""What a section of `config.toml` is built from: strict frozen models, and secrets that stand elsewhere."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationInfo

Resolve = Callable[[str], str]
"""`env:NAME` or `file:PATH` -> the secret. Raises ValueError with one sentence that names the reference."""


class Section(BaseModel):
    """A table of the configuration: unknown keys are refused, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _secret(value: object, info: ValidationInfo) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not value.startswith(("env:", "file:")):
        raise ValueError('a secret does not stand here: write "env:NAME" and put NAME=… into .env, or "file:PATH"')
    context: dict[str, Resolve] = info.context or {}
    resolve = context.get("resolve")
    if resolve is None:
        raise ValueError("there is no environment to read this secret from")
    secret = resolve(value).strip()
    if not secret or not secret.isprintable():
        raise ValueError("the secret that it refers to is empty or has a character in it that no secret has")
    return SecretStr(secret)


Secret = Annotated[SecretStr, BeforeValidator(_secret)]
"""A value written as `env:NAME` or `file:PATH`; a literal one is refused."""


def asked(question: str, *, when: tuple[str, str] | None = None, optional: bool = False) -> dict[str, Any]:
    """Marks a field as one that `threadbridge init` asks for; `when` = only if that key has that value.
    `optional`: an empty answer leaves the key out.

    Goes into `Field(json_schema_extra=…)`.
    """
    return {"ask": question, "when": when, "optional": optional}
