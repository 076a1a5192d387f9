"""Whom a text notifies, and how people read it."""

import pytest

from adapters.discord.simulator.mentions import notified, visible

NAMES = {"1": "Ada", "2": "general"}


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        ("plain", "plain"),
        ("<@1> and <@!1>", "@Ada and @Ada"),
        ("see <#2>", "see #general"),
        ("<@&9> and <@9>", "@9 and @9"),
        ("<:wave:123> <a:party:456>", ":wave: :party:"),
        ("a < b <b>", "a < b <b>"),
    ],
)
def test_people_read_names(content, seen):
    assert visible(content, lambda target: NAMES.get(target, target)) == seen


def test_without_allowed_mentions_everybody_is_notified():
    found = notified("<@1> <@!1> <@&2> @here", None, replied_to="3")
    assert (found.users, found.roles, found.everyone) == (["1", "3"], ["2"], True)


def test_code_notifies_nobody():
    found = notified("`<@1>` ``@everyone`` ```\n<@&2>\n```", None)
    assert (found.users, found.roles, found.everyone) == ([], [], False)


def test_only_who_is_allowed_is_notified():
    found = notified("<@1> <@2> <@&3> @everyone", {"parse": [], "users": ["2"], "roles": [3]}, replied_to="4")
    assert (found.users, found.roles, found.everyone) == (["2"], ["3"], False)


def test_who_is_allowed_but_not_mentioned_is_not_notified():
    assert notified("hello", {"parse": ["everyone"], "users": ["1"]}).users == []


def test_an_address_is_no_mention():
    assert not notified("mail me@everyonelse.example", None).everyone
