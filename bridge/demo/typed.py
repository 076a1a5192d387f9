"""The demo at a terminal: one writes as a person in a thread and sees the answers."""

import asyncio
import sys

from rich.console import Console

from bridge.demo.stage import Stage
from bridge.demo.threads import Onlooker
from bridge.testing.simulator import Simulator

_HELP = """\
Write, and the bot is mentioned in a new thread; what you write next goes into that thread.
  /new          the next line opens another thread
  /as NAME      write as somebody else
  /on PLATFORM  go to another platform: {platforms}
  /again        the platform delivers the newest event once more
  /kill         kill the bridge with SIGKILL and start it again
  /sessions     what the store knows
  /quit         end (so does Ctrl-D)
"""


async def typed(stage: Stage, out: Console) -> None:
    """Until the person leaves."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    conversation = _Conversation(stage, out)
    conversation.help()
    await conversation.hold(lines)


class _Conversation:
    def __init__(self, stage: Stage, out: Console) -> None:
        self._stage = stage
        self._out = out
        self._person = "Ada"
        self._thread: str | None = None
        self._platform = next(iter(stage.simulators))
        self._onlookers = [Onlooker(simulator, out) for simulator in stage.simulators.values()]

    def help(self) -> None:
        """What can be typed."""
        self._out.print(_HELP.format(platforms=", ".join(self._stage.simulators)), markup=False)
        self._out.print(f"[dim]you are {self._person} on {self._platform}[/dim]")

    async def hold(self, lines: asyncio.StreamReader) -> None:
        while line := await lines.readline():
            text = line.decode("utf-8", "replace").strip()
            if text == "/quit":
                return
            if text:
                await self._one(text)

    @property
    def _simulator(self) -> Simulator:
        return self._stage.simulators[self._platform]

    async def _one(self, text: str) -> None:
        command, _, rest = text.partition(" ")
        match command:
            case "/new":
                self._thread = None
                self._out.print("[dim]the next line opens another thread[/dim]")
            case "/as" if rest.strip():
                self._person = rest.strip()
                self._out.print(f"[dim]you are {self._person} now[/dim]")
            case "/on" if rest.strip() in self._stage.simulators:
                self._platform, self._thread = rest.strip(), None
                self._out.print(f"[dim]you are on {self._platform} now; the next line opens another thread[/dim]")
            case "/again":
                await self._simulator.redeliver()
            case "/kill":
                await self._stage.kill_bridge()
                seconds = await self._stage.start_bridge()
                self._out.print(f"[dim]killed and started again, connected after {seconds:.1f} s[/dim]")
            case "/sessions":
                for one in self._stage.sessions():
                    self._out.print(f"   {one.session}: {one.turns} turns, {one.waiting} waiting", markup=False)
            case _ if command.startswith("/"):
                self.help()
            case _:
                said = await self._simulator.say(self._person, text, thread=self._thread)
                self._thread = said.thread
