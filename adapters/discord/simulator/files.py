"""Files that are sent along: their description in messages, and their download.

https://docs.discord.com/developers/resources/message#attachment-object and
https://docs.discord.com/developers/reference#uploading-files.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote

from aiohttp import web

from adapters.discord.simulator.answers import ApiError
from adapters.discord.simulator.api import Args
from adapters.discord.simulator.faults import Faults
from adapters.discord.simulator.guild import Guild, Payload, SharedFile
from adapters.discord.simulator.signing import valid

MAX_UPLOAD = 10 * 1024 * 1024
"""Bytes of one file. https://docs.discord.com/developers/reference#uploading-files."""


def share(guild: Guild, url: str, room_id: str, files: Sequence[SharedFile]) -> list[Payload]:
    """Keeps the contents and describes the files as a message shows them. `url` is the simulator's."""
    return [_attachment(guild, url, room_id, each) for each in files]


def attach(guild: Guild, url: str, room_id: str, args: Args) -> list[Payload]:
    """The same for the bot's uploads; `attachments` in the body may give `files[n]` another name."""
    described = {str(each.get("id")): each for each in args.objects("attachments")}
    attachments: list[Payload] = []
    for field_name, uploaded in args.files.items():
        if len(uploaded.content) > MAX_UPLOAD:
            raise ApiError(40005)
        given = described.get(field_name.removeprefix("files[").removesuffix("]"), {})
        name = str(given.get("filename") or uploaded.name)
        plain = _plain(name)
        shown = _attachment(guild, url, room_id, SharedFile(plain, uploaded.content, uploaded.mimetype))
        attachments.append(shown if plain == name else shown | {"title": name})
    return attachments


def _plain(name: str) -> str:
    """What becomes of special characters in a name that an app gave, which is not documented in full.

    https://github.com/discord/discord-api-docs/issues/7890, and `title` of
    https://docs.discord.com/developers/resources/message#attachment-object.
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "", name.replace(" ", "_"))


class Downloads:
    """Gives out contents to everybody who has a URL that did not expire, as Discord's CDN does.

    An expired one is a 404 with these words: https://github.com/useapi/discord-cdn-proxy (read 2026-11-22).
    """

    def __init__(self, guild: Guild, faults: Faults) -> None:
        self._guild = guild
        self._faults = faults

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One download; its faults are those of `attachments.get`."""
        if self._faults.blackout and request.transport is not None:
            request.transport.abort()
        fault = self._faults.take("attachments.get")
        if fault is not None:
            after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return web.Response(status=fault.status, body=fault.body, headers=after)
        attachment = request.match_info["attachment"]
        known = self._guild.files.get(attachment)
        if known is None or not valid(self._guild, attachment, request.query):
            raise web.HTTPNotFound(text="This content is no longer available.")
        return web.Response(body=known.content, headers={"Content-Type": known.mimetype})


def _attachment(guild: Guild, url: str, room_id: str, shared: SharedFile) -> Payload:
    attachment_id = guild.ids.next()
    guild.files[attachment_id] = shared
    address = f"{url}/attachments/{room_id}/{attachment_id}/{quote(shared.name)}"
    return {
        "id": attachment_id,
        "filename": shared.name,
        "size": len(shared.content),
        "url": address,
        "proxy_url": address,
        "content_type": shared.mimetype,
        "content_scan_version": 0,
    }
