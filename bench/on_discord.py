"""Discord, as the benchmark needs it."""

from collections.abc import Callable, Mapping

from adapters.discord.simulator import DiscordSimulator
from adapters.discord.simulator.guild import ANNOUNCEMENTS, Message
from bench.protocol import Beating, Known, Limited, Spoken
from bridge.session import thread_session

ROOM = "bench"
HEARTBEAT_SECONDS = 41.25
"""What Discord asks for: https://docs.discord.com/developers/events/gateway#heartbeat-interval."""


class OnDiscord:
    """Everything happens in one room. A thread is named as the simulator names it: `ROOM/THREAD`."""

    name = "discord"
    bare = "bare_discord.py"
    redelivers = False

    def __init__(self, heartbeat_seconds: float = HEARTBEAT_SECONDS, *, limited: bool = False) -> None:
        self.simulator = DiscordSimulator(
            rate_limits=limited, record_calls=limited, heartbeat_interval=heartbeat_seconds
        )
        self.simulator.guild.add_room(ROOM)

    async def connected(self, count: int) -> None:
        await self.simulator.connected(count)

    def bare_environment(self) -> Mapping[str, str]:
        return {"DISCORD_API_BASE": self.simulator.api_base, "DISCORD_GATEWAY": self.simulator.gateway.url}

    def say(self, person: str, text: str, thread: str | None) -> Spoken:
        said = self.simulator.say_in(person, text, room=ROOM, thread=thread, mention=thread is None)
        return Spoken(said.thread, self.simulator.journal.emitted_at[said.id])

    def old_threads(self, count: int) -> list[str]:
        """They are archived, as threads are a day after the last message; a new one makes them active again."""
        guild = self.simulator.guild
        room, person = self.simulator.room(ROOM), guild.person("Person 0")
        threads: list[str] = []
        for _ in range(count):
            mention = guild.post(room, Message(room.id, person, f"<@{guild.bot.id}> hello", mentions=[guild.bot.id]))
            opened = guild.open_thread(room, "hello", guild.bot, starter=mention)
            guild.post(opened, Message(opened.id, guild.bot, "You said: hello"))
            guild.set_archived(opened, archived=True)
            threads.append(mention.thread)
        return threads

    def known(self, thread: str) -> Known:
        guild, (room, _, root) = self.simulator.guild.id, thread.partition("/")
        return Known(thread_session("discord", guild, root), f"{guild}/{room}/{root}")

    def on_answer(self, seen: Callable[[str, str], None]) -> None:
        def posted(message: Message) -> None:
            if message.type not in ANNOUNCEMENTS:  # what Discord itself shows where a thread was opened
                seen(message.thread, message.content)

        self.simulator.on_post(posted)

    def delivered(self) -> int:
        return self.simulator.journal.deliveries

    def worst_heartbeat_delay(self) -> float:
        return self.simulator.worst_heartbeat_delay()

    def heartbeats(self) -> int:
        return sum(map(len, self.simulator.heartbeats()))

    def connections_lost(self) -> int:
        return len(self.simulator.journal.close_codes)

    def refused(self) -> list[str]:
        return [call.name for call in self.simulator.calls if call.status == 429]

    def edited(self) -> int:
        return len({call.path for call in self.simulator.calls if call.name == "message.edit"})


_proof: tuple[type[Beating], type[Limited]] = (OnDiscord, OnDiscord)
