"""Commands that the app registered: what Discord checks of them, where it shows them, and what a person chooses.

https://docs.discord.com/developers/interactions/application-commands (read 2026-11-22). Which words it uses for what is
wrong is not documented, except for those of forms.
"""

import re
from collections.abc import Sequence

from adapters.discord.simulator.answers import invalid_form, required
from adapters.discord.simulator.guild import Payload, Room, RoomType
from bridge.foreign import dig, items_at, text_at

CHAT_INPUT = 1
GUILD, BOT_DM, PRIVATE_CHANNEL = 0, 1, 2
"""https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-context-types"""
GUILD_INSTALL, USER_INSTALL = 0, 1
OPTION_TYPES = range(1, 12)
STRING = 3

MAX_COMMANDS = 100
MAX_OPTIONS = 25
MAX_DESCRIPTION = 100
_NAME = re.compile(r"[-_'\w]{1,32}")


def check(commands: Sequence[Payload]) -> None:
    """Raises ApiError where Discord refuses to register them."""
    chat = [each for each in commands if each.get("type", CHAT_INPUT) == CHAT_INPUT]
    if len(chat) > MAX_COMMANDS:
        raise invalid_form("commands", "BASE_TYPE_BAD_LENGTH", f"Must be {MAX_COMMANDS} or fewer in length.")
    names = [text_at(each, "name") for each in chat]
    if len(set(names)) < len(names):
        raise invalid_form("name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
    for each in chat:
        _check_named(each)
        _check_options(items_at(each, "options"))
        _check_kinds(each, "contexts", (GUILD, BOT_DM, PRIVATE_CHANNEL))
        _check_kinds(each, "integration_types", (GUILD_INSTALL, USER_INSTALL))


def chosen(commands: Sequence[Payload], place: Room, words: str) -> tuple[str, list[Payload]]:
    """The name and the options of a command that a person chooses there and fills in, as in "link ABC-123".

    Raises LookupError where Discord shows no such command, and ValueError where it does not send it off like that.
    """
    name, _, rest = words.strip().partition(" ")
    context = BOT_DM if place.type is RoomType.DIRECT else GUILD
    found = next((each for each in commands if each["name"] == name and _is_shown(each, context)), None)
    if found is None:
        raise LookupError(f"no command /{name} is shown there")
    options = items_at(found, "options")
    filled = [rest.strip()] if rest.strip() else []
    needed = sum(dig(one, "required") is True for one in options)
    if not needed <= len(filled) <= len(options):
        raise ValueError(f"/{name} takes {len(options)} options, {needed} of them for certain, not {len(filled)}")
    given = zip(options, filled, strict=False)
    return name, [{"name": text_at(option, "name"), "type": dig(option, "type"), "value": one} for option, one in given]


def _is_shown(command: Payload, context: int) -> bool:
    contexts = command.get("contexts")
    return contexts is None or context in contexts


def _check_named(described: object) -> None:
    name, description = text_at(described, "name"), text_at(described, "description")
    if name is None:
        raise required("name")
    if not _NAME.fullmatch(name) or name != name.lower():
        raise invalid_form("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if description is None:
        raise required("description")
    if len(description) > MAX_DESCRIPTION:
        length = f"Must be between 1 and {MAX_DESCRIPTION} in length."
        raise invalid_form("description", "BASE_TYPE_BAD_LENGTH", length)


def _check_options(options: Sequence[object]) -> None:
    if len(options) > MAX_OPTIONS:
        raise invalid_form("options", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_OPTIONS} or fewer in length.")
    may_be_left_out = False
    for one in options:
        _check_named(one)
        if dig(one, "type") not in OPTION_TYPES:
            raise invalid_form("options", "BASE_TYPE_CHOICES", "Value must be one of (1, …, 11).")
        if may_be_left_out and dig(one, "required") is True:
            detail = "Required options must be placed before non-required options"
            raise invalid_form("options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", detail)
        may_be_left_out = dig(one, "required") is not True


def _check_kinds(command: Payload, field: str, known: Sequence[int]) -> None:
    given = command.get(field)
    if given is not None and (
        not isinstance(given, list) or not given or not set(items_at(command, field)) <= {*known}
    ):
        raise invalid_form(field, "BASE_TYPE_CHOICES", f"Value must be one of {tuple(known)}.")
