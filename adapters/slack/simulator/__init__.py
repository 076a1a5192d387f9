"""A local Slack: Web API, Socket Mode and signed HTTP events on 127.0.0.1, for demo, tests and benchmarks."""

from adapters.slack.simulator.control import SlackSimulator
from adapters.slack.simulator.faults import Faults
from adapters.slack.simulator.workspace import SharedFile

__all__ = ["Faults", "SharedFile", "SlackSimulator"]
