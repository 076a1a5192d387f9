"""Splitting text into parts that a platform takes; joining the parts gives the text back."""

from collections.abc import Callable

_BREAKS = ("\n\n", "\n", " ")
"""Where a part may end, best first. The break stays at the end of its part."""


def split(text: str, max_chars: int, measure: Callable[[str], int] = len) -> list[str]:
    """Parts of `text`, each of `measure` at most `max_chars`, whose concatenation is `text`.

    A part ends after a blank line if one lies in its second half, else after a line, else after a word, else anywhere.
    `measure` gives the length as the platform counts it and must not shrink when text is appended; one character must
    measure at most `max_chars`. Empty text gives no part.
    """
    parts: list[str] = []
    rest = text
    while rest:
        if measure(rest) <= max_chars:
            parts.append(rest)
            break
        fits = _longest_prefix(rest, max_chars, measure)
        end = _break_before(rest, fits)
        parts.append(rest[:end])
        rest = rest[end:]
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
