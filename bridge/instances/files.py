"""A message with files as the input of an Open Responses request, in the form that a gateway takes. Pure."""

import base64

from pydantic import JsonValue

from bridge.files import File
from bridge.instance import Takes, Turn

_IMAGE = 10 * 2**20
_FILE = 5 * 2**20
_IMAGES = ("jpeg", "png", "gif", "webp", "heic", "heif")
_DOCUMENTS = (
    "text/plain", "text/markdown", "text/html", "text/csv", "application/json", "application/pdf",
)  # fmt: skip

OPENCLAW = Takes(
    types={f"image/{kind}": _IMAGE for kind in _IMAGES} | dict.fromkeys(_DOCUMENTS, _FILE) | {"text/*": _FILE},
    together=12 * 2**20,
    called="images (JPEG, PNG, GIF, WebP, HEIC), PDF, JSON and text",
)
"""What OpenClaw takes unless its owner changed that: 10 MB an image, 5 MB a document, 20 MB a request, of which base64
takes a third. https://docs.openclaw.ai/gateway/openresponses-http-api (read 2026-11-22), and seen with 2026.9.6:
10,485,760 bytes of an image and 5,242,880 of a text are taken, one more is a 400. Other types of text are a 400, too:
they go as text/plain."""


OPENAI = Takes(
    types={f"image/{kind}": _IMAGE for kind in ("jpeg", "png", "gif", "webp")}
    | {"application/pdf": _IMAGE, "application/json": _FILE, "text/*": _FILE},
    together=24 * 2**20,
    called="images (JPEG, PNG, GIF, WebP), PDF, JSON and text",
)
"""What OpenAI's Responses API takes of what it makes sense to send, far below its 20 MB an image and 50 MB a request:
https://developers.openai.com/api/docs/guides/file-inputs and
https://developers.openai.com/api/docs/guides/images-vision (read 2026-11-22). Other servers
may take less, and say so."""


def openclaw(turn: Turn) -> JsonValue:
    """The prompt alone, or one message of it and the files.

    https://docs.openclaw.ai/gateway/openresponses-http-api#images-input_image: the `source` form. OpenAI's form
    (`image_url`, `file_data`) is a 400 there (seen with 2026.9.6).
    """
    return _message(turn, [_part(file) for file in turn.files])


def openai(turn: Turn) -> JsonValue:
    """The same in the form of the specification: `data:` addresses, which OpenClaw does not take."""
    return _message(turn, [_addressed(file) for file in turn.files])


def _message(turn: Turn, parts: list[JsonValue]) -> JsonValue:
    if not parts:
        return turn.prompt
    return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": turn.prompt}, *parts]}]


def _addressed(file: File) -> JsonValue:
    """https://developers.openai.com/api/docs/guides/file-inputs: base64 with its media type, and the file's name."""
    address = f"data:{file.media_type};base64,{base64.b64encode(file.content).decode()}"
    if file.media_type.startswith("image/"):
        return {"type": "input_image", "image_url": address}
    return {"type": "input_file", "filename": file.name, "file_data": address}


def _part(file: File) -> JsonValue:
    data = base64.b64encode(file.content).decode()
    if file.media_type.startswith("image/"):
        return {"type": "input_image", "source": _source(file.media_type, data)}
    kind = "text/plain" if file.media_type not in _DOCUMENTS else file.media_type
    return {"type": "input_file", "source": {**_source(kind, data), "filename": file.name}}


def _source(media_type: str, data: str) -> dict[str, JsonValue]:
    return {"type": "base64", "media_type": media_type, "data": data}
