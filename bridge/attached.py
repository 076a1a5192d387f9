"""Which of the files that people attach go to the agent, and why the others do not."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bridge.abilities import Attachment, CanFetchFiles
from bridge.envelope import Envelope
from bridge.errors import ChannelError, RateLimited, Rejected
from bridge.files import File
from bridge.instance import Takes

_log = structlog.get_logger(__name__)

MOST_FILES = 10
"""So many go with one message."""

NONE_TAKEN = "this agent is given no files; paste what matters into a message"
TOO_MANY = f"only {MOST_FILES} files go with one message; send it in another one"
EMPTY = "it is empty"
LATER = "it could not be fetched; send it again"


@dataclass(frozen=True, slots=True)
class Left:
    """A file that is not passed on."""

    name: str
    why: str
    """One clause with what to do, for people and for the agent."""


def refusal(file: Attachment, takes: Takes | None, passed: Sequence[int]) -> str | None:
    """Why a file is not passed on after others of these sizes were, as far as that is known beforehand. Pure."""
    if takes is None:
        return NONE_TAKEN
    if file.unavailable is not None:
        return file.unavailable
    most = takes.most(file.media_type)
    if most is None:
        return f"{file.media_type or 'a file of unknown type'} is not passed on, only {takes.called}"
    if len(passed) >= MOST_FILES:
        return TOO_MANY
    if file.size == 0:
        return EMPTY
    room = takes.together - sum(passed)
    if (file.size or 0) > min(most, takes.together):
        return too_large(most, takes.together, takes.together)
    return too_large(most, room, takes.together) if room <= 0 or (file.size or 0) > room else None


def too_large(most: int, room: int, together: int) -> str:
    """About a file that is longer than it may be alone, or than the room that the others leave; in bytes. Pure."""
    if most <= room or room == together:
        return f"it is larger than {size(min(most, together))}; send a smaller one"
    return f"with the others it is more than {size(together)}; send it in a message of its own"


def size(count: int) -> str:
    """Bytes as people read them."""
    return f"{count / 2**20:.3g} MB" if count >= 2**20 else f"{count / 2**10:.3g} KB"


async def fetched(
    channel: CanFetchFiles,
    envelope: Envelope,
    takes: Takes | None,
    *,
    ready: Callable[[], Awaitable[None]],
    last: bool,
) -> tuple[list[File], list[Left]]:
    """What is attached to a message: what is passed on, and what is not. One after the other is fetched.

    `ready` is called before anything is fetched, and only then; what it raises is raised. Raises ChannelError if
    something cannot be had for now, but in the `last` attempt only RateLimited.
    """
    files: list[File] = []
    left: list[Left] = []
    try:
        attached = await channel.attached(envelope)
    except ChannelError as error:
        _give_up(error, last=last)
        return files, [Left("what is attached", LATER)]
    for one in attached:
        why = refusal(one, takes, [len(file.content) for file in files])
        if why is None and takes is not None:
            if not files:
                await ready()
            room = takes.together - sum(len(file.content) for file in files)
            content, why = await _one(channel, envelope, one, takes, room, last=last)
            files += [File(one.name, one.media_type, content)] if content else []
        left += [Left(one.name, why)] if why else []
    return files, left


async def _one(
    channel: CanFetchFiles, envelope: Envelope, file: Attachment, takes: Takes, room: int, *, last: bool
) -> tuple[bytes, str | None]:
    """The content, or why there is none."""
    most = takes.most(file.media_type) or 0
    try:
        content = await channel.fetch(envelope, file, min(most, room))
    except Rejected as error:
        _log.info("file.left", reason=str(error))
        return b"", str(error)
    except ChannelError as error:
        _give_up(error, last=last)
        return b"", LATER
    if content is None:
        return b"", too_large(most, room, takes.together)
    return content, None if content else EMPTY


def _give_up(error: ChannelError, *, last: bool) -> None:
    if not last or isinstance(error, RateLimited):
        raise error
    _log.warning("file.unreadable", reason=str(error))
