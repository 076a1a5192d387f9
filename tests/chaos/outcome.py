"""How much a run does, and what happened in it."""

from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.verdict import Verdict

RANDOM = "at random"
"""Where a process was killed that did not come to a named place."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done, and with which agents."""

    messages: int
    faults: int
    """Of the processes and their database; in a run of one process each of them is a kill."""
    seed: int = 1
    repeatable: bool = True
    """Whether some of the sessions have an agent that can be asked again; which of them goes by their ids."""


@dataclass(slots=True)
class Outcome:
    """What happened and what it led to."""

    size: Size
    verdict: Verdict = field(default_factory=Verdict)
    killed_at: Counter[str] = field(default_factory=Counter[str])
    """Place, or `RANDOM` -> kills."""
    slept_at: Counter[str] = field(default_factory=Counter[str])
    """Place -> how often a process was stopped there for a while."""
    refused: int = 0
    """Starts that ended because the database was not there."""
    faults: Counter[str] = field(default_factory=Counter[str])
    """What happened to a process or the database besides -> how often."""
    troubled: Counter[str] = field(default_factory=Counter[str])
    """Trouble on a platform -> how often."""
    redelivered: int = 0
    minutes: float = 0.0
    takeovers: list[float] = field(default_factory=list[float])
    """Seconds from a kill to what is shown for a message that the dead process worked on."""
    broke: list[str] = field(default_factory=list[str])
    """What the logs say of themselves as broken."""

    @property
    def clean(self) -> bool:
        """Whether every promise was kept and no log tells of anything broken."""
        return self.verdict.kept and not self.broke
