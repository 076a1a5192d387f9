"""The simulated Discord as a whole: one server on loopback, and people who write."""

import time
from collections.abc import Callable, Mapping
from typing import Self

from aiohttp import web

from adapters.discord.simulator.api import Api, Nonces
from adapters.discord.simulator.faults import Faults
from adapters.discord.simulator.files import Downloads
from adapters.discord.simulator.gateway import Gateway
from adapters.discord.simulator.guild import Guild, Person
from adapters.discord.simulator.journal import Journal
from adapters.discord.simulator.owner import DEFAULT_ROOM
from adapters.discord.simulator.people import DEFAULT_FORUM, People
from adapters.discord.simulator.publisher import Publisher
from adapters.discord.simulator.rate_limit import Limiter, PostRate
from adapters.discord.simulator.rest import BASE, Call, Rest
from adapters.discord.simulator.sessions import SessionLimits
from bridge.testing.simulator import Simulator

MAX_BODY = 32 * 1024 * 1024  # bytes

SHUTDOWN_TIMEOUT = 1.0  # seconds for calls under way when the server stops


class DiscordServer(People):
    """A guild with one installed app, which the real discord.py takes for Discord.

    `post_rate` limits posts and edits in each channel. `heartbeat_interval` is in seconds. Without `message_content`
    the app has not that privileged intent. A session without a connection can be resumed for `session_seconds` and
    keeps at most `session_events` events. For `nonce_seconds` an enforced nonce gives the same message.
    `max_concurrency` is how many times within five seconds the app may identify; with None it is never refused.
    Implements `bridge.testing.simulator.Simulator`.
    """

    source = "discord"

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        rate_limits: bool = True,
        post_rate: PostRate | None = None,
        heartbeat_interval: float = 41.25,
        message_content: bool = True,
        session_seconds: float = 120.0,
        session_events: int = 10_000,
        nonce_seconds: float = 300.0,
        max_concurrency: int | None = None,
        record_calls: bool = True,
        bot_name: str = "threadbridge",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.token = "simulated.demo.token"  # noqa: S105 - opens nothing but this simulator
        self.faults = Faults()
        self.journal = Journal()
        self.guild = Guild(bot_name=bot_name, clock=clock)
        self.guild.add_room(DEFAULT_ROOM)
        self.guild.add_room(DEFAULT_FORUM, "forum")
        self.gateway = Gateway(
            self.guild,
            self.faults,
            self.journal,
            token=self.token,
            heartbeat_interval=heartbeat_interval,
            message_content=message_content,
            limits=SessionLimits(session_seconds, session_events),
            max_concurrency=max_concurrency,
        )
        api = Api(
            Publisher(self.guild, self.gateway.dispatch),
            self.gateway,
            Nonces(nonce_seconds),
            message_content,
            lambda: self.url,
        )
        super().__init__(api)
        self.watch(lambda _: self.journal.changes.notify())
        limiter = Limiter(post_rate or PostRate()) if rate_limits else None
        self._rest = Rest(
            api, self.faults, self.journal.changes, token=self.token, limiter=limiter, record_calls=record_calls
        )
        self.url = ""
        """`http://host:port`, without a slash at the end."""
        self.application = web.Application(client_max_size=MAX_BODY)
        """The server's routes; more may be added before it starts."""
        self._rest.add_to(self.application)
        downloads = Downloads(self.guild, self.faults)
        self.application.add_routes(
            [
                web.get("/gateway/", self._gateway),
                web.get("/attachments/{room}/{attachment}/{name}", downloads.handle),
            ]
        )
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens; `url` is known from then on. A stopped simulator does not start again: make a new one."""
        self._runner = web.AppRunner(self.application, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, backlog=4096, reuse_address=True).start()
        address = f"{self._host}:{self._runner.addresses[0][1]}"
        self.url = f"http://{address}"
        self.gateway.url = f"ws://{address}/gateway/"

    async def stop(self) -> None:
        """Closes every connection and the port."""
        await self.gateway.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def api_base(self) -> str:
        """What goes into `discord.http.Route.BASE`."""
        return f"{self.url}{BASE}"

    @property
    def bot(self) -> Person:
        """The app's user."""
        return self.guild.bot

    @property
    def application_id(self) -> str:
        """The app; not the id of its user."""
        return self.guild.application_id

    @property
    def calls(self) -> list[Call]:
        """The app's REST calls, oldest first; empty with `record_calls=False`."""
        return self._rest.calls

    def settings(self) -> Mapping[str, object]:
        """The `[channels.discord]` table that leads the adapter here."""
        return {"type": "discord", "token": "env:DISCORD_TOKEN", "api_base": self.api_base}

    def secrets(self) -> Mapping[str, str]:
        """The environment that `settings` refers to."""
        return {"DISCORD_TOKEN": self.token}

    def refuse_posts(self, refuse: bool) -> None:
        """While true, posting a message answers HTTP 503 and shows nothing."""
        self.faults.refuse_posts = refuse

    async def connected(self, count: int = 1) -> None:
        """Returns once so many sessions are ready or resumed, all of their start sent (on deaf connections, too)."""
        await self.until(lambda: self.connections() >= count)

    def connections(self) -> int:
        """How many sessions have a connection and are told everything."""
        return len(self.gateway.ready())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once the condition holds; it is looked at after every event, heartbeat, connection and end of one."""
        await self.journal.changes.until(condition)

    async def settled(self) -> None:
        """Returns once every connected client has received everything that was sent to it.

        By WebSocket pings, which are answered in their turn: discord.py delays its answers to more than 110 heartbeat
        requests a minute.
        """
        await self.gateway.settled()

    def heartbeats(self) -> list[list[float]]:
        """When each connected client sent its heartbeats, in `time.monotonic` seconds."""
        return [list(connection.heartbeats) for connection in self.gateway.connections]

    def worst_heartbeat_delay(self) -> float:
        """The longest time by which any heartbeat was late, in seconds; 0 where none was."""
        return max(0.0, self.gateway.worst_ended_delay, *(each.heartbeat_delay() for each in self.gateway.connections))

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        if self.faults.blackout and request.transport is not None:
            request.transport.abort()
            return web.Response(status=503)
        return await self.gateway.handle(request)


_IMPLEMENTS: type[Simulator] = DiscordServer
