from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from bridge import attached
from bridge.abilities import Attachment
from bridge.attached import Left, fetched, refusal, size
from bridge.envelope import Envelope
from bridge.errors import ChannelError, InstanceUnavailable, NotSent, OutcomeUnknown, RateLimited, Rejected
from bridge.files import File
from bridge.instance import Takes
from bridge.testing.store_examples import arrival

MESSAGE = arrival(1).envelope
TAKES = Takes({"image/png": 10 * 2**20, "text/*": 5 * 2**20}, together=12 * 2**20, called="PNG and text")
PNG = Attachment("a.png", "image/png", 100)
TEXT = Attachment("a.txt", "text/x-log", 100)
LARGER = "it is larger than 10 MB; send a smaller one"
TOGETHER = "with the others it is more than 12 MB; send it in a message of its own"


@pytest.mark.parametrize(
    ("file", "passed", "why"),
    [
        (PNG, [], None),
        (TEXT, [], None),
        (replace(PNG, size=None), [], None),
        (replace(PNG, size=10 * 2**20), [2 * 2**20], None),
        (replace(PNG, size=10 * 2**20), [2 * 2**20 + 1], TOGETHER),
        (replace(PNG, size=10 * 2**20 + 1), [], LARGER),
        (replace(PNG, size=10 * 2**20 + 1), [11 * 2**20], LARGER),
        (replace(TEXT, size=5 * 2**20 + 1), [], "it is larger than 5 MB; send a smaller one"),
        (replace(PNG, size=None), [12 * 2**20], TOGETHER),
        (PNG, [1] * 9, None),
        (PNG, [1] * 10, attached.TOO_MANY),
        (replace(PNG, size=0), [], attached.EMPTY),
        (replace(PNG, media_type="application/zip"), [], "application/zip is not passed on, only PNG and text"),
        (replace(PNG, media_type=""), [], "a file of unknown type is not passed on, only PNG and text"),
        (replace(PNG, unavailable="it was deleted"), [], "it was deleted"),
    ],
)
def test_each_file_goes_or_has_a_reason_not_to(file: Attachment, passed: Sequence[int], why: str | None) -> None:
    assert refusal(file, TAKES, passed) == why


def test_an_instance_that_takes_none_is_given_none() -> None:
    assert refusal(PNG, None, []) == attached.NONE_TAKEN


def test_less_in_all_than_for_one_is_the_limit_of_one() -> None:
    little = replace(TAKES, together=2**20)
    assert refusal(replace(PNG, size=2**20 + 1), little, []) == "it is larger than 1 MB; send a smaller one"


@pytest.mark.parametrize(
    ("count", "words"), [(100, "0.0977 KB"), (51200, "50 KB"), (2**20, "1 MB"), (10**7, "9.54 MB")]
)
def test_a_size_as_people_read_it(count: int, words: str) -> None:
    assert size(count) == words


@dataclass
class Shelf:
    """A channel as far as it fetches: its files, and what comes of fetching each."""

    files: list[Attachment]
    contents: dict[str, bytes | ChannelError | None] = field(default_factory=dict)
    fails: ChannelError | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def attached(self, envelope: Envelope) -> Sequence[Attachment]:
        if self.fails:
            raise self.fails
        return self.files

    async def fetch(self, envelope: Envelope, attachment: Attachment, most: int) -> bytes | None:
        self.asked.append((attachment.name, most))
        content = self.contents[attachment.name]
        if isinstance(content, ChannelError):
            raise content
        return content


async def ready() -> None:
    """Nothing hinders."""


async def test_each_is_fetched_within_what_the_others_leave_whatever_the_platform_said_of_its_size() -> None:
    sizes = {"a": 10 * 2**20, "b": 2**20, "c": 2**19}
    shelf = Shelf([replace(PNG, name=name, size=1) for name in sizes], {name: bytes(n) for name, n in sizes.items()})
    files, left = await fetched(shelf, MESSAGE, TAKES, ready=ready, last=False)
    assert [len(file.content) for file in files] == list(sizes.values())
    assert left == []
    assert shelf.asked == [("a", 10 * 2**20), ("b", 2 * 2**20), ("c", 2**20)]


async def test_what_is_left_out_is_not_asked_for_and_what_turns_out_wrong_is_left_out() -> None:
    shelf = Shelf(
        [
            replace(PNG, name="zip", media_type="application/zip"),
            replace(PNG, name="long", size=None),
            replace(PNG, name="empty"),
            replace(PNG, name="gone"),
            PNG,
        ],
        {"long": None, "empty": b"", "gone": Rejected("it was deleted"), "a.png": b"png"},
    )
    files, left = await fetched(shelf, MESSAGE, TAKES, ready=ready, last=False)
    assert files == [File("a.png", "image/png", b"png")]
    assert left == [
        Left("zip", "application/zip is not passed on, only PNG and text"),
        Left("long", LARGER),
        Left("empty", attached.EMPTY),
        Left("gone", "it was deleted"),
    ]
    assert [name for name, _ in shelf.asked] == ["long", "empty", "gone", "a.png"]


@pytest.mark.parametrize("error", [NotSent("away"), OutcomeUnknown("lost")])
async def test_what_cannot_be_had_for_now_is_waited_for_until_the_last_attempt(error: ChannelError) -> None:
    shelf = Shelf([PNG, TEXT], {"a.png": error, "a.txt": b"text"})
    with pytest.raises(type(error)):
        await fetched(shelf, MESSAGE, TAKES, ready=ready, last=False)
    files, left = await fetched(shelf, MESSAGE, TAKES, ready=ready, last=True)
    assert ([file.name for file in files], left) == (["a.txt"], [Left("a.png", attached.LATER)])


async def test_a_platform_that_asks_to_wait_is_waited_for() -> None:
    with pytest.raises(RateLimited):
        await fetched(
            Shelf([PNG], {"a.png": RateLimited("wait", retry_after=1)}), MESSAGE, TAKES, ready=ready, last=True
        )


async def test_what_is_attached_may_not_be_known_for_now() -> None:
    shelf = Shelf([], fails=NotSent("away"))
    with pytest.raises(NotSent):
        await fetched(shelf, MESSAGE, TAKES, ready=ready, last=False)
    assert await fetched(shelf, MESSAGE, TAKES, ready=ready, last=True) == (
        [],
        [Left("what is attached", attached.LATER)],
    )


async def test_nothing_is_fetched_for_an_instance_that_is_not_ready_and_it_is_asked_only_if_something_would_be() -> (
    None
):
    async def away() -> None:
        raise InstanceUnavailable("stopped")

    shelf = Shelf([PNG], {"a.png": b"png"})
    with pytest.raises(InstanceUnavailable):
        await fetched(shelf, MESSAGE, TAKES, ready=away, last=True)
    assert shelf.asked == []
    assert await fetched(Shelf([]), MESSAGE, TAKES, ready=away, last=True) == ([], [])
    assert await fetched(shelf, MESSAGE, None, ready=away, last=True) == ([], [Left("a.png", attached.NONE_TAKEN)])


def test_a_files_content_is_in_no_log() -> None:
    assert "secret" not in repr(File("a.txt", "text/plain", b"secret"))
