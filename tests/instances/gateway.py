"""Servers that are asked directly, with the demo's agent behind them: an OpenClaw gateway, and one as OpenAI has it."""

import uuid
from typing import Any

from aiohttp import web

from bridge.demo import instance_input
from bridge.demo.instance_server import SCOPED_KEY, DemoInstanceServer
from bridge.foreign import items_at, text_at

FIELDS = {
    "model", "input", "instructions", "tools", "tool_choice", "stream", "max_output_tokens", "temperature", "top_p",
    "user", "previous_response_id", "metadata", "store", "reasoning", "truncation",
}  # fmt: skip
"""What OpenClaw 2026.9.6 takes in a body; anything else is a 400 (seen 2026-11-21)."""


def invalid(message: str, status: int = 400, **more: object) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "invalid_request_error", **more}}, status=status)


class OpenClawServer(DemoInstanceServer):
    """`POST /v1/responses` with the session in a header; without one every request is its own (seen 2026-11-21)."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[dict[str, str]] = []

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/responses", self._asked)]

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {SCOPED_KEY}":
            return web.json_response({"error": {"message": "Unauthorized", "type": "unauthorized"}}, status=401)
        body: dict[str, Any] = await request.json()
        if not set(body) <= FIELDS or not str(body.get("model")).startswith(("openclaw", "agent:")):
            return invalid("Unrecognized key or invalid `model`.")
        try:
            said, files = instance_input.read(body["input"])
        except instance_input.Refused as refused:
            return invalid(str(refused))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        session = request.headers.get("x-openclaw-session-key") or f"one-off-{uuid.uuid4()}"
        return await self.turn(request, body, session, said, files)


class OpenAIServer(DemoInstanceServer):
    """`POST /v1/responses` as https://platform.openai.com/docs/api-reference/responses/create has it: a conversation is
    a chain of responses, and an unknown one is refused.
    """

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/responses", self._asked)]

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()
        before = body.get("previous_response_id")
        session = self.session_after(body) if before else f"chain-{uuid.uuid4()}"
        if session is None:
            message = f"Previous response with id '{before}' not found."
            return invalid(message, param="previous_response_id", code="previous_response_not_found")
        said, parts = body["input"], []
        if not isinstance(said, str):
            parts = [part for item in said for part in items_at(item, "content")]
            said = "".join(text_at(part, "text") or "" for part in parts)
        files = [_received(part) for part in parts if text_at(part, "type") != "input_text"]
        return await self.turn(request, {"model": "its own", **body}, session, said, files)


def _received(part: object) -> instance_input.Received:
    kind = "image" if text_at(part, "type") == "input_image" else "file"
    address = text_at(part, "image_url") or text_at(part, "file_data") or ""
    head, base64, data = address.partition(";base64,")
    assert head.startswith("data:")
    assert base64
    return instance_input.Received(kind, head.removeprefix("data:"), len(data), text_at(part, "filename"))
