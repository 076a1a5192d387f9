import pytest

from bridge.text import readable


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain ü 🙂", "plain ü 🙂"), ("nul\0", "nul\ufffd"), ("\ud83d\ude42", "🙂"), ("half \ud83d", "half \ufffd")],
)
def test_readable_text_is_what_every_database_and_platform_takes(text: str, expected: str) -> None:
    assert readable(text) == expected
