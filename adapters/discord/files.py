"""The content of attached files: from Discord's CDN alone, and without the token.

Their addresses are signed and expire; a message that is fetched anew has fresh ones.
https://docs.discord.com/developers/reference#signed-attachment-cdn-urls
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from adapters.discord import attached
from adapters.discord.client import DiscordClient
from bridge import download
from bridge.abilities import Attachment
from bridge.envelope import Envelope
from bridge.errors import Rejected
from bridge.foreign import dig, text_at

CDN = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
"""`url` and `proxy_url`: https://docs.discord.com/developers/reference#signed-attachment-cdn-urls"""
EXPIRED = frozenset({403, 404, 410})
ELSEWHERE = "it is not on Discord itself; download it and attach it"
GONE = "Discord does not hand it over any more; attach it again"


class Files:
    """Describes and fetches what people attach."""

    def __init__(self, client: DiscordClient, api_base: str) -> None:
        self._client = client
        self._hosts = download.Hosts(origin=api_base, names=CDN)

    @staticmethod
    def attached(envelope: Envelope) -> Sequence[Attachment]:
        """What is attached to that message. Pure."""
        return list(attached.files(_message(envelope)))

    async def fetch(self, envelope: Envelope, attachment: Attachment, most: int) -> bytes | None:
        """The content, or None if it is longer than `most` bytes. Raises ChannelError."""
        answer = await self._get(attachment, most)
        if answer.status in EXPIRED:
            answer = await self._get(await self._fresh(envelope, attachment), most)
        if answer.status != 200:
            raise Rejected(GONE)
        return answer.content

    async def _get(self, attachment: Attachment, most: int) -> download.Answer:
        address = self._hosts.address(attachment.address)
        if address is None:
            raise Rejected(ELSEWHERE)
        return await download.get(address, most)

    async def _fresh(self, envelope: Envelope, attachment: Attachment) -> Attachment:
        """The same with an address that did not expire. Raises Rejected if the message, or this in it, is gone."""
        message = _message(envelope)
        channel, own = text_at(message, "channel_id"), text_at(message, "id")
        if channel is None or own is None:
            raise Rejected(GONE)
        try:
            now = await self._client.message(channel, own)
        except Rejected as error:
            raise Rejected(GONE, code=error.code) from error
        for one in attached.files(now):
            if one.id == attachment.id:
                return one
        raise Rejected(GONE)


def _message(envelope: Envelope) -> Mapping[str, Any]:
    """The message that the envelope was made of: in what the gateway sent, or by itself as the history gives it."""
    sent = dig(envelope.raw, "d")
    return cast("Mapping[str, Any]", sent) if isinstance(sent, Mapping) else envelope.raw
