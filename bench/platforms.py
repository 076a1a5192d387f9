"""The platforms there are, by their names."""

from collections.abc import Callable, Mapping

from bench.on_discord import OnDiscord
from bench.on_slack import OnSlack
from bench.protocol import Beating, Limited, Platform

PLATFORMS: Mapping[str, Callable[[], Platform]] = {"slack": OnSlack, "discord": OnDiscord}
LIMITED: Mapping[str, Callable[[], Limited]] = {
    "slack": lambda: OnSlack(limited=True),
    "discord": lambda: OnDiscord(limited=True),
}
BEATING: Mapping[str, Callable[[float], Beating]] = {"discord": OnDiscord}
"""Those that want heartbeats, made with the seconds between two of them."""
