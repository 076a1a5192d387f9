"""The signatures of attachments' addresses, which expire.

https://docs.discord.com/developers/reference#signed-attachment-cdn-urls: each payload has addresses that are valid now.
"""

import hashlib
from collections.abc import Mapping

from adapters.discord.simulator.guild import Guild, Payload

LIFETIME = 24 * 3600
"""Seconds. Discord does not say how long; this is what others found (https://github.com/merlinfuchs/cdproxy, read
2026-11-22)."""


def signed(guild: Guild, attachment: Payload) -> Payload:
    """An attachment as a payload shows it now."""
    issued = int(guild.clock())
    dates = {"ex": f"{issued + LIFETIME:x}", "is": f"{issued:x}"}
    query = f"ex={dates['ex']}&is={dates['is']}&hm={_signature(guild, attachment['id'], dates)}&"
    return attachment | {key: f"{attachment[key]}?{query}" for key in ("url", "proxy_url")}


def valid(guild: Guild, attachment_id: str, query: Mapping[str, str]) -> bool:
    """Whether an address with that query still gives out the attachment."""
    dates = {"ex": query.get("ex", ""), "is": query.get("is", "")}
    if query.get("hm") != _signature(guild, attachment_id, dates):
        return False
    return int(dates["ex"], 16) > guild.clock()


def _signature(guild: Guild, attachment_id: str, dates: Mapping[str, str]) -> str:
    return hashlib.sha256(f"{guild.signing_key}/{attachment_id}/{dates}".encode()).hexdigest()
