"""Files, those that people attach and those that are posted: how these are called and stand in a payload. Pure.

A payload is `{"file": {"name", "media_type", "text" or "base64"}}`; every channel that can send files understands it.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.foreign import dig

Payload = dict[str, Any]

KEY = "file"
"""Under which everything about the file stands in a payload."""
MAX_BYTES = 10 * 1024 * 1024
"""Of one file. It stands in the store, and in memory when it is posted."""
MAX_NAME = 100
"""Characters of a file's name."""
_MAX_SUFFIX = 16
_FORBIDDEN = re.compile(r'[<>:"|?*`]')
SUFFIXES: Mapping[str, str] = {
    # media type -> how a file's name ends; https://www.iana.org/assignments/media-types
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/webp": ".webp",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "video/mp4": ".mp4",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file, whole."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


def safe_name(name: str, media_type: str = "") -> str:
    """A name without folders, control characters and what some systems forbid; never empty, at most `MAX_NAME` long.

    It ends as its media type does if it has no ending.
    """
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(one if one.isprintable() else " " for one in last)
    bare = " ".join(_FORBIDDEN.sub("_", shown).split()).strip(". ") or "file"
    stem, dot, suffix = bare.rpartition(".")
    if not stem or len(suffix) > _MAX_SUFFIX:
        stem, dot, suffix = bare, "", SUFFIXES.get(media_type, "")
    ending = dot + suffix
    return stem[: MAX_NAME - len(ending)].rstrip(". ") + ending


def payload(file: File) -> Payload:
    """What is stored and posted of a file, its name made safe."""
    fields: dict[str, Any] = {"name": safe_name(file.name, file.media_type), "media_type": file.media_type}
    try:
        fields["text"] = file.content.decode()
    except UnicodeDecodeError:
        fields["base64"] = base64.b64encode(file.content).decode()
    return {KEY: fields}


def read(payload: Mapping[str, Any]) -> File | None:
    """The file that a payload is; None if it is none."""
    name, media_type = dig(payload, KEY, "name"), dig(payload, KEY, "media_type")
    text, coded = dig(payload, KEY, "text"), dig(payload, KEY, "base64")
    if not isinstance(name, str) or not isinstance(media_type, str):
        return None
    return File(name, media_type, text.encode() if isinstance(text, str) else base64.b64decode(coded))
