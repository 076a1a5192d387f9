"""The Discord channel keeps the promises of every channel."""

import pytest

from adapters.discord.channel import DiscordChannel
from adapters.discord.simulator import DiscordSimulator, SharedFile
from bridge.channel import MessageRef, Payload
from bridge.testing.channel_contract import ChannelContract
from bridge.testing.files_contract import FilesContract
from bridge.testing.lease_contract import LeaseContract
from bridge.testing.simulator import Said
from bridge.testing.uploads_contract import UploadsContract
from tests.discord.conftest import channel_for


class DiscordPlatform:
    """The simulated Discord as the contract wants it."""

    max_chars = 2_000
    acknowledges = False

    def __init__(self, simulator: DiscordSimulator) -> None:
        self.simulator = simulator

    def impostors(self) -> list[DiscordChannel]:
        return [channel_for(self.simulator, DISCORD_TOKEN="wrong")]

    def size(self, payload: Payload) -> int:
        return len(payload["content"])

    def text(self, payload: Payload) -> str:
        text: str = payload["content"]
        return text

    def message(self, ref: MessageRef) -> Said | None:
        thread, _, message = ref.partition("/")
        name = f"{self.simulator.guild.threads[thread].parent.id}/{thread}"
        return next((said for said in self.simulator.read(name) if said.id == message), None)

    def acknowledged(self) -> int:
        raise AssertionError("Discord waits for no acknowledgement")

    async def settled(self) -> None:
        await self.simulator.settled()

    def lose_next_answer(self) -> None:
        self.simulator.faults.lose_answer("messages.create")

    def limit_next_post(self, seconds: int) -> None:
        self.simulator.faults.rate_limit("messages.create", retry_after=seconds)

    def attach(self, name: str, content: bytes, media_type: str) -> None:
        self.simulator.say_in("Ada", "look", mention=True, attachments=[SharedFile(name, content, media_type)])

    def files(self, ref: MessageRef) -> list[bytes]:
        thread, _, message = ref.partition("/")
        attached = self.simulator.guild.rooms[thread].messages[message].attachments
        return [self.simulator.guild.files[one["id"]].content for one in attached]

    def lose_next_files_answer(self) -> None:
        self.lose_next_answer()

    def cut_off(self) -> None:
        self.simulator.faults.blackout = True


class TestDiscordChannel(ChannelContract, LeaseContract, UploadsContract):
    @pytest.fixture
    def platform(self, simulator: DiscordSimulator) -> DiscordPlatform:
        return DiscordPlatform(simulator)


class TestDiscordFiles(FilesContract):
    @pytest.fixture
    def platform(self, simulator: DiscordSimulator) -> DiscordPlatform:
        return DiscordPlatform(simulator)
