"""The demo's agent takes files as OpenClaw does, and refuses what OpenClaw was seen to refuse."""

import base64

import pytest

from bridge.demo.instance_input import Received, Refused, read

PNG = b"\x89PNG\r\n"


def part(kind, media_type, content, **more):
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(content).decode(), **more}
    return {"type": kind, "source": source}


def message(*parts):
    return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "look"}, *parts]}]


def test_a_text_is_a_text():
    assert read("hello") == ("hello", [])


def test_what_comes_with_a_message_is_seen():
    text, received = read(
        message(part("input_image", "image/png", PNG), part("input_file", "text/csv", b"1,2", filename="a.csv"))
    )
    assert text == "look"
    assert received == [Received("image", "image/png", 6, None), Received("file", "text/csv", 3, "a.csv")]
    assert [str(one) for one in received] == ["image (image/png, 6 bytes)", "file a.csv (text/csv, 3 bytes)"]


@pytest.mark.parametrize(
    "refused",
    [
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw=="},
        {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="},
        part("input_file", "application/zip", b"PK"),
        part("input_file", "text/x-python", b"pass"),
        part("input_file", "application/pdf", b"%PDF-1.4 garbage"),
        part("input_file", "text/plain", PNG),
        part("input_file", "text/plain", b""),
        part("input_image", "image/svg+xml", b"<svg/>"),
        part("input_image", "image/png", bytes(10 * 2**20 + 1)),
        part("input_file", "text/plain", bytes(5 * 2**20 + 1)),
        {"type": "input_image", "source": {"type": "base64", "media_type": "image/png", "data": "no base64"}},
        {"type": "input_image", "source": {"type": "url", "url": "http://127.0.0.1/x.png"}},
    ],
)
def test_what_openclaw_refuses_is_refused(refused):
    with pytest.raises(Refused):
        read(message(refused))
