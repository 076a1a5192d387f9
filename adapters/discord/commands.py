"""The commands that people find behind a `/`, and whether Discord has them registered like that. Pure.

Source: https://docs.discord.com/developers/interactions/application-commands (2026-11-22)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.foreign import dig, items_at, text_at

CHAT_INPUT, STRING = 1, 3
GUILD, BOT_DM = 0, 1
"""Where a command may be used. Not in people's conversations without the bot, of which it hears nothing else."""
GUILD_INSTALL = 0
"""How the app was installed: for a server, not for a person."""

_TICKET = {
    "type": STRING,
    "name": "ticket",
    "description": "The ticket, like ABC-123",
    "required": True,
}
_SAID: Mapping[str, str] = {
    # name -> what people read behind it, at most 100 characters
    "help": "Says what can be written to the bridge itself",
    "new": "Begins afresh, without what was said before",
    "stop": "Stops what the agent does here",
    "status": "Says what the agent does here, and what waits",
    "retry": "Asks again what could not be answered",
    "link": "Makes this a conversation of a ticket",
    "unlink": "Ends that this is a conversation of a ticket",
}
COMMANDS: Sequence[Mapping[str, Any]] = [
    {
        "type": CHAT_INPUT,
        "name": name,
        "description": said,
        "options": [_TICKET] if name == "link" else [],
        "contexts": [GUILD, BOT_DM],
        "integration_types": [GUILD_INSTALL],
    }
    for name, said in _SAID.items()
]


def are_registered(registered: Sequence[object]) -> bool:
    """Whether these command objects of Discord's are ours and no others; what we do not say of them may be anything."""
    found = [_described(each) for each in registered]
    return len(found) == len(COMMANDS) and all(_described(each) in found for each in COMMANDS)


def _described(command: object) -> tuple[object, ...]:
    """What is compared: Discord adds fields, and leaves out what is as it is by default."""
    options = [
        (dig(one, "type"), text_at(one, "name"), text_at(one, "description"), dig(one, "required") is True)
        for one in items_at(command, "options")
    ]
    places = [sorted(map(str, items_at(command, key))) for key in ("contexts", "integration_types")]
    return dig(command, "type"), text_at(command, "name"), text_at(command, "description"), options, places
