"""Every error that a caller reacts to, one class per different reaction.

BridgeError
├── ConfigError                 refuse to start; each problem names a key and what to write
├── StoreError                  nothing was stored: do not acknowledge
│   ├── LeaseLost               somebody else owns this work now: stop, write nothing
│   └── Unstorable              this can never be stored: do not try again
├── TakenElsewhere              another process answers that: say nothing
├── ChannelError                about one call to a platform
│   ├── RateLimited             wait exactly `retry_after`; not an attempt
│   ├── NotSent                 provably not posted: repeat later
│   ├── OutcomeUnknown          may have been posted: look for it, then repeat
│   └── Rejected                will never be posted: dead letter
│       └── FileRefused         because it is a file: say it without
└── InstanceError               about one turn at an agent instance
    ├── InstanceUnavailable     provably not begun: wait and ask again
    ├── InstanceRefused         will not be answered as things stand: tell the thread
    ├── TurnInterrupted         may have run: repeat only if the instance is repeatable, else `on_unknown`
    └── Forged                  a call that is not from the agent's side: refuse it, believe nothing of it

An error's text names the thing and the remedy. It holds no secret and no text of a message.
"""

from collections.abc import Sequence
from typing import Literal


class BridgeError(Exception):
    """Whatever this program raises on purpose."""


class ConfigError(BridgeError):
    """The configuration cannot be used. `problems` holds one sentence each, in the order of the file."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StoreError(BridgeError):
    """The store could not commit; nothing of the call was stored."""


class LeaseLost(StoreError):
    """The work belongs to somebody else by now."""


class Unstorable(StoreError):
    """The value itself cannot be stored, now or later."""


class TakenElsewhere(BridgeError):
    """The platform told several processes of it, and another one took it."""


class ChannelError(BridgeError):
    """One call to a platform did not do what it should. `code` is the platform's own word for it, where it has one."""

    def __init__(self, message: str, *, code: object = None) -> None:
        super().__init__(message)
        self.code = code


class RateLimited(ChannelError):
    """The platform asks to wait. Nothing was posted."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds


class NotSent(ChannelError):
    """Provably not posted."""


class OutcomeUnknown(ChannelError):
    """The platform may or may not have posted it."""


class Rejected(ChannelError):
    """The platform will not take this post, now or later."""


class FileRefused(Rejected):
    """The platform does not take this file; what is said in words it may."""


class InstanceError(BridgeError):
    """One turn did not end with an answer."""


class InstanceUnavailable(InstanceError):
    """The instance did not take the turn; it may later.

    `notice` is what the thread is told while it waits, or None to wait in silence.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, notice: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds
        self.notice = notice


class InstanceRefused(InstanceError):
    """The instance will not answer this turn as things stand. The text is shown in the thread."""


class Forged(InstanceError):
    """A call says that it is from the agent's side and does not prove it."""


Interruption = Literal["cut", "silent", "long"]


class TurnInterrupted(InstanceError):
    """Nobody waits for the answer any more while the turn may be running.

    `why`: the connection was cut, the agent was silent for too long, or it worked for too long.
    """

    def __init__(self, message: str, *, why: Interruption = "cut") -> None:
        super().__init__(message)
        self.why: Interruption = why
