"""What messages count against, by the configuration."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge import config, notices
from bridge.channel import Facts
from bridge.envelope import Actor
from bridge.errors import ConfigError
from bridge.intake import Intake
from bridge.limits import BudgetsSettings, Limiter
from bridge.registry import CHANNELS, INSTANCES, Registry
from bridge.rules import Rule, Rules
from bridge.store.limits import BotLimit, Budget, Limits, Refusal
from bridge.store.protocol import TurnResult
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, turn
from tests.scripted import ScriptedChannel, orders

SAID = arrival(1).envelope
FACTS = Facts("T", "C", "u", ("T", "C", "1"), direct=False, addressed=True, in_thread=False, author_is_bot=False)
BOTS = BotLimit(6, 300)
ALL: dict[str, Any] = {
    "user": {"turns_per_minute": 2},
    "room": {"tokens_per_day": 1000},
    "instance": {"turns_per_minute": 3, "tokens_per_day": 9},
}
RULES = [Rule(channel="c", instance="main", bots=True)]


def limiter(**budgets: Any) -> Limiter:
    return Limiter("c", BOTS, BudgetsSettings.model_validate(budgets), ScriptedChannel.render)


def limits(facts: Facts = FACTS, **budgets: Any) -> Limits | None:
    return limiter(**budgets).limits(SAID, facts)


def test_without_budgets_people_count_against_nothing_and_bots_against_the_loop_breaker() -> None:
    assert limits() is None
    found = limits(replace(FACTS, author_is_bot=True))
    assert found is not None
    assert (found.bot, found.budgets) == (BOTS, ())


def test_a_message_counts_against_its_author_its_room_and_its_instance() -> None:
    found = limits(**ALL)
    assert found is not None
    assert found.bot is None
    assert found.budgets == (
        Budget("user", "p:u", 2, None), Budget("room", "c T C", None, 1000), Budget("instance", "", 3, 9),
    )  # fmt: skip


SENTENCES = {
    ("user", "turns"): "You have used 5 messages within this minute, so this was not passed on. Write `!retry` in a minute to ask it then.",
    ("room", "turns"): "This channel has used 5 messages within this minute, so this was not passed on. Write `!retry` in a minute to ask it then.",
    ("instance", "tokens"): "This agent has used all the tokens of today (5), so this was not passed on. Write `!retry` after midnight UTC to ask it then.",
    ("bot", "turns"): notices.bot_silenced(5, 300),
}  # fmt: skip


@pytest.mark.parametrize(("scope", "measure"), SENTENCES)
def test_people_are_told_in_one_sentence_with_what_to_do(scope: Any, measure: Any) -> None:
    found = limits(replace(FACTS, author_is_bot=True))
    assert found is not None
    assert [one["text"] for one in found.say(Refusal(scope, measure, 5, 0.0))] == [SENTENCES[scope, measure]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[budgets]\nuser = { turns_per_minute = 0 }", "budgets.user.turns_per_minute: "),
        ("[budgets]\nuser = { turns = 1 }", "budgets.user.turns: there is no such key"),
        ("[budgets]\npeople = { turns_per_minute = 1 }", "budgets.people: there is no such key"),
        ("[budgets.room]\ntokens_per_day = 1.5", "budgets.room.tokens_per_day: write a whole number"),
        ("budgets = 3", "budgets: write a table"),
        ("[budget]\n", 'budget: there is no such table (did you mean "budgets"?)'),
    ],
)
def test_a_wrong_budget_is_named(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        config.load(path, channel_types=Registry(CHANNELS), instance_types=Registry(INSTANCES), environ={})
    assert any(one.startswith(problem) for one in refused.value.problems), refused.value.problems


def test_none_are_the_default_and_those_that_are_written_are_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    for text, turns in (("", None), ("[budgets.user]\nturns_per_minute = 4", 4)):
        path.write_text(text)
        loaded = config.load(path, channel_types=Registry(CHANNELS), instance_types=Registry(INSTANCES), environ={})
        assert (loaded.budgets.user and loaded.budgets.user.turns_per_minute) == turns


@pytest.mark.parametrize("text", ["hello", "!retry", "!what?"])
async def test_a_message_counts_and_a_person_beyond_the_budget_gets_a_sign(tmp_path: Path, text: str) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    signs: list[str] = []
    intake = Intake(
        store, Rules(RULES), "c", orders(store), limiter=limiter(user={"turns_per_minute": 1}), refused=lambda one: signs.append(one.id)
    )  # fmt: skip
    for number in (1, 2):
        await intake.accept(arrival(number).envelope.model_copy(update={"text": text}), FACTS)
    assert signs == ["p:2"]
    await store.close()


async def test_a_bot_beyond_the_limit_gets_no_sign(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    signs: list[str] = []
    intake = Intake(
        store, Rules(RULES), "c", orders(store), limiter=limiter(), refused=lambda one: signs.append(one.id)
    )
    bot = Actor(id="p:b", display="CI", type="agent")
    for number in range(8):
        said = arrival(number).envelope.model_copy(update={"actor": bot})
        await intake.accept(said, replace(FACTS, author="b", author_is_bot=True))
    assert signs == []
    for _ in range(6):
        await store.finish_turn(await turn(store), TurnResult("answered"))
    assert (await store.counts()).open_turns == {}
    await store.close()
