"""The network between a process and its database: whole, cut, frozen, slow, and PostgreSQL through it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import psycopg
import pytest

from tests.ports import free_port
from tests.postgresql import PostgreSQL
from tests.proxy import Proxy

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server that says what it hears."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(100):
            writer.write(chunk)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def proxy(echo: int) -> AsyncIterator[Proxy]:
    async with Proxy(echo) as running:
        yield running


async def connect(proxy: Proxy) -> Streams:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def says(streams: Streams, text: bytes) -> bytes:
    streams[1].write(text)
    return await asyncio.wait_for(streams[0].readexactly(len(text)), 5)


async def silent(streams: Streams) -> bool:
    """Nothing comes within a tenth of a second."""
    try:
        await asyncio.wait_for(streams[0].read(1), 0.1)
    except TimeoutError:
        return True
    return False


async def ended(streams: Streams) -> None:
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(streams[0].read(), 5) == b""
    streams[1].close()


async def test_what_is_whole_passes_both_ways_and_ends_with_either_end(proxy: Proxy) -> None:
    first, second = await connect(proxy), await connect(proxy)
    assert (await says(first, b"one"), await says(second, b"two")) == (b"one", b"two")
    assert (proxy.connections, proxy.accepted) == (2, 2)
    first[1].write_eof()
    await ended(first)
    assert await says(second, b"still") == b"still"
    second[1].close()


async def test_what_is_cut_is_reset_and_refused_until_it_is_mended(proxy: Proxy) -> None:
    before = await connect(proxy)
    await says(before, b"one")
    proxy.cut()
    await ended(before)
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy)
    await proxy.mend()
    after = await connect(proxy)
    assert await says(after, b"two") == b"two"
    after[1].close()


async def test_what_is_frozen_stays_connected_and_comes_once_it_is_mended(proxy: Proxy) -> None:
    before = await connect(proxy)
    await says(before, b"one")
    proxy.freeze()
    after = await connect(proxy)
    for streams in (before, after):
        streams[1].write(b"two")
        assert await silent(streams)
    await proxy.mend()
    for streams in (before, after):
        assert await asyncio.wait_for(streams[0].readexactly(3), 5) == b"two"
        streams[1].close()


async def test_while_it_is_frozen_nobody_hears_of_an_end(proxy: Proxy) -> None:
    streams = await connect(proxy)
    await says(streams, b"one")
    proxy.freeze()
    streams[1].write_eof()
    assert await silent(streams)
    await proxy.mend()
    await ended(streams)


async def test_what_is_slow_comes_later(proxy: Proxy) -> None:
    streams = await connect(proxy)
    proxy.slow(0.1)
    began = time.monotonic()
    assert await says(streams, b"one") == b"one"
    assert time.monotonic() - began >= 0.2  # there and back
    await proxy.mend()
    streams[1].close()


async def test_where_nobody_listens_behind_it_a_connection_ends_at_once() -> None:
    async with Proxy(free_port()) as proxy:
        await ended(await connect(proxy))


async def test_a_frozen_one_can_be_closed(echo: int) -> None:
    async with Proxy(echo) as proxy:
        streams = await connect(proxy)
        proxy.freeze()
    await ended(streams)


async def test_postgresql_is_reached_through_it_and_not_when_it_is_cut(
    postgresql: PostgreSQL, database_url: str
) -> None:
    async with Proxy(postgresql.port) as proxy:
        url = database_url.replace(str(postgresql.port), str(proxy.port))
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        assert await (await connection.execute("SELECT 42")).fetchone() == (42,)
        proxy.cut()
        with pytest.raises(psycopg.OperationalError):
            await connection.execute("SELECT 42")
        with pytest.raises(psycopg.OperationalError, match="refused"):
            await psycopg.AsyncConnection.connect(url)
        await proxy.mend()
        async with await psycopg.AsyncConnection.connect(url) as again:
            assert await (await again.execute("SELECT 43")).fetchone() == (43,)
