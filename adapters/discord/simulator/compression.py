"""Transport compression: one stream per connection, flushed after every payload.

https://docs.discord.com/developers/events/gateway#transport-compression.
"""

import zlib
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

Compressor = Callable[[str], bytes]

LEVEL = 1
"""Cheap: loopback has no need of small payloads."""


def compressor(name: str) -> Compressor | None:
    """What compresses the payloads of one connection; None for plain text.

    `name` is the connection's query parameter `compress`. Raises LookupError for one that is not supported; that
    includes zstd-stream where the package zstandard is missing.
    """
    if not name:
        return None
    if name == "zlib-stream":
        return _zlib()
    if name == "zstd-stream" and find_spec("zstandard"):
        return _zstd()
    raise LookupError(f"compress={name} is not simulated")


def _zlib() -> Compressor:
    stream = zlib.compressobj(LEVEL)
    return lambda text: stream.compress(text.encode()) + stream.flush(zlib.Z_SYNC_FLUSH)


def _zstd() -> Compressor:
    zstandard: Any = import_module("zstandard")
    stream: Any = zstandard.ZstdCompressor(level=LEVEL).compressobj()
    block: int = zstandard.COMPRESSOBJ_FLUSH_BLOCK

    def compress(text: str) -> bytes:
        compressed: bytes = stream.compress(text.encode()) + stream.flush(block)
        return compressed

    return compress
