"""The files that an answer brings along: parts of its output, and `data:` addresses in its text. Pure.

Sources: https://www.openresponses.org has no part for a file in what a model writes. OpenAI's Responses API has the
item `image_generation_call` (https://platform.openai.com/docs/api-reference/responses/object); its `output_format` is
sent and not documented (https://github.com/openai/openai-dotnet/issues/722). Other servers put the parts that the
specification has for input (`input_image`, `input_file`) or OpenClaw's `source` shape into their output, and images as
`data:` addresses (https://www.rfc-editor.org/rfc/rfc2397) into their text. Whatever holds its own content is read.
OpenClaw itself writes the paths of its files as text (`MEDIA:…`, https://github.com/openclaw/openclaw/issues/83584):
nobody else can read these, so they stay text.

A link stays a link: nothing is ever fetched from an address that an agent wrote.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from bridge.files import SUFFIXES, File
from bridge.foreign import items_at, text_at

_PARTS = frozenset({"output_image", "output_file", "input_image", "input_file", "image", "file"})
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}")
_BEGINNINGS: Mapping[bytes, str] = {
    # how a file begins -> its media type
    b"\x89PNG\r\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
    b"%PDF-": "application/pdf",
}
_CODE = r"(?m:^ {0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n)[\s\S]*?(?:(?m:^ {0,3}(?P=fence)[`~]*[ \t]*$)|\Z)|`[^`\n]*`"
_DATA_LINK = r"!?\[(?P<label>[^\[\]]{0,1000})\]\(\s*<?(?P<address>data:[^\s()<>]*)"
_LINKED = re.compile(rf"{_CODE}|{_DATA_LINK}>?(?:\s+\"[^\"\n]{{0,200}}\")?\s*(?P<end>\)|\Z)", re.IGNORECASE)
_SHORT = 200
"""Characters of an address that may stand in a text."""
_SAFE_LINK = re.compile(r"https?://[^\s<>\[\]()\"`]+")


def of_output(output: Iterable[object]) -> list[File]:
    """The files of an output's items."""
    files: list[File] = []
    for item in output:
        parts = [item] if text_at(item, "type") != "message" else items_at(item, "content")
        for part in parts:
            file = _generated(part, len(files) + 1) or _part(part, len(files) + 1)
            files += [file] if file else []
    return files


def link(part: object) -> str | None:
    """What is written of a part that names a file and does not hold it: a Markdown link."""
    if text_at(part, "type") not in _PARTS or _part(part, 1) is not None:
        return None
    address = _address(part) or ""
    if not _SAFE_LINK.fullmatch(address):
        return None
    name = "".join(one for one in text_at(part, "filename") or "" if one not in "[]`\n\\")
    return f"[{name or address}]({address})"


def without_data(text: str) -> tuple[str, list[File]]:
    """The text with each link to a `data:` address replaced by its label, and what these held.

    Code stays as it is, and so does a short address that holds nothing that can be read; a long one is a file without
    content.
    """
    files: list[File] = []

    def replaced(found: re.Match[str]) -> str:
        if found["address"] is None:
            return found[0]
        address, label, number = found["address"], found["label"], len(files) + 1
        file = _of_address(address, label, number) if found["end"] else None
        if file is None and len(address) <= _SHORT:
            return found[0]
        file = file or _named(label, _media_type(_stated(address), b""), b"", number)
        files.append(file)
        return label.strip() or file.name

    return (_LINKED.sub(replaced, text), files) if "data:" in text.lower() else (text, files)


def as_it_grows(text: str) -> str:
    """A text that is not written to its end, without what stands in `data:` addresses."""
    if "data:" not in text.lower():
        return text
    return _LINKED.sub(lambda found: found[0] if found["address"] is None else found["label"], text)


def _generated(item: object, number: int) -> File | None:
    if text_at(item, "type") != "image_generation_call":
        return None
    content = _decoded(text_at(item, "result"))
    if not content:
        return None
    stated = text_at(item, "output_format")
    media_type = _media_type(f"image/{stated.lower()}" if stated else None, content)
    return File(f"image-{number}{SUFFIXES.get(media_type, '')}", media_type, content)


def _part(part: object, number: int) -> File | None:
    if text_at(part, "type") not in _PARTS:
        return None
    name = text_at(part, "filename") or text_at(part, "source", "filename") or text_at(part, "name") or ""
    address = _address(part)
    if address is not None and address[:5].lower() == "data:":
        return _of_address(address, name, number)
    coded = text_at(part, "source", "data") or text_at(part, "file_data") or text_at(part, "data")
    content = _decoded(coded)
    if content is None:
        return None
    stated = text_at(part, "source", "media_type") or text_at(part, "media_type") or text_at(part, "mime_type")
    return _named(name, _media_type(stated, content), content, number)


def _address(part: object) -> str | None:
    for keys in (("image_url",), ("image_url", "url"), ("file_data",), ("file_url",), ("source", "url"), ("url",)):
        found = text_at(part, *keys)
        if found and ":" in found[:10]:
            return found
    return None


def _of_address(address: str, label: str, number: int) -> File | None:
    """What a `data:` address holds; None if that cannot be read."""
    head, comma, data = address[len("data:") :].partition(",")
    kind, *parameters = head.split(";")
    coded = any(one.strip().lower() == "base64" for one in parameters)
    content = _decoded(unquote_to_bytes(data).decode("ascii", "replace")) if coded else unquote_to_bytes(data)
    if not comma or not content:
        return None
    return _named(label, _media_type(kind or "text/plain", content), content, number)


def _stated(address: str) -> str:
    """The media type that a `data:` address begins with."""
    return re.split("[;,]", address[len("data:") :], maxsplit=1)[0]


def _named(name: str, media_type: str, content: bytes, number: int) -> File:
    beginning = "image" if media_type.startswith("image/") else "file"
    suffix = SUFFIXES.get(media_type, "")
    bare = " ".join(name.split()) or f"{beginning}-{number}"
    return File(bare if bare.lower().endswith(suffix) or _ends(bare) else bare + suffix, media_type, content)


def _ends(name: str) -> bool:
    """Whether a name has an ending of its own."""
    return re.search(r"\.[A-Za-z0-9]{1,8}$", name) is not None


def _decoded(coded: str | None) -> bytes | None:
    if not coded:
        return None
    bare = re.sub(r"\s+", "", coded).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _media_type(stated: str | None, content: bytes) -> str:
    if stated and _MEDIA_TYPE.fullmatch(stated.strip()):
        return stated.strip().lower()
    return next(
        (known for beginning, known in _BEGINNINGS.items() if content.startswith(beginning)), "application/octet-stream"
    )
