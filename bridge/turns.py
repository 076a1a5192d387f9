"""Step 2: a session's oldest turn -> its instance -> the finished turn and its deliveries, in one transaction."""

import contextlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import structlog

from bridge import access, attached, commands, faultpoints, handles, notices, prompt, replies, retry
from bridge.abilities import CanDescribeRoom, CanFetchFiles, CanReadHistory, CanResolveNames
from bridge.actions import Button
from bridge.attached import Left
from bridge.channel import Channel
from bridge.envelope import Envelope
from bridge.errors import (
    ChannelError,
    InstanceError,
    InstanceRefused,
    InstanceUnavailable,
    Interruption,
    LeaseLost,
    RateLimited,
    TurnInterrupted,
)
from bridge.files import File
from bridge.instance import (
    UNASKED,
    Activity,
    CanProbe,
    CanSpeakUnasked,
    CanTakeFiles,
    Ending,
    Instance,
    InstanceSettings,
    Progress,
    Turn,
)
from bridge.log import about
from bridge.preview import Previews
from bridge.replies import Manner
from bridge.room import Room
from bridge.rules import Rules
from bridge.running import RunningTurns, Stopped
from bridge.status import Statuses
from bridge.store.access import GuardedStore
from bridge.store.orders import STOPPED
from bridge.store.protocol import WAITING, NewDelivery, Store, TurnLease, TurnResult
from bridge.work import Crew, until_stored

_log = structlog.get_logger(__name__)

QUIET_ATTEMPTS = 3
"""An instance that cannot be reached is mentioned in the thread after so many attempts."""
CONTEXT_ATTEMPTS = 3
"""After so many attempts a turn runs without what was said before."""
FILES_ATTEMPTS = 3
"""After so many attempts it runs without the files that cannot be fetched."""


@dataclass(frozen=True, slots=True)
class Shows:
    """What a channel shows of a turn while it runs."""

    previews: Previews
    statuses: Statuses

    @classmethod
    def of(cls, channel: Channel, store: Store, *, mention: bool = False) -> Self:
        """As much as the channel can show; `mention`: whoever asked is notified when it begins."""
        return cls(Previews(channel, store, mention=mention), Statuses(channel))


class Turns:
    """Runs the turns of one instance, each of them answered by what the instance says or by one plain sentence."""

    def __init__(
        self,
        instance: Instance,
        settings: InstanceSettings,
        store: GuardedStore,
        channels: Mapping[str, Channel],
        rules: Rules,
        *,
        shows: Mapping[str, Shows],
        manner: Manner = replies.PLAIN,
    ) -> None:
        self._instance = instance
        self._settings = settings
        self._store = store
        self._channels = channels
        self._rules = rules
        self._shows = shows
        self._manner = manner
        self._running = RunningTurns(instance, settings.longest)
        self._on_unknown = {"ask": self._tell_unknown, "drop": self._tell_dropped, "retry": self._again}
        self._commands = {commands.Command.RETRY: self._ask_again}

    def crew(self) -> Crew[TurnLease]:
        """Whoever runs the turns, as many at once as the instance takes."""
        return Crew(self._settings.concurrency, self._claim, self._run, self._store.let_go)

    def stop(self, seq: int) -> None:
        """Somebody wants that turn stopped; nothing happens if it does not run here."""
        self._running.stop(seq)

    async def _claim(self, free: int) -> Sequence[TurnLease]:
        return await self._store.lease_turns(self._instance.name, free, most=self._settings.concurrency)

    async def _run(self, lease: TurnLease) -> None:
        with about(lease.envelope.id):
            await self._take(lease)

    async def _take(self, lease: TurnLease) -> None:
        log = _log.bind(turn=lease.seq, session=lease.session, envelope=lease.envelope.id, attempt=lease.attempt)
        try:
            await self._answer(lease)
        except LeaseLost as error:
            log.warning("turn.lost", reason=str(error))
        except Exception:
            log.exception("turn.broke")
            await self._fail(lease, notices.BROKEN.format(turn=lease.seq), "the bridge itself failed: see the log")
        else:
            log.info(
                "turn.ended", instance=self._instance.name, ms=round((self._store.clock() - lease.claimed_at) * 1000)
            )

    async def _answer(self, lease: TurnLease) -> None:
        faultpoints.reached("turn.claimed")
        command = commands.read(lease.envelope.text) if lease.envelope.kind == commands.KIND else None
        if command is not None:
            await self._commands[command.command](lease)
            return
        if lease.envelope.kind == UNASKED:
            await self._say_unasked(lease)
            return
        if lease.stop:
            await self._stopped(lease)
            return
        if lease.in_doubt and not self._instance.repeatable and self._settings.on_unknown != "retry":
            await self._on_unknown[self._settings.on_unknown](
                lease, "the bridge ended while the turn was running", "cut"
            )
            return
        channel = self._channels.get(lease.channel)
        if channel is None:
            await until_stored(
                lambda: self._store.finish_turn(lease, TurnResult("failed", error="its channel is gone"))
            )
            return
        if lease.envelope.kind == "unreadable":
            await self._fail(lease, lease.envelope.text, "the message could not be read")
            return
        try:
            turn, left = await self._turn(lease, channel)
        except RateLimited as error:
            reason, wait = str(error), error.retry_after
            await until_stored(lambda: self._store.retry_turn(lease, wait, reason, counted=False))
            return
        except ChannelError as error:
            await self._later(lease, str(error))
            return
        except InstanceUnavailable as error:
            await self._unavailable(lease, error)
            return
        try:
            await self._ask(lease, channel, turn, left)
        except InstanceUnavailable as error:
            await self._unavailable(lease, error)
        except InstanceRefused as error:
            await self._fail(lease, str(error), str(error))
        except TurnInterrupted as error:
            action = self._again if self._instance.repeatable else self._on_unknown[self._settings.on_unknown]
            await action(lease, str(error), error.why)

    async def _turn(self, lease: TurnLease, channel: Channel) -> tuple[Turn, Sequence[Left]]:
        """What the agent is asked, and what of it is left out.

        Raises ChannelError if what was said before, or what is attached, could not be read for now, and
        InstanceUnavailable if it is known that the instance would not take it.
        """
        context: list[Envelope] = []
        if lease.wants_context and isinstance(channel, CanReadHistory):
            rules = self._rules.current
            try:
                context = [
                    one
                    for one, facts in await channel.earlier_in_thread(lease.envelope)
                    if commands.read(one.text) is None
                    and (lease.context_since is None or one.ts.timestamp() > lease.context_since)
                    and await access.admits(
                        rules, lease.channel, facts, channel, self._store, said_at=one.ts.timestamp()
                    )
                ]
            except RateLimited:
                raise
            except ChannelError as error:
                if lease.attempt < CONTEXT_ATTEMPTS:
                    raise
                _log.warning("context.unreadable", turn=lease.seq, reason=str(error))
        envelope = lease.envelope
        if isinstance(channel, CanResolveNames):
            envelope = await channel.resolve_names(envelope)
            context = [await channel.resolve_names(one) for one in context]
        files, left = await self._files(lease, channel)
        turn = Turn(
            session=lease.session,
            envelope=envelope,
            prompt=prompt.prompt(envelope, direct=lease.direct, context=context, left=left),
            continuation=lease.continuation,
            attempt=lease.attempt,
            files=files,
            route=lease.route,
            room=await self._room(lease, channel) if lease.route.tell_room else None,
        )
        return turn, left

    @staticmethod
    async def _room(lease: TurnLease, channel: Channel) -> Room | None:
        """Where the agent is asked; None if the channel cannot tell now, for which no turn waits."""
        if lease.direct:
            return Room(direct=True)
        if not isinstance(channel, CanDescribeRoom):
            return None
        try:
            return await channel.describe_room(lease.envelope)
        except ChannelError as error:
            _log.warning("room.unknown", turn=lease.seq, reason=str(error))
            return None

    async def _files(self, lease: TurnLease, channel: Channel) -> tuple[Sequence[File], Sequence[Left]]:
        if not isinstance(channel, CanFetchFiles):
            return (), ()
        takes = self._instance.takes if self._settings.files and isinstance(self._instance, CanTakeFiles) else None

        async def ready() -> None:
            """An instance that was away and still is costs no download and no upload."""
            problem = (
                await self._instance.probe() if lease.attempt > 1 and isinstance(self._instance, CanProbe) else None
            )
            if problem is not None:
                raise InstanceUnavailable(problem)

        return await attached.fetched(channel, lease.envelope, takes, ready=ready, last=lease.attempt >= FILES_ATTEMPTS)

    async def _ask(self, lease: TurnLease, channel: Channel, turn: Turn, left: Sequence[Left]) -> None:
        if not self._instance.repeatable:
            await until_stored(lambda: self._store.begin_turn(lease))
        faultpoints.reached("turn.begun")
        await until_stored(lambda: self._store.confirm(lease))
        shows = self._shows[lease.channel]
        came, shown = replies.Said(left), None
        try:
            async with (
                self._running.limited(lease.seq, turn, lambda: self._store.until_lost(lease)),
                shows.statuses.shown(lease.envelope) as status,
                shows.previews.growing(lease) as growing,
                contextlib.aclosing(self._instance.run(turn)) as items,
            ):
                shown = growing
                async for item in items:
                    faultpoints.reached("turn.heard")
                    match item:
                        case Progress():
                            growing.grew(item.text)
                        case Activity():
                            status.does(item.what)
                        case Envelope():
                            came.replies.append(item)
                        case File():
                            came.files.append(item)
                        case Ending():
                            came.ending = item
        except Stopped:
            text = "\n\n".join(reply.text for reply in came.replies) or (shown.take() if shown else "")
            await self._stopped(lease, text, previewed=shown is not None and shown.posted)
            return
        faultpoints.reached("turn.answered")
        ending = came.ending
        result = TurnResult(
            status="failed" if ending.outcome == "failed" else "answered",
            deliveries=replies.answer(lease, channel, came, self._manner),
            envelope=turn.envelope,
            replies=came.replies,
            error=ending.detail,
            continuation=ending.continuation,
            usage=ending.usage,
            previewed=growing.posted,
        )
        await until_stored(lambda: self._store.finish_turn(lease, result))
        faultpoints.reached("turn.finished")

    async def _stopped(self, lease: TurnLease, text: str = "", *, previewed: bool = False) -> None:
        """What was written until then stays, and people may ask again."""
        channel = self._channels.get(lease.channel)
        said = replies.stopped(lease, channel, text) if channel else ()
        result = TurnResult("dropped", said, error=STOPPED, previewed=previewed)
        await until_stored(lambda: self._store.finish_turn(lease, result))

    async def _say_unasked(self, lease: TurnLease) -> None:
        """Nobody asked, so nobody is told if it cannot be said; it is kept as a dead letter then."""
        channel, said = self._channels.get(lease.channel), replies.Said()
        try:
            if channel is None or not isinstance(self._instance, CanSpeakUnasked):
                raise InstanceRefused("nothing that the agent says by itself can be said there any more")
            spoken, continuation = await self._instance.unasked(lease.envelope, lease.continuation)
            said.replies.extend(spoken)
        except InstanceError as error:
            reason = str(error)
            if isinstance(error, InstanceRefused) or self._out_of_patience(lease):
                _log.warning("turn.failed", turn=lease.seq, session=lease.session, reason=reason)
                await until_stored(lambda: self._store.finish_turn(lease, TurnResult("failed", error=reason)))
            else:
                await self._later(lease, reason)
            return
        manner = replace(self._manner, mention=False)
        deliveries = replies.answer(lease, channel, said, manner) if said.replies else ()
        result = TurnResult("answered", deliveries, replies=said.replies, continuation=continuation)
        await until_stored(lambda: self._store.finish_turn(lease, result))

    async def _ask_again(self, lease: TurnLease) -> None:
        nothing = self._notices(lease, "notice", notices.NOTHING_TO_RETRY)
        opened = await until_stored(lambda: self._store.ask_again(lease, nothing))
        if opened is not None:
            _log.info("turn.opened_again", turn=opened, session=lease.session, by=lease.seq)

    async def _unavailable(self, lease: TurnLease, error: InstanceUnavailable) -> None:
        if self._out_of_patience(lease):
            await self._fail(lease, notices.GAVE_UP, str(error))
            return
        notice = error.notice or (notices.UNREACHABLE if lease.attempt >= QUIET_ATTEMPTS else None)
        said = self._notices(lease, WAITING, notice, handles.stop(lease.seq)) if notice else ()
        wait = self._wait(lease) if error.retry_after is None else error.retry_after
        _log.warning("turn.waits", turn=lease.seq, session=lease.session, wait=round(wait, 1), reason=str(error))
        reason = str(error)
        await until_stored(lambda: self._store.retry_turn(lease, wait, reason, said))

    def _out_of_patience(self, lease: TurnLease) -> bool:
        return retry.gives_up(self._settings.patience, lease.failing_for, lease.attempt)

    async def _again(self, lease: TurnLease, error: str, _: Interruption) -> None:
        if self._out_of_patience(lease):
            await self._fail(lease, notices.GAVE_UP, error)
        else:
            await self._later(lease, error, begun=True)

    async def _later(self, lease: TurnLease, error: str, *, begun: bool = False) -> None:
        await until_stored(lambda: self._store.retry_turn(lease, self._wait(lease), error, begun=begun))

    async def _tell_unknown(self, lease: TurnLease, error: str, why: Interruption) -> None:
        said = self._notices(lease, "notice", notices.unknown(why), handles.retry(lease.seq))
        await until_stored(lambda: self._store.finish_turn(lease, TurnResult("unknown", said, error=error)))

    async def _tell_dropped(self, lease: TurnLease, error: str, why: Interruption) -> None:
        said = self._notices(lease, "notice", notices.dropped(why), handles.retry(lease.seq))
        await until_stored(lambda: self._store.finish_turn(lease, TurnResult("dropped", said, error=error)))

    async def _fail(self, lease: TurnLease, sentence: str, error: str) -> None:
        _log.warning("turn.failed", turn=lease.seq, session=lease.session, reason=error)
        said = self._notices(lease, "notice", sentence, handles.retry(lease.seq))
        await until_stored(lambda: self._store.finish_turn(lease, TurnResult("failed", said, error=error)))

    def _notices(self, lease: TurnLease, kind: str, sentence: str, button: Button | None = None) -> list[NewDelivery]:
        channel = self._channels.get(lease.channel)
        return replies.messages(lease, channel, kind, sentence, button) if channel else []

    @staticmethod
    def _wait(lease: TurnLease) -> float:
        return retry.wait(lease.attempt, random.random())  # noqa: S311 - not for secrets
