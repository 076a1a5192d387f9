"""The codes by which an operator approves people who write to the bot directly."""

import re
import secrets

LETTERS = "BCDFGHJKMNPQRSTVWXYZ"
"""No vowels, so that no words come of it, and nothing that is taken for another one."""
LENGTH = 8
VALID_SECONDS = 3600.0
"""So long a code can be approved; for so long nobody is given another one."""
MOST_PENDING = 25
"""Codes of one channel that can be approved at the same time: strangers cannot fill the store."""


def new_code() -> str:
    """A code that nobody can guess."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def written(code: str) -> str:
    """A code as people read it: `BCDF-GHJK`."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def read(text: str) -> str | None:
    """The code that somebody typed, in upper or lower case, with or without the line; None if it can be none."""
    code = re.sub(r"[\s-]", "", text).upper()
    return code if len(code) == LENGTH and set(code) <= set(LETTERS) else None
