"""An agent that answers every message with the bytes it is told to, right or wrong."""

import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class StandIn:
    """Answers `(status, body, content type)`, each used up by one message; the last one stays."""

    def __init__(self) -> None:
        self.base_url = ""
        self.answers: deque[tuple[int, bytes, str]] = deque()
        self.received = 0
        self.looked_at: list[str] = []
        """Paths that were read."""

    def says(self, text: str) -> None:
        """The next message is answered by that text."""
        part = {"type": "output_text", "text": text}
        item = {"type": "message", "role": "assistant", "status": "completed", "content": [part]}
        body = {"id": f"resp_{len(self.answers)}", "object": "response", "status": "completed", "output": [item]}
        self.sends(200, json.dumps(body).encode(), "application/json")

    def sends(self, status: int, body: bytes = b"", content_type: str = "text/plain") -> None:
        """The next message is answered by that."""
        self.answers.append((status, body, content_type))

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        if request.method == "GET":
            self.looked_at.append(request.path)
            return web.json_response({"id": "stand-in", "status": "running"})
        self.received += 1
        status, body, content_type = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, body=body, content_type=content_type)


@asynccontextmanager
async def stand_in() -> AsyncIterator[StandIn]:
    agent = StandIn()
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", agent.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    agent.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield agent
    finally:
        await runner.cleanup()
