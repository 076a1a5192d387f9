"""How long it takes until somebody else says something about a message whose process was killed."""

import time
from collections.abc import Sequence

from bridge import notices
from bridge.testing.simulator import Said
from tests.chaos.people import words_in
from tests.chaos.scene import Scene


class Takeovers:
    """From a kill to an answer of the message that the process worked on, or the notice that nobody knows."""

    def __init__(self, scene: Scene) -> None:
        self._people = scene.people
        self._seconds = scene.outcome.takeovers
        self._waiting: dict[tuple[str, str], tuple[int, float]] = {}  # platform and thread -> message, when it was left
        for name, platform in scene.platforms.items():
            platform.watch(lambda said, name=name: self._seen(name, said))

    def killed(self, numbers: Sequence[int], at: float) -> None:
        """A process ended then, in the middle of these messages."""
        for number in numbers:
            question = self._people.questions[number - 1]
            self._waiting[question.platform, question.thread] = (number, at)

    def _seen(self, platform: str, said: Said) -> None:
        number, at = self._waiting.get((platform, said.thread), (0, 0.0))
        if said.by_bot and number and (said.text == notices.unknown() or number in dict(words_in(said.text))):
            del self._waiting[platform, said.thread]
            self._seconds.append(time.monotonic() - at)
