"""Reading JSON that others made, which may be anything."""

from collections.abc import Mapping
from typing import Any, cast


def dig(value: object, *keys: str) -> Any:
    """What stands under these keys, one below the other; None where there is nothing of the kind."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = cast("Mapping[str, object]", value).get(key)
    return value


def text_at(value: object, *keys: str) -> str | None:
    """The text under these keys; None where there is none, or an empty one."""
    found = dig(value, *keys)
    return found if isinstance(found, str) and found else None


def items_at(value: object, *keys: str) -> list[object]:
    """The items of the list under these keys; none where there is no list."""
    found: object = dig(value, *keys)
    return cast("list[object]", found) if isinstance(found, list) else []
