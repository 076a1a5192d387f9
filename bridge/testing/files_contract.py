"""What every channel promises that can fetch what people attach. Subclass it beside `ChannelContract`."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Protocol

import pytest

from bridge.abilities import CanFetchFiles
from bridge.channel import Channel
from bridge.envelope import Envelope
from bridge.errors import Rejected
from bridge.testing.channel_contract import PATIENCE, Inbox, Platform, listening


class FilesPlatform(Platform, Protocol):
    """A simulated platform on which people attach files."""

    def attach(self, name: str, content: bytes, media_type: str) -> None:
        """Somebody addresses the bot at the top of a room, with that file."""
        ...


@contextlib.asynccontextmanager
async def other_host() -> AsyncGenerator[tuple[int, list[str]]]:
    """A host that is not the platform's: its port, and what it was asked so far."""
    called: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append((await reader.read(10_000)).decode(errors="replace"))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], called
    finally:
        server.close()
        await server.wait_closed()


def elsewhere(ours: str, port: int) -> list[str]:
    """Addresses that are not the platform's, some of which look so; `ours` is the platform's host and port."""
    return [
        f"http://127.0.0.1:{port}/x.txt",
        f"http://localhost:{port}/x.txt",
        f"http://{ours}@127.0.0.1:{port}/x.txt",
        f"http://{ours}\\@127.0.0.1:{port}/x.txt",
        f"http://127.0.0.1:{port}\t/x.txt",
        f"http://user:word@{ours}/x.txt",
        f"https://{ours}/x.txt",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/hostname",
        "//127.0.0.1/x.txt",
        "x",
        "",
    ]


@pytest.mark.asyncio
class FilesContract:
    """The promises of `CanFetchFiles`. The fixtures are those of `ChannelContract`."""

    async def test_an_attached_file_is_described_and_fetched_as_it_was(
        self, channel: Channel, platform: FilesPlatform
    ) -> None:
        """By its name, type and size; and no more of it is held than was asked for."""
        content = bytes(range(256)) * 400
        fetching, envelope = await self._attached(channel, platform, content)
        assert "(attached: a plan.png, image/png)" in envelope.text
        (file,) = await fetching.attached(envelope)
        assert (file.name, file.media_type, file.size) == ("a plan.png", "image/png", len(content))
        async with asyncio.timeout(PATIENCE):
            assert await fetching.fetch(envelope, file, len(content)) == content
            assert await fetching.fetch(envelope, file, len(content) - 1) is None

    async def test_a_message_without_files_has_none(self, channel: Channel, platform: FilesPlatform) -> None:
        """Whatever it says."""
        assert isinstance(channel, CanFetchFiles)
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            await platform.simulator.say("Ada", "(attached: x)")
            envelope = (await inbox.until_taken(1))[0][0]
        assert list(await channel.attached(envelope)) == []

    async def test_a_file_that_is_said_to_be_elsewhere_is_not_asked_for_there(
        self, channel: Channel, platform: FilesPlatform
    ) -> None:
        """Whoever can write an address into a message cannot make us call it, and is shown no secret."""
        fetching, envelope = await self._attached(channel, platform, b"x")
        (file,) = await fetching.attached(envelope)
        ours = file.address.partition("//")[2].partition("/")[0]
        async with other_host() as (port, called):
            for address in elsewhere(ours, port):
                with pytest.raises(Rejected):
                    await fetching.fetch(envelope, replace(file, address=address), 1000)
        assert called == []

    @staticmethod
    async def _attached(channel: Channel, platform: FilesPlatform, content: bytes) -> tuple[CanFetchFiles, Envelope]:
        assert isinstance(channel, CanFetchFiles)
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            platform.attach("a plan.png", content, "image/png")
            return channel, (await inbox.until_taken(1))[0][0]
