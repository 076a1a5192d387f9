"""Text that every platform and every database takes."""

import re

LABEL_CHARS = 100
_LABEL_END = 20
UNSEEN = r"\s\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f"
"""Of a class of characters in a pattern: white space, control characters, what has no width and joins nothing, and what
changes the direction of reading, which makes `txt.exe` of `exe.txt`."""
_UNSEEN = re.compile(f"[{UNSEEN}]+")


def readable(text: str) -> str:
    """The text with surrogate halves joined, and with U+FFFD for what no database and no platform takes."""
    text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def label(text: str) -> str:
    """A name as it may stand in a sentence: one short line, without the square brackets that mark speakers."""
    line = _UNSEEN.sub(" ", readable(text)).strip().translate({ord("["): "(", ord("]"): ")"})
    if len(line) <= LABEL_CHARS:
        return line
    return f"{line[: LABEL_CHARS - _LABEL_END - 1]}…{line[-_LABEL_END:]}"
