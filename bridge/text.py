"""Text that every platform and database takes, and splitting it into parts that give it back when they are joined."""

from collections.abc import Callable

_BREAKS = ("\n\n", "\n", " ")
"""Where a part may end, best first. The break stays at the end of its part."""


def split(text: str, max_chars: int, measure: Callable[[str], int] = len) -> list[str]:
    """Parts of `text`, each of `measure` at most `max_chars`, whose concatenation is `text`.

    A part ends after a blank line if one lies in its second half, else after a line, else after a word, else anywhere.
    `measure` gives the length as the platform counts it: at least one for each character, at most `max_chars` for one,
    and never less for a longer text. Empty text gives no part.
    """
    parts: list[str] = []
    start = 0
    while start < len(text):
        ahead = text[start : start + max_chars + 1]  # never more than a part: long texts stay linear
        fits = _longest_prefix(ahead, max_chars, measure)
        end = fits if start + fits == len(text) else _break_before(ahead, fits)
        parts.append(ahead[:end])
        start += end
    return parts


def _longest_prefix(text: str, max_chars: int, measure: Callable[[str], int]) -> int:
    """How many characters from the start fit, by bisection; at least one."""
    low, high = 1, min(len(text), max_chars)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle]) <= max_chars:
            low = middle
        else:
            high = middle - 1
    return low


def _break_before(text: str, fits: int) -> int:
    for mark in _BREAKS:
        at = text.rfind(mark, fits // 2, fits)
        if at >= 0:
            return at + len(mark)
    return fits


def readable(text: str) -> str:
    """The text with surrogate halves joined, and with U+FFFD for what no database and no platform takes."""
    text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
