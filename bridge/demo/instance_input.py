"""What OpenClaw takes as `input`: a text, or messages of text, images and files in its own form. Pure.

As https://docs.openclaw.ai/gateway/openresponses-http-api says and OpenClaw 2026.9.6 was seen to answer on 2026-11-22.
"""

import base64
import binascii
from dataclasses import dataclass

from bridge.foreign import dig, items_at, text_at

IMAGE_TYPES = {f"image/{kind}" for kind in ("jpeg", "png", "gif", "webp", "heic", "heif")}
FILE_TYPES = {"text/plain", "text/markdown", "text/html", "text/csv", "application/json", "application/pdf"}
MAX_IMAGE = 10 * 2**20
MAX_FILE = 5 * 2**20


class Refused(ValueError):
    """The gateway answers 400 with this text."""


@dataclass(frozen=True, slots=True)
class Received:
    """An image or a file."""

    kind: str
    """`image` or `file`."""
    media_type: str
    size: int
    name: str | None
    """Images have none."""

    def __str__(self) -> str:
        return f"{self.kind}{f' {self.name}' if self.name else ''} ({self.media_type}, {self.size} bytes)"


def read(given: object) -> tuple[str, list[Received]]:
    """The text of the newest message and what came with it. Raises Refused."""
    if isinstance(given, str):
        return given, []
    texts: list[str] = []
    received: list[Received] = []
    for item in items_at({"given": given}, "given")[-1:]:
        if (dig(item, "type"), dig(item, "role")) != ("message", "user"):
            raise Refused("input: Invalid input")
        content = dig(item, "content")
        texts += [content] if isinstance(content, str) else []
        for part in items_at(item, "content"):
            if dig(part, "type") == "input_text":
                texts.append(text_at(part, "text") or "")
            else:
                received.append(_received(part))
    return "\n".join(texts), received


def _received(part: object) -> Received:
    kind = {"input_image": "image", "input_file": "file"}.get(str(dig(part, "type")))
    data, media_type = text_at(part, "source", "data"), text_at(part, "source", "media_type")
    if kind is None or dig(part, "source", "type") != "base64" or data is None or media_type is None:
        raise Refused("input: Invalid input")
    if kind == "image" and media_type not in IMAGE_TYPES:
        raise Refused("input: Invalid input")
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise Refused("invalid request") from None
    taken, most = (IMAGE_TYPES, MAX_IMAGE) if kind == "image" else (FILE_TYPES, MAX_FILE)
    if media_type.partition(";")[0] not in taken or len(content) > most or _is_something_else(media_type, content):
        raise Refused("invalid request")
    return Received(kind, media_type, len(content), text_at(part, "source", "filename"))


def _is_something_else(media_type: str, content: bytes) -> bool:
    """It looks into files; of what it finds there this much is known."""
    is_pdf, is_png = content.startswith(b"%PDF-") and b"%%EOF" in content, content.startswith(b"\x89PNG")
    return not is_pdf if media_type == "application/pdf" else is_png and not media_type.startswith("image/")
