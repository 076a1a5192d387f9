"""What goes wrong on the platforms meanwhile: a name -> what it does to a simulator."""

import random
from collections.abc import Callable, Mapping
from typing import Any

Trouble = Callable[[Any], object]

_BOTH: Mapping[str, Callable[[str], Trouble]] = {
    # what happens to the next post; the argument is what the platform calls it
    "a post's answer is lost": lambda post: lambda faults: faults.lose_answer(post),
    "a post is shown, then HTTP 500": lambda post: lambda faults: faults.lose_answer(post, status=500),
    "a post is refused by HTTP 500": lambda post: lambda faults: faults.fail(post, status=500),
    "a post is refused by HTTP 503": lambda post: lambda faults: faults.fail(post, status=503, times=2),
    "a post is refused by HTTP 429": lambda post: lambda faults: faults.rate_limit(post, retry_after=1),
    "a post is answered by a web page": lambda post: lambda faults: faults.garbage(post),
    "a post is shown, then a web page": lambda post: lambda faults: faults.garbage(post, applied=True),
    "posts are answered late": lambda post: lambda faults: faults.delay(post, 0.3, times=3),
    "any call gets HTTP 503": lambda _: lambda faults: faults.fail("*", status=503, times=2),
    "events are lost": lambda _: lambda faults: faults.drop_events(2),
    "events come twice": lambda _: lambda faults: faults.duplicate_events(3),
}
_OF: Mapping[str, Mapping[str, Trouble]] = {
    "slack": {
        "the connection breaks": lambda faults: faults.close_sockets(),
        "the history cannot be read": lambda faults: faults.fail("conversations.replies", status=500, times=2),
        "the history is rate limited": lambda faults: faults.rate_limit("conversations.history", retry_after=1),
    },
    "discord": {
        "the connection breaks": lambda faults: faults.drop_connections(),
        "the gateway wants a reconnect": lambda faults: faults.reconnect(),
        "the gateway's session is over": lambda faults: faults.invalidate(False),
        "the gateway's sessions are forgotten": lambda faults: (faults.forget_sessions(), faults.drop_connections()),
        "a thread cannot be opened at first": lambda faults: faults.fail("threads.create", status=500),
    },
}


def troubles(platform: str, posting: str) -> Mapping[str, Trouble]:
    """All that can happen on a platform that calls a post that way."""
    return {name: make(posting) for name, make in _BOTH.items()} | dict(_OF.get(platform, {}))


def some(of: Mapping[str, Trouble], chance: random.Random) -> list[str]:
    """None, one or two of them."""
    return chance.sample(sorted(of), k=chance.choice((0, 1, 1, 2)))
