"""Connections: one for each request, whatever the other side does with it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable

import pytest

from bridge.errors import TurnInterrupted
from bridge.instance import Progress
from bridge.instances.chowder import ChowderInstance
from bridge.testing.instance_contract import ask, texts, turn

Make = Callable[..., ChowderInstance]
SAID = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hello."}]}],
}
HEAD = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
STREAM = HEAD + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(kind: str, **fields: object) -> bytes:
    event = f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
    return f"{len(event):x}\r\n".encode() + event + b"\r\n"


COMPLETED = STREAM + chunk("response.completed", response=SAID) + b"e\r\ndata: [DONE]\n\n\r\n"
WHOLE = HEAD + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class DeafServer:
    """Answers the first request of each connection, keeps it open, and hears nothing more on it."""

    def __init__(self) -> None:
        self.answer = b""
        self.connections = 0
        self.base_url = ""
        self.hung_up = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            while await reader.read(65536):
                pass
        self.hung_up.set()
        writer.close()


@pytest.fixture
async def deaf() -> AsyncIterator[DeafServer]:
    deaf = DeafServer()
    server = await asyncio.start_server(deaf.serve, "127.0.0.1", 0)
    deaf.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield deaf
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    "answer",
    [
        COMPLETED + b"0\r\n\r\n",
        COMPLETED + b"0\r\n",
        COMPLETED,
        WHOLE % (len(json.dumps(SAID)), json.dumps(SAID).encode()),
    ],
    ids=["ended", "half an end", "no end", "no stream"],
)
async def test_no_request_goes_into_a_connection_that_was_used(deaf: DeafServer, chowder: Make, answer: bytes) -> None:
    deaf.answer = answer
    instance = chowder(deaf.base_url)
    for _ in range(3):
        assert texts(await ask(instance, turn("x"))) == "Hello."
    assert deaf.connections == 3


async def test_a_stream_that_stalls_is_silent_and_what_came_of_it_was_shown(deaf: DeafServer, chowder: Make) -> None:
    deaf.answer = STREAM + chunk("response.output_text.delta", delta="Hel")
    steps = chowder(deaf.base_url, timeout=0.05).run(turn("x"))
    assert await anext(steps) == Progress("Hel")
    with pytest.raises(TurnInterrupted, match=r"main sent nothing for 0\.05 seconds") as caught:
        await anext(steps)
    assert caught.value.why == "silent"


async def test_closing_the_instance_hangs_up(deaf: DeafServer, chowder: Make) -> None:
    deaf.answer = STREAM + chunk("response.output_text.delta", delta="Hel")
    instance = chowder(deaf.base_url)
    steps = instance.run(turn("x"))
    assert await anext(steps) == Progress("Hel")
    await instance.close()
    await asyncio.wait_for(deaf.hung_up.wait(), 5)
    await steps.aclose()
