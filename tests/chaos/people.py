"""People who write on all platforms: every message has a number, and its words can be found again in the answer."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.testing.simulator import Said, Simulator

NAMES = ("Ada", "Bo", "Cleo", "Dai")
NEW_THREAD = 0.12
"""How often a message opens a thread."""
FOLLOW_UPS = 40
"""Messages after which nobody writes in a thread any more."""
LONG = 0.06
"""How often a message is so long that its answer has several parts."""
LONGEST = {"discord": 1_950}
"""Characters that a person may write on a platform; elsewhere 7,000."""
ASIDES: Sequence[tuple[str, float]] = (
    ("[[drip:4:0.02]]", 0.15),
    ("[[sleep:0.1]]", 0.15),
    ("[[drip:30:0.1]]", 0.04),
    ("[[cut]]", 0.01),
    ("[[fail]]", 0.005),
    ("[[garbage]]", 0.005),
)
"""What the demo's agent is told to do besides, and how often."""

_TOKEN = re.compile(r"#(\d+)\.(\d+)")
_DRIPS = re.compile(r"\[\[drip:(\d+):")
_DRIPPED = re.compile(r"\bw(\d+)\b")


@dataclass(frozen=True, slots=True)
class Question:
    """A message as it was said. Its words are `#number.1` to `#number.words`; the agent repeats them."""

    number: int
    platform: str
    thread: str
    id: str
    words: int
    dripped: int = 0
    """Words, from `w0` on, that the demo's agent adds to its answer."""


def words_in(text: str) -> Sequence[tuple[int, int]]:
    """The words of questions that a text repeats: (number, which word)."""
    return [(int(number), int(word)) for number, word in _TOKEN.findall(text)]


def dripped_in(text: str) -> Sequence[int]:
    """Which words a text has that the demo's agent added."""
    return [int(number) for number in _DRIPPED.findall(text)]


class People:
    """Writes follow-ups where the bot was seen, as people do."""

    def __init__(self, platforms: Mapping[str, Simulator], chance: random.Random) -> None:
        self._platforms = platforms
        self._chance = chance
        self.questions: list[Question] = []
        self._open: dict[tuple[str, str], int] = {}  # thread in which the bot was seen -> messages of people in it
        self._answered: set[tuple[str, str]] = set()
        for name, platform in platforms.items():
            platform.watch(lambda said, name=name: self._seen(name, said))  # type: ignore[misc]

    async def say(self) -> Question:
        """The next message, somewhere."""
        chance = self._chance
        number = len(self.questions) + 1
        if self._open and chance.random() > NEW_THREAD:
            platform, thread = chance.choice(list(self._open))
            self._open[platform, thread] += 1
            if self._open[platform, thread] >= FOLLOW_UPS:
                del self._open[platform, thread]
        else:
            platform, thread = chance.choice(list(self._platforms)), None
        words = self._words(number, platform)
        text = " ".join(f"#{number}.{word}" for word in range(1, words + 1)) + self._aside()
        said = await self._platforms[platform].say(chance.choice(NAMES), text, thread=thread)
        drips = _DRIPS.search(text)
        question = Question(number, platform, said.thread, said.id, words, int(drips[1]) if drips else 0)
        self.questions.append(question)
        return question

    def _words(self, number: int, platform: str) -> int:
        return LONGEST.get(platform, 7_000) // len(f"#{number}.100 ") if self._chance.random() < LONG else 1

    def _aside(self) -> str:
        roll = self._chance.random()
        for aside, share in ASIDES:
            if roll < share:
                return f" {aside}"
            roll -= share
        return ""

    def _seen(self, platform: str, said: Said) -> None:
        where = (platform, said.thread)
        if said.by_bot and where not in self._answered:
            self._answered.add(where)
            self._open[where] = 1
