"""A Slack workspace, the real program, a real OpenClaw gateway, and a model of ours behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.slack.simulator import SlackSimulator
from tests.journeys.program import SlackWorld
from tests.openclaw.gateway import Gateway
from tests.openclaw.model import Asked, Model


@dataclass(slots=True)
class OpenClaw:
    """The agent as a world wants it."""

    gateway: Gateway
    model: Model

    @property
    def api_key(self) -> str:
        return self.gateway.api_key

    @property
    def requests(self) -> list[Asked]:
        """What came to the model."""
        return self.model.requests

    def release(self) -> None:
        self.model.release()


class OpenClawWorld(SlackWorld):
    """Threads of Slack that are sessions of OpenClaw."""

    patience = 400.0
    agent: OpenClaw  # type: ignore[assignment]

    def __init__(self, folder: Path, platform: SlackSimulator, openclaw: OpenClaw) -> None:
        super().__init__(folder, platform, openclaw)  # type: ignore[arg-type]

    @property
    def gateway(self) -> Gateway:
        return self.agent.gateway

    @property
    def model(self) -> Model:
        return self.agent.model

    def agent_section(self) -> Mapping[str, object]:
        return {"type": "openclaw", "base_url": self.gateway.base_url, "api_key": "env:AGENT_KEY"}
