"""A file from an address that others wrote: asked for at the hosts that were named and no other, and never too long."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from bridge.errors import NotSent, RateLimited

TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5, sock_read=15)  # seconds, for each file
CHUNK = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where a platform keeps files. Nothing but https is spoken, except with the origin that was configured."""

    origin: str
    """An address there: its scheme, host and port are asked as they are."""
    names: frozenset[str] = frozenset()
    domains: tuple[str, ...] = ()
    """Each of them with all hosts below it."""

    def address(self, text: str) -> URL | None:
        """What is asked for, as it was checked; None if it is none of these hosts'. Pure."""
        try:
            address = URL(text)
            return address if self._have(address) else None
        except (ValueError, TypeError):
            return None

    def _have(self, address: URL) -> bool:
        if address.user is not None or address.password is not None:
            return False
        if address.origin() == URL(self.origin).origin():
            return True
        host = address.raw_host or ""
        ours = host in self.names or any(f".{host}".endswith(f".{domain}") for domain in self.domains)
        return ours and (address.scheme, address.port) == ("https", 443)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host said."""

    status: int
    media_type: str = ""
    content: bytes | None = b""
    """Empty unless the status is 200; None if it is longer than was asked for."""


async def get(address: URL, most: int, *, headers: Mapping[str, str] | None = None) -> Answer:
    """Asks once, without cookies, and follows to no other address. At most `most` bytes are kept.

    Raises RateLimited, or NotSent where the host cannot be reached, fails or does not end what it began.
    """
    asked = {"Accept-Encoding": "identity", **(headers or {})}
    host = address.host
    try:
        async with (
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, timeout=TIMEOUT
            ) as session,
            session.get(address, headers=asked, allow_redirects=False) as response,
        ):
            status = response.status
            if status == 429:
                raise RateLimited(f"{host} asks to wait before the next file", retry_after=_retry_after(response))
            if status == 408 or status >= 500:
                raise NotSent(f"{host} answered {status} where a file was asked for")
            if status != 200:
                return Answer(status)
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise NotSent(f"{host} sent a file in an encoding that was not asked for")
            return Answer(status, response.content_type.lower(), await _content(response, most))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise NotSent(f"a file could not be read from {host} ({type(error).__name__})") from error


async def _content(response: aiohttp.ClientResponse, most: int) -> bytes | None:
    """Counted as it comes: what the host says of the length is believed only if that is too much."""
    if (response.content_length or 0) > most:
        return None
    kept = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        kept += chunk
        if len(kept) > most:
            return None
    return bytes(kept)


def _retry_after(response: aiohttp.ClientResponse) -> float:
    try:
        seconds = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return 1.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 1.0
