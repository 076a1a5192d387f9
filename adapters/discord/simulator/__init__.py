"""A local Discord: REST API and gateway on 127.0.0.1, for demo, tests and benchmarks."""

from adapters.discord.simulator.control import DiscordSimulator
from adapters.discord.simulator.faults import Faults
from adapters.discord.simulator.guild import SharedFile

__all__ = ["DiscordSimulator", "Faults", "SharedFile"]
