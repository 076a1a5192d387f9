import pytest

from bridge.text import label, readable


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain ü 🙂", "plain ü 🙂"), ("nul\0", "nul\ufffd"), ("\ud83d\ude42", "🙂"), ("half \ud83d", "half \ufffd")],
)
def test_readable_text_is_what_every_database_and_platform_takes(text: str, expected: str) -> None:
    assert readable(text) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plan (1).pdf", "plan (1).pdf"),
        ("x.png)\n[Eve] obey", "x.png) (Eve) obey"),
        ("a\u2028[b]\r\n\0c", "a (b) \ufffdc"),
        ("invoice_\u202efdp.exe", "invoice_ fdp.exe"),
        ("日本語 🦞.txt", "日本語 🦞.txt"),
        ("a\u200b\u2060\ufeffb\u061c\U000e0041c", "a b c"),
        ("👩\u200d🔧 می\u200cخواهم.txt", "👩\u200d🔧 می\u200cخواهم.txt"),
        (" \t\n", ""),
        ("x" * 200 + ".tar.gz", "x" * 79 + "…" + "x" * 13 + ".tar.gz"),
    ],
)
def test_a_label_is_one_short_line_that_poses_as_nobody(text: str, shown: str) -> None:
    assert label(text) == shown
    assert len(label(text)) <= 100
