import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from bridge.errors import LeaseLost
from bridge.guard import before_each_call, guarded


async def lost() -> None:
    raise LeaseLost("somebody else works on it by now")


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, asyncio.Queue[bytes]]]:
    """A server that answers to "ours", and what it was told on each connection that ended."""
    ended: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = b""
        while part := await reader.read(65536):
            said += part
            if said.endswith(b"ours"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        ended.put_nowait(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", ended


@pytest.mark.parametrize("is_used_before", [False, True])
async def test_where_it_is_lost_nothing_is_written_and_the_connection_is_closed(is_used_before: bool) -> None:
    async with listening() as (url, ended), aiohttp.ClientSession(trace_configs=[before_each_call()]) as session:
        if is_used_before:
            async with session.post(url, data=b"ours") as answered:
                assert answered.status == 200
        with guarded(lost), pytest.raises(LeaseLost):
            await session.post(url, data=b"lost")
        said = await asyncio.wait_for(ended.get(), 5)
        assert said.endswith(b"ours") if is_used_before else said == b""


@pytest.mark.parametrize("is_used_before", [False, True])
async def test_where_it_is_lost_between_the_headers_and_the_body_nothing_is_written(is_used_before: bool) -> None:
    looks: list[bool] = []

    async def lost_at_the_second_look() -> None:
        looks.append(True)
        if len(looks) > 1:
            raise LeaseLost("somebody else works on it by now")

    async with listening() as (url, ended), aiohttp.ClientSession(trace_configs=[before_each_call()]) as session:
        if is_used_before:
            async with session.post(url, data=b"ours") as answered:
                assert answered.status == 200
        with guarded(lost_at_the_second_look), pytest.raises(aiohttp.ClientConnectionError):
            await session.post(url, data=b"lost")
        said = await asyncio.wait_for(ended.get(), 5)
        assert said.endswith(b"ours") if is_used_before else said == b""
