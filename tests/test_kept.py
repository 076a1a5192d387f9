import asyncio

import pytest

from bridge.errors import ChannelError, NotSent, RateLimited
from bridge.kept import FRESH_SECONDS, MOST, STALE_SECONDS, Kept
from bridge.testing.store_examples import Clock


class Source:
    """What is asked."""

    def __init__(self) -> None:
        self.says: object = "one"
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def ask(self, _: str) -> str:
        self.asked += 1
        await self.open.wait()
        if isinstance(self.says, ChannelError):
            raise self.says
        return str(self.says)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source() -> Source:
    return Source()


async def test_nobody_is_asked_again_while_the_answer_is_fresh(source: Source, clock: Clock) -> None:
    kept = Kept(source.ask, clock)
    assert await kept.get("k") == "one"
    source.says = "two"
    clock.now += FRESH_SECONDS - 1
    assert (await kept.get("k"), source.asked) == ("one", 1)
    clock.now += 1
    assert (await kept.get("k"), source.asked) == ("two", 2)
    await kept.close()


async def test_many_who_want_it_at_once_make_one_call(source: Source, clock: Clock) -> None:
    kept = Kept(source.ask, clock)
    source.open.clear()
    waiting = [asyncio.create_task(kept.get("k")) for _ in range(5)]
    await asyncio.sleep(0)
    source.open.set()
    assert (await asyncio.gather(*waiting), source.asked) == (["one"] * 5, 1)


@pytest.mark.parametrize("refusal", [NotSent("away"), RateLimited("wait", retry_after=30)])
async def test_an_old_answer_counts_for_an_hour_while_there_is_no_newer(
    source: Source, clock: Clock, refusal: ChannelError
) -> None:
    kept = Kept(source.ask, clock)
    await kept.get("k")
    source.says = refusal
    clock.now += STALE_SECONDS - 1
    assert await kept.get("k") == "one"
    clock.now += 1
    with pytest.raises(type(refusal)):
        await kept.get("k")


async def test_where_nothing_is_known_the_failure_is_told(source: Source, clock: Clock) -> None:
    kept = Kept(source.ask, clock)
    source.says = NotSent("away")
    with pytest.raises(NotSent, match="away"):
        await kept.get("k")
    source.says = "one"
    assert await kept.get("k") == "one"


async def test_who_does_not_answer_is_not_waited_for(
    source: Source, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.kept.PATIENCE", 0.01)
    kept = Kept(source.ask, clock)
    source.open.clear()
    with pytest.raises(NotSent, match="in time"):
        await kept.get("k")
    source.open.set()
    monkeypatch.setattr("bridge.kept.PATIENCE", 5)
    assert (await kept.get("k"), source.asked) == ("one", 1)
    source.open.clear()
    clock.now += FRESH_SECONDS
    monkeypatch.setattr("bridge.kept.PATIENCE", 0.01)
    assert await kept.get("k") == "one"
    await kept.close()


async def test_it_does_not_grow_without_end(source: Source, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST > 100
    monkeypatch.setattr("bridge.kept.MOST", 2)
    kept = Kept(source.ask, clock)
    for key in ("a", "b", "c", "c"):
        await kept.get(key)
    assert source.asked == 3
    await kept.get("a")
    assert source.asked == 4
