"""Names and payloads of files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import files
from bridge.files import MAX_NAME, File, safe_name


@pytest.mark.parametrize(
    ("given_name", "media_type", "safe"),
    [
        ("report.pdf", "application/pdf", "report.pdf"),
        ("/etc/passwd", "text/plain", "passwd.txt"),
        ("..\\..\\boot.ini", "text/plain", "boot.ini"),
        ("a\nb\x00c\u202egnp.exe", "", "a b c gnp.exe"),
        ("", "image/png", "file.png"),
        ("...", "", "file"),
        ('say "hi" `now` <b>?.md', "", "say _hi_ _now_ _b__.md"),
        ("Übersicht 日本語.csv", "text/csv", "Übersicht 日本語.csv"),
        ("chart", "image/webp", "chart.webp"),
        ("v1.2 of everything that we know", "text/plain", "v1.2 of everything that we know.txt"),
        ("x" * 300 + ".md", "", "x" * 97 + ".md"),
    ],
)
def test_a_name_holds_nothing_that_leads_anywhere(given_name: str, media_type: str, safe: str) -> None:
    assert safe_name(given_name, media_type) == safe


@given(st.text(), st.sampled_from(["", *files.SUFFIXES]))
def test_any_name_becomes_one_that_stays_as_it_is(given_name: str, media_type: str) -> None:
    safe = safe_name(given_name, media_type)
    assert 1 <= len(safe) <= MAX_NAME
    assert safe.isprintable()
    assert not set(safe) & set('/\\<>:"|?*`')
    assert not safe.startswith(".")
    assert safe_name(safe, media_type) == safe


@given(st.binary() | st.text().map(str.encode))
def test_every_byte_comes_back_out_of_a_stored_payload(content: bytes) -> None:
    stored = json.loads(json.dumps(files.payload(File("a.bin", "application/x-any", content))))
    assert files.read(stored) == File("a.bin", "application/x-any", content)


def test_text_stands_in_the_store_as_text() -> None:
    payload = files.payload(File("answer.md", "text/markdown", "# Ü 🦞\n".encode()))
    assert payload == {"file": {"name": "answer.md", "media_type": "text/markdown", "text": "# Ü 🦞\n"}}


@pytest.mark.parametrize("payload", [{}, {"text": "x"}, {"file": None}, {"file": {"name": "a"}}, {"content": "file"}])
def test_what_is_no_file_is_not_read_as_one(payload: dict[str, object]) -> None:
    assert files.read(payload) is None
