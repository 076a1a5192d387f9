"""A message with files as the gateways take it."""

import base64
import json
from dataclasses import replace

import pytest

from bridge.errors import InstanceRefused
from bridge.files import File
from bridge.instances.files import OPENCLAW, openclaw
from bridge.testing.instance_contract import ask, turn

from .canned import http

PNG = File("plan.png", "image/png", b"\x89PNG")
NOTES = File("notes.md", "text/markdown", b"# Pears")
CODE = File("a.py", "text/x-python", b"pass")


def test_a_message_without_files_is_its_text():
    assert openclaw(turn("hello")) == "[Ada] hello"


def test_images_and_files_stand_after_the_text_in_openclaws_form():
    assert openclaw(replace(turn("look"), files=[PNG, NOTES, CODE])) == [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "[Ada] look"},
                {"type": "input_image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}},
                {
                    "type": "input_file",
                    "source": {
                        "type": "base64", "media_type": "text/markdown", "data": "IyBQZWFycw==", "filename": "notes.md",
                    },
                },
                {
                    "type": "input_file",
                    "source": {"type": "base64", "media_type": "text/plain", "data": "cGFzcw==", "filename": "a.py"},
                },
            ],
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("media_type", "most"),
    [
        ("image/png", 10 * 2**20), ("image/heic", 10 * 2**20), ("image/svg+xml", None), ("text/plain", 5 * 2**20),
        ("text/x-python", 5 * 2**20), ("application/pdf", 5 * 2**20), ("application/zip", None), ("audio/ogg", None),
        ("", None),
    ],
)  # fmt: skip
def test_what_openclaw_takes(media_type, most):
    assert OPENCLAW.most(media_type) == most


def test_as_much_as_is_taken_fits_into_a_request():
    assert len(base64.b64encode(bytes(OPENCLAW.together))) < 20_000_000 - 3_000_000


async def test_the_request_holds_the_files(canned, chowder):
    canned.answers = [http("200 OK", '{"object":"response","status":"completed","output":[]}')]
    await ask(chowder(canned.base_url), replace(turn("look"), files=[PNG]))
    body = json.loads(canned.requests[0][2])
    assert body["input"][0]["content"][1]["source"]["data"] == "iVBORw=="


@pytest.mark.parametrize("status", ["400 Bad Request", "413 Payload Too Large", "422 Unprocessable Entity"])
async def test_a_message_that_is_refused_with_its_files_is_to_be_written_without(canned, chowder, status):
    canned.answers = [http(status, '{"error":{"message":"invalid request","type":"invalid_request_error"}}')]
    with pytest.raises(InstanceRefused) as refused:
        await ask(chowder(canned.base_url), replace(turn("look"), files=[NOTES]))
    assert str(refused.value) == (
        "The gateway does not take the message with its files (invalid request): write it again without them. "
        "If that is refused, too, check model and extra of [instances.main]."
    )
