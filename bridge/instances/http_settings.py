"""The keys of `[instances.…]` that every instance over HTTP takes, and what makes a good address, key and request."""

import json
from typing import Annotated

import httpx
from pydantic import AfterValidator, Field, JsonValue, SecretStr

from bridge.instance import InstanceSettings
from bridge.settings import Secret

OURS = ("input", "model", "stream", "previous_response_id")
"""The fields of a request that the bridge sets itself."""


def _web_address(value: str) -> str:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise ValueError('must be an address without user, "?" or "#", like "https://api.chowder.dev/v1"')
    return value.rstrip("/")


def _header_value(key: SecretStr) -> SecretStr:
    value = key.get_secret_value().strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("the secret it refers to is no API key: it has to be one word of ASCII characters")
    return SecretStr(value)


def passed_through(extra: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Fields that may stand beside the bridge's own. Raises ValueError."""
    taken = [key for key in OURS if key in extra]
    if taken:
        raise ValueError(f"{', '.join(taken)} cannot stand in extra: the bridge sets it")
    try:
        json.dumps(extra, allow_nan=False)
    except ValueError:
        raise ValueError("holds a number that JSON has not: write a finite one") from None
    return extra


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""Where a server is, without a slash at its end."""
ApiKey = Annotated[Secret, AfterValidator(_header_value)]
"""A secret that goes with a request."""


class HttpSettings(InstanceSettings):
    """What is the same for every server that speaks Open Responses."""

    stream: bool = True
    timeout: float = Field(default=180, gt=0, allow_inf_nan=False)
    """Seconds without a byte. OpenClaw says nothing for up to 141 seconds while a model provider fails (seen
    2026-11-21)."""
    extra: Annotated[dict[str, JsonValue], AfterValidator(passed_through)] = Field(default_factory=dict[str, JsonValue])
    """Further fields of the request, sent as they are. The fields that the bridge sets itself are refused here."""
