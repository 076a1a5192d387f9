"""The simulated Slack as a whole: one server on loopback."""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Self

from aiohttp import web

from adapters.slack.simulator import files, methods_files
from adapters.slack.simulator.delivery import ACK_TIMEOUT, RETRY_SCHEDULE, Journal
from adapters.slack.simulator.events_api import EventsApi
from adapters.slack.simulator.faults import Faults
from adapters.slack.simulator.listener import Listener
from adapters.slack.simulator.people import People
from adapters.slack.simulator.publisher import Publisher
from adapters.slack.simulator.rate_limit import Limiter, PostRate
from adapters.slack.simulator.socket_mode import SocketMode
from adapters.slack.simulator.web_api import Call, Tokens, WebApi
from adapters.slack.simulator.workspace import Workspace
from bridge.testing.simulator import Said, Simulator


class SlackServer(People):
    """A Slack workspace with one installed app, which the real slack-bolt and slack-sdk take for Slack.

    Events go to the app's sockets, or, with `events_url`, as signed posts to that URL. Messages are answered for and
    delivered in the order they are written. `retry_schedule` (seconds before each retry) and `ack_timeout` (seconds)
    are Slack's rules of redelivery, the first one shortened by default. `scopes=None` grants every scope. An uploaded
    file is shown `share_seconds` after Slack answered. Sockets are given events in turn, or by `chance`.
    Implements `bridge.testing.simulator.Simulator`.
    """

    source = "slack"

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        rate_limits: bool = True,
        post_rate: PostRate | None = None,
        events_url: str | None = None,
        retry_schedule: Sequence[float] = RETRY_SCHEDULE,
        ack_timeout: float = ACK_TIMEOUT,
        scopes: Collection[str] | None = None,
        record_calls: bool = True,
        share_seconds: float = 0.0,
        chance: random.Random | None = None,
        bot_name: str = "threadbridge",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.bot_token = "xoxb-simulated-demo"  # noqa: S105 - opens nothing but this simulator
        self.app_token = "xapp-1-A0DEMO0001-simulated-demo"  # noqa: S105
        self.signing_secret = "simulated-signing-secret-demo"  # noqa: S105
        self.faults = Faults()
        self.uploads = files.Uploads()
        self._share_seconds = share_seconds
        self.journal = Journal()
        self.workspace = Workspace(bot_name=bot_name, clock=clock)
        granted = None if scopes is None else frozenset(scopes)
        self.sockets = SocketMode(
            self.faults,
            self.journal,
            app_id=self.workspace.app_id,
            schedule=retry_schedule,
            ack_timeout=ack_timeout,
            chance=chance,
        )
        self.events_api: EventsApi | None = None
        if events_url is not None:
            self.events_api = EventsApi(
                events_url,
                self.faults,
                self.journal,
                signing_secret=self.signing_secret,
                schedule=retry_schedule,
                ack_timeout=ack_timeout,
            )
        self.transport = self.events_api or self.sockets
        self.publisher = Publisher(self.workspace, self.transport, self.journal)
        self._web_api = WebApi(
            self.publisher,
            self.faults,
            Tokens(bot=self.bot_token, app=self.app_token),
            open_connection=self._connection_url,
            limiter=Limiter(post_rate or PostRate(), time.monotonic) if rate_limits else None,
            scopes=granted,
            record_calls=record_calls,
            further=methods_files.methods(self.uploads, lambda: self.url, self._later),
        )
        downloads = files.Downloads(self.workspace, self.faults, self.bot_token, granted)
        self._listener = Listener(host, port, self.sockets, self.faults)
        self._listener.application.add_routes(
            [
                web.route("*", "/api/{method}", self._web_api.handle),
                web.post("/upload/v1/{file}", self.uploads.handle),
                web.get("/files-pri/{file}/{name}", downloads.handle),
                web.get("/files-pri/download/{file}/{name}", downloads.handle),
            ]
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens; `url` is known from then on. A stopped simulator does not start again: make a new one."""
        await self._listener.start()

    async def stop(self) -> None:
        """Closes every connection and the port, and ends every retry."""
        if self.events_api is not None:
            await self.events_api.stop()
        await self._listener.stop()

    @property
    def application(self) -> web.Application:
        """The server's routes; more may be added before it starts."""
        return self._listener.application

    @property
    def url(self) -> str:
        """`http://host:port`, without a slash at the end."""
        return self._listener.url

    @property
    def api_base(self) -> str:
        """What goes into `AsyncWebClient(base_url=…)`."""
        return f"{self.url}/api/"

    @property
    def calls(self) -> list[Call]:
        """The app's API calls, oldest first; empty with `record_calls=False`."""
        return self._web_api.calls

    def settings(self) -> Mapping[str, object]:
        """The `[channels.slack]` table that leads the adapter here."""
        return {
            "type": "slack",
            "mode": "http" if self.events_api else "socket",
            "bot_token": "env:SLACK_BOT_TOKEN",
            "app_token": "env:SLACK_APP_TOKEN",
            "signing_secret": "env:SLACK_SIGNING_SECRET",
            "api_base": self.api_base,
        }

    def secrets(self) -> Mapping[str, str]:
        """The environment that `settings` refers to."""
        return {
            "SLACK_BOT_TOKEN": self.bot_token,
            "SLACK_APP_TOKEN": self.app_token,
            "SLACK_SIGNING_SECRET": self.signing_secret,
        }

    async def say(self, person: str, text: str, *, thread: str | None = None) -> Said:
        """Mentions the bot in #general, or answers in the thread as it is."""
        if thread is None:
            return self.say_in(person, text, mention=True)
        room, root = self._thread(thread)
        return self._write(person, room, text, thread_ts=root)

    async def redeliver(self, *, new_event_id: bool = False) -> None:
        """The newest event again, as a retry: the same event in a new envelope, or even under a new event id."""
        self.publisher.redeliver(new_event_id=new_event_id)

    def refuse_posts(self, refuse: bool) -> None:
        """While true, `chat.postMessage` and `files.completeUploadExternal` answer HTTP 503 and show nothing."""
        self.faults.refuse_posts = refuse

    def end_streams(self) -> None:
        """Slack ends every message that is still written bit by bit."""
        for room in self.workspace.rooms.values():
            for message in room.messages.values():
                message.stream = None

    def read(self, thread: str) -> Sequence[Said]:
        """The thread's messages, oldest first."""
        room, root = self._thread(thread)
        return [self.publisher.said(message) for message in self.workspace.thread(room, root)]

    def watch(self, seen: Callable[[Said], None]) -> None:
        """Calls `seen` with every message from now on, and again (`edited=True`) when a text changes."""
        self.publisher.watchers.append(seen)

    async def connected(self, count: int = 1) -> None:
        """Returns once so many sockets are open (deaf ones, too); at once with `events_url`."""
        if self.events_api is None:
            await self.until(lambda: self.connections() >= count)

    def connections(self) -> int:
        """How many sockets are given events."""
        return self.sockets.connections()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once the condition holds; it is looked at after every message, delivery and acknowledgement."""
        await self.journal.changes.until(condition)

    async def settled(self) -> None:
        """Returns once no event waits for an acknowledgement, a retry or a connection."""
        await self.until(lambda: self.transport.unacked() == 0)

    def _later(self, share: Callable[[], None]) -> None:
        if self._share_seconds:
            asyncio.get_running_loop().call_later(self._share_seconds, share)
        else:
            share()

    def _connection_url(self) -> str:
        url = self.url.replace("http", "ws", 1)
        return f"{url}/link/?ticket={self.sockets.new_ticket()}&app_id={self.workspace.app_id}"


_IMPLEMENTS: type[Simulator] = SlackServer
