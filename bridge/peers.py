"""What this process is to the others on the same store, and what it says in the log about them."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Literal, cast, get_args

import structlog

from bridge.config import Config
from bridge.errors import ConfigError
from bridge.store.peers import About, Peers

_log = structlog.get_logger(__name__)

Role = Literal["channels", "work"]
"""`channels`: receives and takes messages. `work`: runs turns and posts their answers."""
OF_EACH_MACHINE = frozenset({"store", "http", "admin_token", "drain"})
"""Keys of `[bridge]` that may differ."""


def read_role(only: str | None, store: str) -> Role | None:
    """What `--only` says. Raises ConfigError if it is no role, or one that would be alone on that store."""
    for role in get_args(Role):
        if only == role and store.startswith("sqlite:"):
            raise ConfigError(
                [f"--only {only} needs a store that others share: make [bridge] store a postgresql:// URL"]
            )
        if only == role:
            return cast("Role", role)
    if only is not None:
        raise ConfigError([f"--only {only}: write one of {', '.join(get_args(Role))}"])
    return None


def about(config: Config, only: Role | None) -> About:
    """What the others are told of this process. Digests, and of no secret."""
    parts = {
        **{f"[channels.{name}]": section.model_dump_json() for name, section in config.channels.items()},
        **{f"[instances.{name}]": section.model_dump_json() for name, section in config.instances.items()},
        "[bridge]": config.bridge.model_dump_json(exclude=set(OF_EACH_MACHINE)),
        "[budgets]": config.budgets.model_dump_json(),
        "[[rules]]": json.dumps([rule.model_dump(mode="json") for rule in config.rules]),
    }
    return About(
        channels=tuple(config.channels),
        instances=tuple(config.instances),
        listens=only != "work",
        works=only != "channels",
        settings={part: hashlib.blake2s(text.encode(), digest_size=8).hexdigest() for part, text in parts.items()},
    )


def differing(ours: About, theirs: About) -> Sequence[str]:
    """The parts of the configuration that are not the same. Pure."""
    names = dict.fromkeys([*ours.settings, *theirs.settings])
    return [name for name in names if ours.settings.get(name) != theirs.settings.get(name)]


class Company:
    """Notes who comes and who goes."""

    def __init__(self, ours: About, gone: Callable[[], None]) -> None:
        """`gone` is called when another process ended without a word: what it had received may be nowhere."""
        self._ours = ours
        self._gone = gone
        self._known: set[str] = set()

    def met(self, peers: Peers) -> None:
        """To be called with what the store knows, now and then. Whatever changed since the last call is noted once."""
        gone = [peer for peer in peers.silent if peer.id in self._known]
        for peer in peers.alive:
            if peer.id in self._known:
                continue
            differs = differing(self._ours, peer.about)
            _log.info("process.joined", process=peer.name, listens=peer.about.listens, works=peer.about.works)
            if differs:
                _log.warning(
                    "process.differs",
                    process=peer.name,
                    differs=differs,
                    remedy="give both the same configuration: each message is treated as whoever takes it is set up",
                )
        for peer in gone:
            _log.warning("process.gone", process=peer.name, remedy="what it worked on is taken over; look why it ended")
        self._known = {peer.id for peer in peers.alive}
        if gone:
            self._gone()
