"""The core of threadbridge: the way of a message from a thread to an agent and back. Knows no platform."""

__version__ = "0.1.0"
