"""The processes that run on one database, as they know each other. Part of the protocol of the store."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class About:
    """What a process does, and with what."""

    channels: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    listens: bool = True
    """It receives messages."""
    works: bool = True
    """It runs turns and posts their answers."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Part of its configuration -> a digest of it."""

    def written(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str | None) -> Self:
        """The reverse of `written`; what another version wrote is taken as far as it is understood."""
        values: dict[str, Any] = json.loads(text) if text else {}
        return cls(
            channels=tuple(values.get("channels", ())),
            instances=tuple(values.get("instances", ())),
            listens=values.get("listens", True),
            works=values.get("works", True),
            settings=values.get("settings", {}),
        )


@dataclass(frozen=True, slots=True)
class Peer:
    """Another process."""

    id: str
    name: str
    """As people know it: `host:pid`."""
    about: About


@dataclass(frozen=True, slots=True)
class Peers:
    """The others, as they were at the last look."""

    alive: Sequence[Peer] = ()
    silent: Sequence[Peer] = ()
    """They stopped giving signs of life, at any time before, and did not say that they would."""
