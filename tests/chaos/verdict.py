"""What was said, what the store says of it and what stands in the threads -> what was kept and what was broken. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bridge import notices
from tests.chaos.people import Question, dripped_in, words_in

Place = tuple[str, str]
"""Platform and thread."""
Label = tuple[int, int] | str
"""One thing that the bot showed: a word of an answer, or what kind of notice. What the agent added to the words of a
question is counted from -1 down.
"""
LEGIBLE = 100
"""Characters of each message that are told of a thread in which a promise was broken."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store knows of a message, in the order in which they were accepted."""

    number: int
    status: str
    repeatable: bool = False
    """Its instance can be asked again."""


@dataclass(slots=True)
class Verdict:
    """Messages, counted by what became of them; each of the counts under `broken` is to be 0."""

    said: int = 0
    accepted: int = 0
    answered: int = 0
    """Once, whole, in its thread."""
    unknown: int = 0
    """Nobody knows whether the agent finished, and the thread says so."""
    failed: int = 0
    """The agent failed, and the thread says so."""
    lost: int = 0
    twice: int = 0
    out_of_order: int = 0
    overlapping: int = 0
    asked_again: int = 0
    """Messages that the agent was given more than once without anybody wanting it."""
    needlessly_unknown: int = 0
    """Reported as unknown, or failed, although the instance can be asked again."""
    acknowledged_early: int = 0
    """Messages that were acknowledged to the platform and not in the store when the process died."""
    details: list[str] = field(default_factory=list[str])

    def broken(self) -> dict[str, int]:
        """Name of a promise -> how often it was broken."""
        return {
            "lost": self.lost,
            "answered twice": self.twice,
            "out of order": self.out_of_order,
            "overlapping": self.overlapping,
            "agent asked again": self.asked_again,
            "unknown where it can be asked again": self.needlessly_unknown,
            "acknowledged before it was stored": self.acknowledged_early,
        }

    @property
    def kept(self) -> bool:
        """Whether every promise was."""
        return not any(self.broken().values())


def verdict(
    questions: Sequence[Question],
    stored: Sequence[Stored],
    shown: Mapping[Place, Sequence[str]],
    asked: Mapping[int, int],
) -> Verdict:
    """`stored` in the order of acceptance; `shown`: what the bot wrote in each thread, in its order; `asked`: number ->
    how often the agent was given that message.
    """
    found = Verdict(said=len(questions), accepted=len({one.number for one in stored}))
    found.asked_again = sum(times > 1 for times in asked.values())
    by_number = {question.number: question for question in questions}
    expected: dict[Place, list[Label]] = {(one.platform, one.thread): [] for one in questions}
    for number, times in Counter(one.number for one in stored).items():
        if times > 1:
            found.twice += 1
            found.details.append(f"#{number} is in the store {times} times")
    counted: set[int] = set()
    for one in stored:
        if one.number not in counted:
            counted.add(one.number)
            question = by_number[one.number]
            expected[question.platform, question.thread] += _labels(question, one)
    for question in questions:
        if question.number not in counted:
            found.lost += 1
            found.details.append(f"#{question.number} ({question.platform}) is not in the store")
    for place, labels in expected.items():
        before = len(found.details)
        texts = shown.get(place, ())
        _compare(found, place, labels, _seen(texts))
        if len(found.details) > before:
            found.details[-1] += f"; there is {[text[:LEGIBLE] for text in texts]}"
    found.unknown = sum(one.status == "unknown" for one in stored)
    found.needlessly_unknown = sum(one.repeatable and one.status in ("unknown", "failed") for one in stored)
    found.failed = sum(one.status == "failed" for one in stored)
    found.answered = found.said - found.lost - found.unknown - found.failed
    return found


def _labels(question: Question, stored: Stored) -> list[Label]:
    if stored.status != "answered":
        return [stored.status]
    added = 0 if stored.repeatable else question.dripped
    words = [*range(1, question.words + 1), *(-1 - word for word in range(added))]
    return [(question.number, word) for word in words]


def _seen(texts: Sequence[str]) -> Sequence[Label]:
    """What the bot showed in one thread. The last part of an answer may hold nothing but what the agent added."""
    seen: list[Label] = []
    number = 0
    for text in texts:
        words, added = words_in(text), dripped_in(text)
        number = words[-1][0] if words else number
        if words or added:
            seen += [*words, *((number, -1 - word) for word in added)]
        elif text != notices.UNREACHABLE:
            seen.append("unknown" if text == notices.unknown() else "failed")
    return seen


def _compare(found: Verdict, place: Place, expected: Sequence[Label], seen: Sequence[Label]) -> None:
    wanted, there = Counter(expected), Counter(seen)
    missing, spare = wanted - there, there - wanted
    for what, differing in (("lost", missing), ("twice", spare)):
        messages = list(_messages(differing))
        setattr(found, what, getattr(found, what) + len(messages))
        if messages:
            found.details.append(f"{what} in {place[0]} {place[1]}: {', '.join(messages[:5])}")
    if not missing and not spare and list(expected) != list(seen):
        wrong = next(index for index, (one, other) in enumerate(zip(expected, seen, strict=True)) if one != other)
        found.out_of_order += 1
        found.details.append(f"out of order in {place[0]} {place[1]}: {expected[wrong]} was to come, not {seen[wrong]}")


def _messages(labels: Counter[Label]) -> Iterator[str]:
    """Each message once, however many of its words differ; each notice by itself."""
    numbers = {label[0] for label in labels if not isinstance(label, str)}
    yield from (f"#{number}" for number in sorted(numbers))
    for label, times in labels.items():
        if isinstance(label, str):
            yield from [f"a notice ({label})"] * times
