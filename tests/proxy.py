"""A TCP proxy on loopback whose network can be cut, frozen or slow: between one process and its database."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Self

from tests.ports import free_port

_CHUNK = 65536  # bytes


class Proxy:
    """Passes everything to a port of loopback, both ways; its own port stays the same whatever happens."""

    def __init__(self, to: int) -> None:
        self.port = free_port()
        self.accepted = 0
        """Connections so far, whatever came of them."""
        self._to = to
        self._delay = 0.0
        self._server: asyncio.Server | None = None
        self._passing = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._tasks)

    def cut(self) -> None:
        """Resets every connection and refuses new ones, as if the server were gone."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    def freeze(self) -> None:
        """A partition: connections stay and new ones are accepted, but nothing passes, not even their end."""
        self._passing.clear()

    def slow(self, seconds: float) -> None:
        """From now on whatever passes comes that much later."""
        self._delay = seconds

    async def mend(self) -> None:
        """Everything passes again, what was held back first. Connections that were reset stay so."""
        self._delay = 0.0
        self._passing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.create_task(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._closing(writer):
            await self._passing.wait()
            try:
                there, back = await asyncio.open_connection("127.0.0.1", self._to)
            except OSError:
                writer.transport.abort()
                return
            with self._closing(back):
                ways = [asyncio.create_task(way) for way in (self._pass(reader, back), self._pass(there, writer))]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction, until it ends."""
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK):
                await asyncio.sleep(self._delay)
                await self._passing.wait()
                writer.write(chunk)
                await writer.drain()
        await self._passing.wait()

    @contextlib.contextmanager
    def _closing(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.close()
