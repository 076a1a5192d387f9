"""A model on loopback, as OpenClaw's `openai-completions` wants it, which answers as the demo's agent does.

https://platform.openai.com/docs/api-reference/chat/create. What OpenClaw 2026.9.6 puts around a person's words was seen
on 2026-11-22: the time before them, `Runtime: …` behind them, and messages of its own between them.
"""

import asyncio
import base64
import json
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from bridge.demo.instance_agent import agent, chunks
from bridge.demo.instance_input import Received
from bridge.foreign import dig, items_at, text_at

KEY = "model-key"
SILENT = "NO_REPLY"
"""What a model writes that has nothing to say: https://docs.openclaw.ai/concepts/messages."""
_TIME = re.compile(r"\A\[\w{3} \d{4}-\d\d-\d\d \d\d:\d\d [^\]]*\] ")
_ADDED = re.compile(r"\n+(?:Runtime: agent=|Continue the current task from ).*\Z", re.DOTALL)
_SPEAKER = re.compile(r"(?!\[System\])\[[^\]\n]+\] ")
"""What the bridge sends begins so, and nothing that OpenClaw says in the name of a person."""


@dataclass(slots=True)
class Asked:
    """One request of the gateway."""

    said: Sequence[str]
    """What people wrote in this session, as the bridge sent it, the newest last."""
    images: Sequence[Received]
    """Those of the newest message."""
    everything: str
    """All texts of the request, OpenClaw's own included."""

    @property
    def input(self) -> str:
        return self.said[-1] if self.said else ""


@dataclass(slots=True)
class Model:
    """Answers the newest message by the demo agent's directives, and for `[[silent]]` as one that has nothing to say."""

    requests: list[Asked] = field(default_factory=list[Asked])
    running: int = 0
    most: int = 0
    """How many requests it was answering at once, at most."""
    url: str = ""
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def hold(self) -> None:
        """Keeps every answer back until `release`."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def forget(self) -> None:
        """Begins anew."""
        self.requests.clear()
        self.most = 0
        self.release()

    async def until(self, true: Callable[[Self], bool]) -> None:
        """Returns once that is true, looked at whenever a request comes or is answered."""
        async with self._changed:
            await self._changed.wait_for(lambda: true(self))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        asked = read(body)
        async with self._counted(asked):
            await self._open.wait()
            script = agent(asked.input, asked.said[:-1], asked.images)
            await asyncio.sleep(script.pauses[0])
            if script.code != 200:
                error = {"message": f"the model says {script.code}", "type": "model_error", "code": str(script.code)}
                return web.json_response({"error": error}, status=script.code)
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            named = set(re.findall(r"\[\[(\w+)", asked.input))
            finish = "length" if script.status == "incomplete" else "stop"
            words = [] if "empty" in named else [(0, SILENT)] if "silent" in named else chunks(script, 200, 0)
            for pause, text in words:
                await asyncio.sleep(pause)
                await response.write(_event({"role": "assistant", "content": text}))
            await response.write(_event({}, finish) + _USAGE + b"data: [DONE]\n\n")
        return response

    @asynccontextmanager
    async def _counted(self, asked: Asked) -> AsyncGenerator[None]:
        await self._count(asked, 1)
        try:
            yield
        finally:
            await self._count(None, -1)

    async def _count(self, asked: Asked | None, change: int) -> None:
        async with self._changed:
            self.requests += [asked] if asked else []
            self.running += change
            self.most = max(self.most, self.running)
            self._changed.notify_all()


def read(body: Any) -> Asked:
    """What a request says, without what OpenClaw wrote around it."""
    messages = items_at(body, "messages")
    people = [one for one in messages if dig(one, "role") == "user" and _said(one)]
    said = [words for one in people for words in _said(one)]
    return Asked(said, _images(people[-1]) if people else [], "\n".join(map(_text, messages)))


def _said(message: object) -> list[str]:
    """What people said in it: several when OpenClaw puts one that was cut off and the next into one message."""
    text = _ADDED.sub("", _TIME.sub("", _text(message)))
    return [part.strip() for part in re.split(r"^(?=\[[^\]\n]+\] )", text, flags=re.MULTILINE) if _SPEAKER.match(part)]


def _text(message: object) -> str:
    content = dig(message, "content")
    return (
        content
        if isinstance(content, str)
        else "\n".join(text_at(one, "text") or "" for one in items_at(message, "content"))
    )


def _images(message: object) -> list[Received]:
    addresses = [text_at(one, "image_url", "url") or "" for one in items_at(message, "content")]
    found = [re.match(r"data:([\w/+.-]+);base64,", one) for one in addresses]
    return [
        Received("image", head[1], len(base64.b64decode(address[head.end() :])), None)
        for head, address in zip(found, addresses, strict=True) if head
    ]  # fmt: skip


_USAGE = b'data: {"object": "chat.completion.chunk", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}\n\n'


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "parrot",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }  # fmt: skip
    return f"data: {json.dumps(chunk)}\n\n".encode()


@asynccontextmanager
async def model() -> AsyncGenerator[Model]:
    """A model that listens."""
    served = Model()
    served.release()
    application = web.Application(client_max_size=64 * 2**20)
    application.router.add_post("/v1/chat/completions", served.answer)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield served
    finally:
        served.release()
        await runner.cleanup()
