"""The command line."""

from bridge.cli.commands import main

__all__ = ["main"]
