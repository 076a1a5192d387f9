"""What every channel that sends files promises, as tests: beside `ChannelContract`, with the same fixtures."""

import contextlib
from collections.abc import Sequence
from typing import Protocol

import pytest

from bridge import files
from bridge.abilities import CanFindSent, CanSendFiles
from bridge.channel import Channel, MessageRef
from bridge.errors import FileRefused, OutcomeUnknown
from bridge.files import File
from bridge.testing.channel_contract import Inbox, Platform, delivery, heard, listening


class UploadsPlatform(Platform, Protocol):
    """A platform that shows files."""

    def files(self, ref: MessageRef) -> Sequence[bytes]:
        """What people get who open the files of that message."""
        ...

    def lose_next_files_answer(self) -> None:
        """The next file appears, but the connection ends before the platform answers."""
        ...


@pytest.mark.asyncio
class UploadsContract:
    """The promises of `CanSendFiles`."""

    async def test_it_sends_files(self, channel: Channel) -> None:
        """As far as is known before the platform was asked."""
        assert isinstance(channel, CanSendFiles)
        assert channel.sends_files()
        assert channel.file_bytes > 0

    @pytest.mark.parametrize(
        "file",
        [
            File("answer.md", "text/markdown", "Ümläute, 日本語 & <!channel> 🦞\n".encode() * 9),
            File("a chart (1).png", "image/png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 16_384),
            File("Übersicht 日本語.csv", "text/csv", b"a;b\n"),
            File("noend", "application/octet-stream", b"\0"),
        ],
        ids=lambda file: file.name,
    )
    async def test_a_file_is_posted_as_it_is(self, channel: Channel, platform: UploadsPlatform, file: File) -> None:
        """One message, which holds exactly these bytes, after what was said before."""
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            root, envelope = await heard(platform, inbox)
            await channel.send(delivery(envelope, channel.render("first")[0], "d1"))
            ref = await channel.send(delivery(envelope, files.payload(file), "d2"))
            posted = [said for said in platform.simulator.read(root.thread) if said.by_bot]
            assert platform.message(ref) == posted[1]
            assert (len(posted), list(platform.files(ref))) == (2, [file.content])
        assert {one.text for one, _ in inbox.taken} == {envelope.text}

    async def test_a_file_whose_answer_was_lost_is_posted_once(
        self, channel: Channel, platform: UploadsPlatform
    ) -> None:
        """It is found, or posting it again posts nothing more."""
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            root, envelope = await heard(platform, inbox)
            payload = files.payload(File("answer.md", "text/markdown", b"whole"))
            first = await channel.send(delivery(envelope, payload, "dfirst"))
            lost = delivery(envelope, payload, "dlost")
            platform.lose_next_files_answer()
            with pytest.raises(OutcomeUnknown):
                await channel.send(lost)
            again = await channel.find_sent(lost) if isinstance(channel, CanFindSent) else [await channel.send(lost)]
            posted = [said for said in platform.simulator.read(root.thread) if said.by_bot]
            assert [platform.message(ref) for ref in again if ref != first] == posted[1:]
            assert len(posted) == 2

    async def test_a_file_that_was_never_posted_is_not_found(self, channel: Channel, platform: UploadsPlatform) -> None:
        """Neither by another one's name nor by another one's words."""
        if not isinstance(channel, CanFindSent):
            pytest.skip("this channel cannot look for what it sent")
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            _, envelope = await heard(platform, inbox)
            await channel.send(delivery(envelope, channel.render("answer.md")[0], "d0"))
            await channel.send(delivery(envelope, files.payload(File("a.md", "text/markdown", b"one")), "d1"))
            other = files.payload(File("b.md", "text/markdown", b"two"))
            assert list(await channel.find_sent(delivery(envelope, other, "d2"))) == []

    async def test_an_empty_file_is_posted_or_refused(self, channel: Channel, platform: UploadsPlatform) -> None:
        """And never tried for ever."""
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            _, envelope = await heard(platform, inbox)
            with contextlib.suppress(FileRefused):
                await channel.send(delivery(envelope, files.payload(File("e.txt", "text/plain", b"")), "d1"))
