"""The keys of `[instances.…]` that every instance over HTTP takes, and what makes a good address, key and request."""

from typing import Annotated

import httpx
from pydantic import AfterValidator, Field, JsonValue, SecretStr

from bridge.instance import InstanceSettings
from bridge.route import Extra
from bridge.settings import Secret


def _web_address(value: str) -> str:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise ValueError('must be an address like "https://agent.example/v1", without user, "?" or "#"')
    return value.rstrip("/")


def _header_value(key: SecretStr) -> SecretStr:
    value = key.get_secret_value().strip()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("the secret it refers to is no API key: it has to be one word of ASCII characters")
    return SecretStr(value)


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
    extra: Extra = Field(default_factory=dict[str, JsonValue])
    """Further fields of the request, sent as they are. The fields that the bridge sets itself are refused here."""
