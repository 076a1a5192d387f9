"""What Discord checks of a message's components, and the buttons in them: rows of the older kind.

https://docs.discord.com/developers/components/reference (read 2026-11-22). Which words it uses for what is wrong is
not documented.
"""

from collections.abc import Iterator, Sequence

from adapters.discord.simulator.answers import invalid_form
from adapters.discord.simulator.guild import Payload
from bridge.foreign import dig, items_at, text_at

ACTION_ROW, BUTTON = 1, 2
SELECTS = frozenset({3, 5, 6, 7, 8})
LINK, PREMIUM = 5, 6

MAX_ROWS = 5
"""https://docs.discord.com/developers/components/reference#legacy-message-component-behavior"""
MAX_BUTTONS = 5
"""https://docs.discord.com/developers/components/reference#action-row"""
MAX_LABEL = 80
"""https://docs.discord.com/developers/components/reference#button"""
MAX_CUSTOM_ID = 100
"""https://docs.discord.com/developers/components/reference#anatomy-of-a-component-custom-id"""


def check(rows: Sequence[Payload]) -> None:
    """Raises ApiError where Discord refuses the message for them."""
    if len(rows) > MAX_ROWS:
        raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_ROWS} in length.")
    custom_ids: list[str] = []
    for row in rows:
        if dig(row, "type") != ACTION_ROW:
            raise invalid_form("components", "UNION_TYPE_CHOICES", "Value of field 'type' must be one of (1,).")
        inside = items_at(row, "components")
        selects = sum(dig(one, "type") in SELECTS for one in inside)
        if not inside or len(inside) > (1 if selects else MAX_BUTTONS):
            raise invalid_form("components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_BUTTONS} in length.")
        custom_ids += [custom_id for one in inside if (custom_id := _checked(one))]
    if len(set(custom_ids)) < len(custom_ids):
        raise invalid_form("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")


def buttons(rows: Sequence[Payload]) -> Iterator[tuple[str, Payload]]:
    """Each button that an app hears of, with what stands on it."""
    for row in rows:
        for one in items_at(row, "components"):
            custom_id = text_at(one, "custom_id")
            if dig(one, "type") == BUTTON and custom_id is not None:
                yield text_at(one, "label") or "", {"component_type": BUTTON, "custom_id": custom_id}


def _checked(component: object) -> str | None:
    """The `custom_id`, where the component has to have one."""
    kind, style = dig(component, "type"), dig(component, "style")
    if kind != BUTTON and kind not in SELECTS:
        raise invalid_form("components", "UNION_TYPE_CHOICES", "Value of field 'type' is not allowed here.")
    if len(text_at(component, "label") or "") > MAX_LABEL:
        raise invalid_form("components", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_LABEL} or fewer in length.")
    if kind == BUTTON and style not in range(1, 7):
        raise invalid_form("components", "BASE_TYPE_CHOICES", "Value of field 'style' must be one of (1, …, 6).")
    if kind == BUTTON and style in {LINK, PREMIUM}:
        return None
    custom_id = text_at(component, "custom_id")
    if custom_id is None or len(custom_id) > MAX_CUSTOM_ID:
        raise invalid_form("custom_id", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_CUSTOM_ID} in length.")
    return custom_id
