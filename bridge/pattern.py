"""Regular expressions that operators write: RE2's, which take time in proportion to the text and never longer. Pure.

Source: https://github.com/google/re2/wiki/Syntax; what could take exponential time (look-around, back-references) is
not in it.
"""

from functools import lru_cache
from importlib import import_module
from typing import Any

_re2: Any = import_module("re2")  # it has no types


@lru_cache
def _compiled(pattern: str) -> Any:
    options = _re2.Options()
    options.log_errors = False  # they are told to whoever wrote the pattern
    return _re2.compile(pattern, options)


def problem(pattern: str) -> str | None:
    """Why it is none, in a few words; None if it is one."""
    try:
        _compiled(pattern)
    except _re2.error as error:
        why: object = error.args[0]
        return why.decode(errors="replace") if isinstance(why, bytes) else str(why)
    return None


def first(pattern: str, text: str) -> str | None:
    """The first place in the text that it fits; None if it fits none, or only nothing at all."""
    found = _compiled(pattern).search(text)
    return (found[0] or None) if found else None


def fits(pattern: str, text: str) -> bool:
    """Whether it fits the whole text."""
    return _compiled(pattern).fullmatch(text) is not None
