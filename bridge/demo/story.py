"""The demo's short story: two people, two threads, a redelivery, and a crash of the bridge in the middle."""

from rich.console import Console

from bridge.demo.stage import DemoError, Stage, in_time
from bridge.demo.threads import Onlooker
from bridge.testing.simulator import Simulator


async def story(stage: Stage, out: Console) -> None:
    """Plays it on every platform and checks its end. Raises DemoError if anything was lost, doubled or mixed up."""
    for name, simulator in stage.simulators.items():
        out.print(f"\n[bold reverse] {name} [/bold reverse]")
        await _Story(stage, simulator, out).play()
    out.print("\n[bold]sessions in the store[/bold]")
    for one in stage.sessions():
        out.print(f"   {one.session}: {one.turns} turns, {one.waiting} waiting, {one.unposted} unposted")
    out.print("\n[bold green]Every message was answered once, in order, in its own thread.[/bold green]")


class _Story:
    def __init__(self, stage: Stage, simulator: Simulator, out: Console) -> None:
        self._stage = stage
        self._simulator = simulator
        self._out = out
        self._threads = Onlooker(simulator, out)

    async def play(self) -> None:
        say, answers = self._simulator.say, self._threads.answers
        self._title("Ada mentions the bot: a thread, a session")
        ada = (await say("Ada", "hello, I am counting apples")).thread
        await answers(ada, 1)

        self._title("Bo opens another thread: another session, which knows nothing of the first")
        bo = (await say("Bo", "what did I say before?")).thread
        self._expect("apples" not in (await answers(bo, 1))[0].text, "Bo's thread knows what Ada said")

        self._title("Ada writes on in her thread; no mention is needed now")
        await say("Ada", "what did I say before?", thread=ada)
        self._expect("apples" in (await answers(ada, 2))[1].text, "Ada's thread forgot what she said")

        self._title("The platform delivers that event again: it is the same message, so it is not answered twice")
        await self._simulator.redeliver()

        self._title("Nothing can be posted, an answer waits in the store, and the bridge is killed (SIGKILL)")
        self._simulator.refuse_posts(True)
        await say("Bo", "will this survive?", thread=bo)
        unposted = self._stage.until_sessions(lambda found: any(one.unposted for one in found))
        await in_time("the answer's entry in the store", unposted)
        killed = self._stage.pid
        await self._stage.kill_bridge()
        self._out.print(f"   [dim]process {killed} is dead; Ada goes on writing[/dim]")
        await say("Ada", "is anybody there?", thread=ada)
        self._simulator.refuse_posts(False)

        self._title("The bridge is started again: what was unposted is posted, what was unheard is heard")
        seconds = await self._stage.start_bridge()
        self._out.print(f"   [dim]process {self._stage.pid}, connected after {seconds:.1f} s[/dim]")
        await answers(bo, 2)
        await answers(ada, 3)
        settled = self._stage.until_sessions(lambda found: not any(one.unposted or one.waiting for one in found))
        await in_time("the end of all work", settled)
        self._expect(len(self._threads.by_bot(ada)) == 3, "Ada's thread has not exactly three answers")
        self._expect(len(self._threads.by_bot(bo)) == 2, "Bo's thread has not exactly two answers")

    def _title(self, title: str) -> None:
        self._out.print(f"\n[bold]{title}[/bold]")

    @staticmethod
    def _expect(true: bool, otherwise: str) -> None:
        if not true:
            raise DemoError(otherwise)
