"""Slack, as the benchmark needs it."""

from collections.abc import Callable, Mapping

from adapters.slack.simulator import SlackSimulator
from adapters.slack.simulator.rate_limit import PostRate
from adapters.slack.simulator.workspace import Message
from bench.protocol import Known, Limited, Spoken
from bridge.session import thread_session

ROOM = "#bench"


class OnSlack:
    """Everything happens in one room. A thread is named by its `ts`."""

    name = "slack"
    bare = "bare_bolt.py"
    redelivers = True

    def __init__(self, limited: bool = False) -> None:
        """`limited`: each method's calls per minute are, not the posts, which are all in one room."""
        self.simulator = SlackSimulator(
            rate_limits=limited, post_rate=PostRate(per_second=1e6, burst=10**6), record_calls=limited
        )

    async def connected(self, count: int) -> None:
        await self.simulator.connected(count)

    def bare_environment(self) -> Mapping[str, str]:
        return {"SLACK_API_BASE": self.simulator.api_base}

    def say(self, person: str, text: str, thread: str | None) -> Spoken:
        said = self.simulator.say_in(person, text, room=ROOM, thread_ts=thread, mention=thread is None)
        return Spoken(thread or said.id, self.simulator.journal.emitted_at[said.id])

    def old_threads(self, count: int) -> list[str]:
        workspace = self.simulator.workspace
        room, person = workspace.room(ROOM), workspace.person("Person 0")
        drafts = (Message(room.id, "", person.id, f"<@{workspace.bot.id}> hello") for _ in range(count))
        return [workspace.post(room, draft).ts for draft in drafts]

    def known(self, thread: str) -> Known:
        workspace = self.simulator.workspace
        room = workspace.room(ROOM).id
        return Known(thread_session("slack", workspace.team_id, room, thread), f"{workspace.team_id}/{room}/{thread}")

    def on_answer(self, seen: Callable[[str, str], None]) -> None:
        self.simulator.on_post(lambda message: seen(message.thread_ts, message.text))

    def delivered(self) -> int:
        return self.simulator.journal.deliveries

    def refused(self) -> list[str]:
        return [call.method for call in self.simulator.calls if call.status == 429]

    def edited(self) -> int:
        changing = ("chat.update", "chat.appendStream")
        return len({call.args["ts"] for call in self.simulator.calls if call.method in changing})


_proof: type[Limited] = OnSlack
