"""The Slack channel keeps the promises of every channel, over Socket Mode."""

import pytest

from adapters.slack import uploads
from adapters.slack.channel import SlackChannel
from adapters.slack.simulator import SharedFile, SlackSimulator
from bridge.channel import MessageRef, Payload
from bridge.testing.channel_contract import ChannelContract
from bridge.testing.files_contract import FilesContract
from bridge.testing.lease_contract import LeaseContract
from bridge.testing.simulator import Said
from bridge.testing.uploads_contract import UploadsContract
from tests.slack.conftest import channel_for


class SlackPlatform:
    """The simulated Slack as the contract wants it."""

    max_chars = 4_000
    acknowledges = True

    def __init__(self, simulator: SlackSimulator) -> None:
        self.simulator = simulator

    def impostors(self) -> list[SlackChannel]:
        return [channel_for(self.simulator, **{name: "wrong"}) for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")]

    def size(self, payload: Payload) -> int:
        return len(payload["text"])

    def text(self, payload: Payload) -> str:
        text: str = payload["text"]
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

    def message(self, ref: MessageRef) -> Said | None:
        room, _, ts = ref.partition("/")
        message = self.simulator.workspace.rooms[room].messages.get(ts)
        return self.simulator.publisher.said(message) if message else None

    def acknowledged(self) -> int:
        return self.simulator.journal.acked

    async def settled(self) -> None:
        await self.simulator.settled()

    def lose_next_answer(self) -> None:
        self.simulator.faults.lose_answer("chat.postMessage")

    def limit_next_post(self, seconds: int) -> None:
        self.simulator.faults.rate_limit("chat.postMessage", retry_after=seconds)

    def attach(self, name: str, content: bytes, media_type: str) -> None:
        self.simulator.say_in("Ada", "look", mention=True, files=[SharedFile(name, content, media_type)])

    def files(self, ref: MessageRef) -> list[bytes]:
        room, _, ts = ref.partition("/")
        files = self.simulator.workspace.rooms[room].messages[ts].files
        return [self.simulator.workspace.contents[file["id"]] for file in files]

    def lose_next_files_answer(self) -> None:
        self.simulator.faults.lose_answer("files.completeUploadExternal")

    def cut_off(self) -> None:
        self.simulator.faults.blackout = True


class TestSlackChannel(ChannelContract, LeaseContract, UploadsContract):
    @pytest.fixture
    def platform(self, simulator: SlackSimulator) -> SlackPlatform:
        return SlackPlatform(simulator)


class TestSlackFiles(FilesContract):
    @pytest.fixture
    def platform(self, simulator: SlackSimulator, monkeypatch: pytest.MonkeyPatch) -> SlackPlatform:
        monkeypatch.setattr(uploads, "LOOKS", (0.01, 0.01))
        return SlackPlatform(simulator)
