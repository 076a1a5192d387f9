"""What the demo's Chowder writes: a response object and its events, as OpenClaw 2026.9.6 was seen to do."""

import json
import time
import uuid
from typing import Any

from bridge.demo.instance_agent import IMAGE, Script

_PLACE: dict[str, Any] = {"output_index": 0, "content_index": 0}


def begun(model: object) -> dict[str, Any]:
    """A response object as it is when its run begins."""
    return {
        "id": f"resp_{uuid.uuid4()}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "model": model,
        "output": [],
        "usage": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
    }


def ended(response_id: str, script: Script) -> dict[str, Any]:
    """What the run changes of its response object."""
    if script.status == "failed":
        error = {"code": "api_error", "message": "internal error"}
        if script.code != 500:
            error["message"] = f"{script.code} from the model provider"
        return {"status": "failed", "error": error}
    item = {
        "type": "message",
        "id": response_id.replace("resp_", "msg_"),
        "role": "assistant",
        "content": [_part(script)],
        "phase": "final_answer",
        "status": script.status,
    }
    image = {"type": "image_generation_call", "id": f"ig_{response_id}", "status": "completed", "result": IMAGE}
    words = len(script.text.split())
    ended = {
        "status": script.status,
        "output": [item, image] if script.image else [item],
        "usage": {"input_tokens": 22, "output_tokens": words, "total_tokens": 22 + words},
    }
    return ended | ({"incomplete_details": {"reason": "max_output_tokens"}} if script.status == "incomplete" else {})


def _part(script: Script) -> dict[str, str]:
    if script.refused:
        return {"type": "refusal", "refusal": script.text}
    return {"type": "output_text", "text": script.text}


def delta(text: str) -> bytes:
    """The event by which the text grows."""
    return event("response.output_text.delta", **_PLACE, delta=text)


def uses(tool: str) -> bytes:
    """The event by which a tool is used."""
    call = {"type": "function_call", "name": tool, "arguments": "{}", "status": "in_progress"}
    return event("response.output_item.added", output_index=1, item=call)


def event(kind: str, **fields: object) -> bytes:
    """One event of the stream."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def opening(response: dict[str, Any], body: dict[str, Any]) -> bytes:
    """The events that OpenClaw sends at once, while the run may still be queued."""
    item: dict[str, Any] = {
        "type": "message",
        "id": body["id"].replace("resp_", "msg_"),
        "role": "assistant",
        "content": (),
    }
    return b"".join(
        (
            event("response.created", response=response),
            event("response.in_progress", response=response),
            event("response.output_item.added", output_index=0, item={**item, "status": "in_progress"}),
            event("response.content_part.added", **_PLACE, part={"type": "output_text", "text": ""}),
        )
    )


def closing(body: dict[str, Any]) -> bytes:
    """The events that end a stream."""
    events: list[bytes] = []
    for number, item in enumerate(body["output"]):
        if item["type"] == "message":
            part = item["content"][0]
            events += [
                event(f"response.{part['type']}.done", **_PLACE, **{key: part[key] for key in part.keys() - {"type"}}),
                event("response.content_part.done", **_PLACE, part=part),
            ]
        events.append(event("response.output_item.done", output_index=number, item=item))
    return b"".join((*events, event(f"response.{body['status']}", response=body), b"data: [DONE]\n\n"))
