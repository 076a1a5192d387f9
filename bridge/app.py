"""Wires the channels, the steps and the store together, and takes them down in order."""

import asyncio
import contextlib
import functools
import signal
import socket
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import structlog

from bridge import __version__, retry
from bridge.acknowledge import Acknowledging
from bridge.actions import CanShowButtons, CanTakeCommands, CanTellChanges
from bridge.backfill import Backfill
from bridge.changes import Changes
from bridge.channel import Channel, Hearing
from bridge.config import Config, load, store_url
from bridge.deliveries import Deliveries
from bridge.errors import ConfigError, StoreError
from bridge.instance import CanProbe, Instance, InstanceSettings
from bridge.instances.absent import AbsentInstance
from bridge.intake import Intake
from bridge.invocations import Invocations
from bridge.limits import Limiter
from bridge.listening import Listening
from bridge.memberships import Memberships
from bridge.orders import Orders
from bridge.peers import Company, Role, about
from bridge.presses import Presses
from bridge.registry import CHANNELS, INSTANCES, Registry
from bridge.reload import Reloading
from bridge.replies import Manner
from bridge.rules import Rules
from bridge.store.limits import BotLimit
from bridge.store.peers import About
from bridge.store.sqlstore import SqlStore
from bridge.turns import Shows, Turns
from bridge.web.routes import routes
from bridge.web.server import listen_on, serve
from bridge.work import Crew

_log = structlog.get_logger(__name__)

ABSENT = InstanceSettings(type="absent")
"""What stand-ins for removed instances are set to."""
VERIFY_SECONDS = 10.0
"""How long the start waits for what platforms say about secrets."""
PROBE_SECONDS = 60.0
"""Seconds between two looks at the instances."""


async def run(config: Config, only: Role | None = None) -> None:
    """Runs the bridge, or the part of it that is named, until SIGTERM or SIGINT, then drains.

    Raises ConfigError or StoreError, before anything is answered, for what can be known at the start.
    """
    for warning in config.warnings():
        _log.warning("config.warning", warning=warning)
    listening = listen_on(config.bridge.http) if config.bridge.http else None
    async with contextlib.AsyncExitStack() as stack:
        if listening is not None:
            stack.callback(listening.close)
        ours = about(config, only)
        store = await SqlStore.open(store_url(config), about=ours)
        stack.push_async_callback(store.close)
        channels = _create(CHANNELS, config.channels, config.channel_types)
        instances = _create(INSTANCES, config.instances, {n: s.type for n, s in config.instances.items()})
        for connection in [*channels.values(), *instances.values()]:
            stack.push_async_callback(connection.close)
        absent = await _absent(store, config) if ours.works else []
        bridge = _Bridge(config, store, channels, instances, absent, ours=ours)
        bridge.hear_signals()
        await bridge.unless_ended(_verify(channels))
        await bridge.run(listening)


def _create(group: str, sections: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    registry = Registry(group)
    return {name: registry[types[name]].create(name, section) for name, section in sections.items()}


def _read_again(config: Config) -> Config:
    return load(config.path, channel_types=Registry(CHANNELS), instance_types=Registry(INSTANCES))


async def _absent(store: SqlStore, config: Config) -> list[Instance]:
    """Stand-ins for instances that open turns wait for and no process's configuration names any more."""
    setups = [peer.about for peer in store.peers.alive]
    instances, channels = await store.unconfigured(
        [*config.instances, *(name for about in setups for name in about.instances)],
        [*config.channels, *(name for about in setups for name in about.channels)],
    )
    for name in channels:
        _log.warning("channel.absent", channel=name, remedy=f"answers wait for [channels.{name}]: configure it again")
    for name in instances:
        _log.warning("instance.absent", instance=name, remedy="what waits for it is refused in its thread")
    return [AbsentInstance(name) for name in instances]


async def _verify(channels: Mapping[str, Channel]) -> None:
    """Raises ConfigError with what every platform says about its secrets; one that is slow is not waited for."""
    asked = [asyncio.create_task(channel.verify()) for channel in channels.values()]
    try:
        if asked:
            await asyncio.wait(asked, timeout=VERIFY_SECONDS)
    finally:
        for task in asked:
            task.cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    problems: list[str] = []
    for name, answer in zip(channels, answers, strict=True):
        if isinstance(answer, ConfigError):
            problems += answer.problems
        elif isinstance(answer, asyncio.CancelledError):
            _log.warning("channel.unreachable", channel=name, reason="the platform does not answer")
        elif answer is not None:
            raise answer
    if problems:
        raise ConfigError(problems)


class _Bridge:
    """One run: every loop is a task of one group, ended by the way down in `_drain`."""

    def __init__(
        self,
        config: Config,
        store: SqlStore,
        channels: Mapping[str, Channel],
        instances: Mapping[str, Instance],
        absent: Sequence[Instance],
        *,
        ours: About,
    ) -> None:
        self._config = config
        self._store = store
        self._channels = channels
        self._instances = instances
        self._ours = ours
        self._company = Company(ours, self._read_again)
        self._ending = asyncio.Event()
        self._hurry = False
        self._limit: asyncio.Timeout | None = None
        self._rules = Rules(config.rules)
        self._reloading = Reloading(config, self._rules, store, lambda: _read_again(config))
        self._memberships = Memberships(channels, self._rules)
        self._stop_wanted = asyncio.Event()
        orders = {
            name: Orders(store, channel, stop_wanted=self._stop_wanted.set, clock=store.clock)
            for name, channel in channels.items()
        }
        signs = {name: Acknowledging(channel) for name, channel in channels.items()}
        bots = BotLimit(config.bridge.bot_turns, config.bridge.bot_window)
        intakes = {
            name: Intake(
                store,
                self._rules,
                name,
                orders[name],
                signs[name].taken,
                platform=channel,
                limiter=Limiter(name, bots, config.budgets, channel.render),
                refused=signs[name].not_taken,
            )
            for name, channel in channels.items()
        }
        self._backfills = {
            name: Backfill(
                channel,
                store,
                intakes[name],
                answer_within=config.bridge.answer_within,
                clock=store.clock,
                alone=functools.partial(self._listens_alone, name),
            )
            for name, channel in channels.items()
            if ours.listens
        }
        self._listenings = {
            name: Listening(channel, intakes[name].accept, self._backfills[name], problem=self._memberships.problem)
            for name, channel in channels.items()
            if ours.listens
        }
        self._problems: dict[str, str | None] = dict.fromkeys(instances)
        shows = {name: Shows.of(channel, store, mention=config.bridge.mention) for name, channel in channels.items()}
        asked = [(instance, config.instances[name]) for name, instance in instances.items()]
        manner = Manner(config.bridge.mention, config.bridge.feedback, config.bridge.longest_answer)
        self._running = [
            Turns(instance, settings, store, channels, self._rules, shows=shows, manner=manner)
            for instance, settings in [*asked, *((instance, ABSENT) for instance in absent)]
        ]
        self._turns: list[Crew[Any]] = [turns.crew() for turns in self._running]
        for name, channel in channels.items():
            if isinstance(channel, CanShowButtons):
                rated = config.bridge.feedback
                presses = Presses(store, self._rules, name, orders[name], rated=rated, platform=channel)
                channel.on_press(presses.take)
            if isinstance(channel, CanTellChanges):
                changes = Changes(store, self._rules, intakes[name], name, signs[name].not_taken, platform=channel)
                channel.on_change(changes.take)
            if isinstance(channel, CanTakeCommands):
                channel.on_command(Invocations(store, self._rules, name, orders[name], platform=channel).take)
        self._posts: list[Crew[Any]] = [Deliveries(channel, store).crew() for channel in channels.values()]

    def hear_signals(self) -> None:
        """From now on SIGTERM and SIGINT end the run in order, and SIGHUP has the rules read again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._reloading.ask)

    async def unless_ended(self, beginning: Coroutine[Any, Any, None]) -> None:
        """Waits for it, but not beyond a signal to end."""
        begun, ended = asyncio.create_task(beginning), asyncio.create_task(self._ending.wait())
        await asyncio.wait({begun, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not begun.done():
            begun.cancel()
            await asyncio.gather(begun, return_exceptions=True)
        else:
            begun.result()

    async def run(self, listening: socket.socket | None) -> None:
        for name in self._channels:
            await self._store.heard_until(name)  # from the very first start on nothing is missed
        async with asyncio.TaskGroup() as group:
            renewing = group.create_task(self._renew_leases())
            works = self._ours.works
            posting = [group.create_task(crew.claim_for_ever()) for crew in self._posts if works]
            turning = [group.create_task(crew.claim_for_ever()) for crew in self._turns if works]
            probing = [group.create_task(self._probe())] if works else []
            asking = [group.create_task(self._memberships.run()), group.create_task(self._reloading.run())]
            reading = [group.create_task(backfill.run()) for backfill in self._backfills.values()]
            pages = routes(self._store, self._hearing, self._channels, self._problems, self._instances)
            serving = [group.create_task(serve(pages, listening))] if listening else []
            hearing = [group.create_task(one.run()) for one in self._listenings.values()]
            _log.info(
                "bridge.started",
                version=__version__,
                http=_address(listening),
                channels=list(self._channels),
                instances=list(self._instances),
                only="everything" if self._ours.listens and works else "work" if works else "channels",
            )
            await self._ending.wait()
            await self._drain([*hearing, *reading, *serving, *probing, *asking], turning, posting)
            renewing.cancel()
        _log.info("bridge.ended")

    def _read_again(self) -> None:
        for backfill in self._backfills.values():
            backfill.read_again()

    def _listens_alone(self, channel: str) -> bool:
        others = (peer.about for peer in self._store.peers.alive)
        return not any(about.listens and channel in about.channels for about in others)

    def _hearing(self) -> Mapping[str, Hearing]:
        return {name: one.hearing() for name, one in self._listenings.items()}

    async def _drain(
        self,
        listening: Sequence["asyncio.Task[None]"],
        turning: Sequence["asyncio.Task[None]"],
        posting: Sequence["asyncio.Task[None]"],
    ) -> None:
        """No new work; what runs may finish for `drain` seconds; the rest is as after a crash."""
        _log.info("bridge.drains", seconds=self._config.bridge.drain)
        await _cancel([*listening, *turning])
        cut_off = 0
        try:
            async with asyncio.timeout(0 if self._hurry else self._config.bridge.drain) as self._limit:
                await self._settle(self._turns)
                await self._settle(self._posts)
        except TimeoutError:
            await _cancel(posting)
            cut_off = sum([await crew.finish(0) for crew in [*self._turns, *self._posts]])
        await _cancel(posting)
        if cut_off:
            _log.warning("bridge.cut_off", count=cut_off)

    def _end(self) -> None:
        """The first signal drains; the next one does not wait for it."""
        self._hurry = self._ending.is_set()
        if self._hurry and self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())
        self._ending.set()

    async def _settle(self, crews: Sequence[Crew[Any]]) -> None:
        """Waits until these have nothing in work and nothing to claim."""
        busy = True
        while busy:
            try:
                await self._store.renew()  # once it is answered, what was waiting in the store is claimed
                busy = any([await crew.settle() for crew in crews])
            except StoreError as error:
                _log.error("store.refused", reason=str(error))
                await asyncio.sleep(retry.FIRST)

    async def _renew_leases(self) -> None:
        """And stops the turns that somebody wants stopped, whichever process was told."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._store.lease_seconds / 3):
                    await self._stop_wanted.wait()
            self._stop_wanted.clear()
            try:
                unwanted = await self._store.renew()
            except StoreError as error:
                _log.error("store.refused", reason=str(error))
                continue
            self._company.met(self._store.peers)
            for turns in self._running:
                for seq in unwanted:
                    turns.stop(seq)

    async def _probe(self) -> None:
        """Says in the log and in /readyz what is wrong with an instance before anybody asks it something."""
        while True:
            for name, instance in self._instances.items():
                before = self._problems[name]
                problem = self._problems[name] = await _problem_of(instance)
                if problem and problem != before:
                    _log.warning("instance.not_ready", instance=name, problem=problem)
                elif before and not problem:
                    _log.info("instance.ready", instance=name)
            await asyncio.sleep(PROBE_SECONDS)


async def _problem_of(instance: Instance) -> str | None:
    try:
        return await instance.probe() if isinstance(instance, CanProbe) else None
    except Exception as error:  # noqa: BLE001 - a look must not take the bridge down
        return f"It cannot be asked how it is ({type(error).__name__}): check its settings."


async def _cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _address(listening: socket.socket | None) -> str:
    if listening is None:
        return "off"
    host, port = listening.getsockname()[:2]
    return f"http://{host}:{port}"


def run_until_ended(config: Config, only: Role | None = None) -> None:
    """`run` on uvloop where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        asyncio.run(run(config, only))
    else:
        uvloop.run(run(config, only))
