"""Files in an answer: what is read as one, and what becomes of the text around it."""

import base64
import json
from typing import Any

import pytest

from bridge.files import File
from bridge.instance import Progress
from bridge.instances import openresponses, returned

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CODED = base64.b64encode(PNG).decode()


def answer(*items: dict[str, Any], status: str = "completed") -> openresponses.Answer:
    read = openresponses.answer({"id": "r", "object": "response", "status": status, "output": list(items)})
    assert read is not None
    return read


def says(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(content)}


def text(words: str) -> dict[str, Any]:
    return {"type": "output_text", "text": words}


@pytest.mark.parametrize(
    ("item", "name", "media_type"),
    [
        ({"type": "image_generation_call", "status": "completed", "result": CODED}, "image-1.png", "image/png"),
        ({"type": "image_generation_call", "result": CODED, "output_format": "webp"}, "image-1.webp", "image/webp"),
        (
            says({"type": "output_image", "source": {"type": "base64", "media_type": "image/png", "data": CODED}}),
            "image-1.png",
            "image/png",
        ),
        (
            says({
                "type": "input_file",
                "source": {"type": "base64", "media_type": "text/csv", "data": CODED, "filename": "numbers.csv"},
            }),
            "numbers.csv",
            "text/csv",
        ),
        (says({"type": "output_file", "filename": "a.pdf", "file_data": CODED}), "a.pdf", "image/png"),
        (says({"type": "input_image", "image_url": f"data:image/png;base64,{CODED}"}), "image-1.png", "image/png"),
        (says({"type": "image", "image_url": {"url": f"data:;base64,{CODED}"}}), "file-1.txt", "text/plain"),
        ({"type": "output_file", "file_data": f"data:application/pdf;base64,{CODED}"}, "file-1.pdf", "application/pdf"),
    ],
)  # fmt: skip
def test_what_holds_its_content_is_a_file(item: dict[str, Any], name: str, media_type: str) -> None:
    assert answer(says(text("here")), item).files == (File(name, media_type, PNG),)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "image_generation_call", "status": "generating", "result": None},
        {"type": "image_generation_call", "result": "no base64!"},
        {"type": "reasoning", "content": [{"type": "input_image", "image_url": f"data:image/png;base64,{CODED}"}]},
        says({"type": "output_image", "source": {"type": "base64", "data": ["?"]}}),
        says({"type": "output_image", "source": 7, "image_url": []}),
    ],
)
def test_what_holds_nothing_is_none(item: dict[str, Any]) -> None:
    read = answer(says(text("here")), item)
    assert (read.text, read.files) == ("here", ())


def test_an_answer_may_be_a_file_alone() -> None:
    read = answer({"type": "image_generation_call", "result": CODED})
    assert (read.text, len(read.files)) == ("", 1)


def test_a_part_that_names_a_file_elsewhere_is_a_link() -> None:
    parts = (
        {"type": "output_file", "filename": "a]b.pdf", "file_url": "https://example.com/a.pdf?x=1"},
        {"type": "output_image", "image_url": "https://example.com/i.png"},
        {"type": "output_file", "file_url": "file:///etc/passwd"},
        {"type": "output_file", "file_url": "https://example.com/a b(c)"},
    )
    read = answer(says(text("Look:"), *parts))
    assert read.files == ()
    assert read.text == (
        "Look:\n\n[ab.pdf](https://example.com/a.pdf?x=1)\n\n[https://example.com/i.png](https://example.com/i.png)"
    )


@pytest.mark.parametrize(
    ("written", "shown", "names"),
    [
        (f"See ![a chart](data:image/png;base64,{CODED}) there", "See a chart there", ["a chart.png"]),
        (f"![](data:image/png;base64,{CODED})", "image-1.png", ["image-1.png"]),
        (f'[the list](<data:text/csv;charset=utf-8;base64,{CODED}> "title")', "the list", ["the list.csv"]),
        (
            f"![x.png](DATA:image/png;base64,{CODED})![y](data:image/png;base64,{CODED})",
            "x.pngy",
            ["x.png", "y.png"],
        ),
        ("[svg](data:image/svg+xml,%3Csvg/%3E)", "svg", ["svg.svg"]),
        (f"![{'cut'}](data:image/png;base64,{CODED}", "cut", ["cut.png"]),
        (f"![broken](data:image/png;base64,%%%{CODED})", "broken", ["broken.png"]),
    ],
)
def test_a_data_address_is_replaced_by_its_label(written: str, shown: str, names: list[str]) -> None:
    said, files = returned.without_data(written)
    assert (said, [file.name for file in files]) == (shown, names)


@pytest.mark.parametrize(
    "written",
    [
        "no link",
        "data: is a word, [a link](https://example.com/data:x)",
        "[a](data:)",
        f"`![a](data:image/png;base64,{CODED})`",
        f"```html\n![a](data:image/png;base64,{CODED})\n```\nand data:",
        f"~~~\n![a](data:image/png;base64,{CODED})",
        f"data:image/png;base64,{CODED}",
    ],
)
def test_everything_else_stays_as_it_was_written(written: str) -> None:
    assert returned.without_data(written) == (written, [])


def test_what_a_data_address_holds_is_the_file() -> None:
    (png,) = returned.without_data(f"![a](data:image/png;base64,{CODED})")[1]
    (svg,) = returned.without_data("[s](data:image/svg+xml,%3Csvg/%3E)")[1]
    (cut,) = returned.without_data(f"![a](data:image/png;base64,{CODED}")[1]
    assert (png.content, svg.content, cut.content) == (PNG, b"<svg/>", b"")


def events(*deltas: str, last: dict[str, Any]) -> list[Progress | openresponses.Answer | None]:
    transcript = openresponses.Transcript()
    fed = [
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": one} for one in deltas
    ]
    return [transcript.feed("", json.dumps(one)) for one in [*fed, last]]


def test_a_growing_answer_shows_no_data() -> None:
    written = f"Here it is: ![chart](data:image/png;base64,{CODED}) and so on"
    steps = events(*written, last={"type": "response.completed", "response": {"id": "r"}})
    *shown, said = steps
    assert isinstance(said, openresponses.Answer)
    assert (said.text, [file.content for file in said.files]) == ("Here it is: chart and so on", [PNG])
    texts = [step.text for step in shown if isinstance(step, Progress)]
    assert max(map(len, texts)) <= len("Here it is: ![chart](data: and so on")
    assert CODED[:20] not in "".join(texts)


def test_an_image_that_only_the_stream_told_of_is_a_file() -> None:
    transcript = openresponses.Transcript()
    item = {"type": "image_generation_call", "status": "completed", "result": CODED}
    transcript.feed("", json.dumps({"type": "response.output_item.done", "item": item}))
    said = transcript.feed("", json.dumps({"type": "response.completed", "response": {"output": []}}))
    assert isinstance(said, openresponses.Answer)
    assert said.files == (File("image-1.png", "image/png", PNG),)
