"""How often Discord is called."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.discord import pace as pacing
from adapters.discord.limits import CALLS_PER_SECOND, SPARE_BELOW
from adapters.discord.pace import Pace
from bridge.errors import RateLimited


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(pacing, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(pacing, "asyncio", SimpleNamespace(sleep=self.sleep))

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def answered(pace: Pace, status: int, headers: dict[str, str]) -> None:
    (heard,) = pace.trace().on_request_end
    response = SimpleNamespace(status=status, headers=headers)
    await heard(cast("Any", None), cast("Any", None), cast("Any", SimpleNamespace(response=response)))


async def calls_within_a_second(pace: Pace, clock: Clock) -> int:
    began = clock.now
    count = 0
    while clock.now < began + 1.0 and count < 500:
        await pace.turn()
        count += clock.now < began + 1.0
    return count


async def test_calls_are_made_at_once_until_discord_says_that_they_are_too_many(clock: Clock) -> None:
    assert await calls_within_a_second(Pace(), clock) == 500


@pytest.mark.parametrize(
    ("status", "headers", "kept"),
    [
        (429, {"X-RateLimit-Global": "true"}, True),
        (429, {"X-RateLimit-Bucket": "x"}, False),
        (200, {}, False),
    ],
    ids=["too many in all", "too many in a channel", "not too many"],
)
async def test_from_then_on_there_are_no_more_than_discord_allows(clock: Clock, status, headers, kept) -> None:
    pace = Pace()
    await answered(pace, status, headers)
    assert await calls_within_a_second(pace, clock) == (CALLS_PER_SECOND if kept else 500)
    clock.now += pacing.REMEMBERED
    assert await calls_within_a_second(pace, clock) == 500


async def test_what_nobody_misses_is_left_while_there_are_many_calls(clock: Clock) -> None:
    pace = Pace()
    for _ in range(SPARE_BELOW):
        pace.spare()
        await pace.turn()
    with pytest.raises(RateLimited):
        pace.spare()
    clock.now += 1.0
    pace.spare()
