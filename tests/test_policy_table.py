"""Who may talk: every combination of place, dm_policy, users, groups, approval, bot and workspace, row by row."""

import itertools

import pytest

from bridge.channel import Facts
from bridge.policy import admission, admits
from bridge.rules import Rule

YES, NO, CODE = "answered", "refused", "given a code"

# users, groups of the rule -> what it says of somebody who is U1, in the group S1
WHO = {
    "anybody": (["*"], []),
    "named": (["U1"], []),
    "anybody and named": (["*", "U1"], []),
    "in a group": ([], ["S1"]),
    "anybody and in a group": (["*"], ["S1"]),
    "named and another's group": (["U1"], ["S2"]),
    "somebody else": (["U2"], []),
    "in no group": ([], ["S2"]),
}
# in a room -> the outcome; approval is for direct messages
ROOM = {
    "anybody": YES, "named": YES, "anybody and named": YES, "in a group": YES, "anybody and in a group": YES,
    "named and another's group": YES, "somebody else": NO, "in no group": NO,
}  # fmt: skip
# dm_policy -> in a direct conversation (not approved, approved)
DIRECT = {
    "open": {who: (outcome, outcome) for who, outcome in ROOM.items()},
    "allowlist": {
        "anybody": (NO, NO), "named": (YES, YES), "anybody and named": (YES, YES), "in a group": (YES, YES),
        "anybody and in a group": (YES, YES), "named and another's group": (YES, YES), "somebody else": (NO, NO),
        "in no group": (NO, NO),
    },
    "pairing": {
        "anybody": (CODE, YES), "named": (YES, YES), "anybody and named": (YES, YES), "in a group": (YES, YES),
        "anybody and in a group": (YES, YES), "named and another's group": (YES, YES), "somebody else": (CODE, YES),
        "in no group": (CODE, YES),
    },
    "off": dict.fromkeys(WHO, (NO, NO)),
}  # fmt: skip
PLACES = {"room": (False, ["C1"]), "any room": (False, ["*"]), "another room": (False, ["C2", "dm"]),
          "direct": (True, ["dm"]), "direct, rooms only": (True, ["*"])}  # fmt: skip


def outcome(rule: Rule, facts: Facts, *, paired: bool) -> str:
    found = admission([rule], "c", facts)
    assert (admits([rule], "c", facts, paired=paired) is not None) == (
        found is not None and (paired or not found.if_paired)
    )
    if found is None:
        return NO
    return CODE if found.if_paired and not paired else YES


def expected(place: str, policy: str, who: str, *, paired: bool, bot: bool, workspace: str) -> str:
    if bot or workspace == "another" or place in {"another room", "direct, rooms only"}:
        return NO
    return DIRECT[policy][who][paired] if place == "direct" else ROOM[who]


@pytest.mark.parametrize(("place", "policy"), list(itertools.product(PLACES, DIRECT)))
def test_who_may_talk(place: str, policy: str) -> None:
    direct, rooms = PLACES[place]
    for who, paired, bot, workspace in itertools.product(WHO, (False, True), (False, True), ("any", "this", "another")):
        users, groups = WHO[who]
        rule = Rule.model_validate({
            "channel": "c", "instance": "main", "rooms": rooms, "dm_policy": policy, "groups": groups,
            "workspaces": {"any": ["*"], "this": ["T1"], "another": ["T2"]}[workspace],
            **({"users": users} if users else {}),
        })  # fmt: skip
        facts = Facts(
            "T1", "D1" if direct else "C1", "U1", ("T1",), direct=direct, addressed=True, in_thread=False,
            author_is_bot=bot, groups=frozenset({"S1"}),
        )  # fmt: skip
        row = (who, paired, bot, workspace)
        wanted = expected(place, policy, who, paired=paired, bot=bot, workspace=workspace)
        assert (row, outcome(rule, facts, paired=paired)) == (row, wanted)


def rule(**keys: object) -> Rule:
    return Rule.model_validate({"channel": "c", "instance": "main", "rooms": ["dm"]} | keys)


@pytest.mark.parametrize(
    ("rules", "author", "found"),
    [
        ([{"dm_policy": "off"}, {}], "U1", None),
        ([{"dm_policy": "off", "users": ["U2"]}, {}], "U1", 1),
        ([{"dm_policy": "allowlist", "users": ["U2"]}, {}], "U1", 1),
        ([{"dm_policy": "allowlist"}, {}], "U1", 1),
        ([{"dm_policy": "pairing"}, {}], "U1", "pairing"),
        ([{"dm_policy": "pairing", "users": ["U2"]}, {"users": ["U1"]}], "U1", "pairing"),
        ([{"users": ["U1"]}, {"dm_policy": "pairing"}], "U1", 0),
        ([{"users": ["U1"]}, {"dm_policy": "pairing"}], "U2", "pairing"),
    ],
)
def test_where_the_way_through_the_rules_ends(
    rules: list[dict[str, object]], author: str, found: int | str | None
) -> None:
    made = [rule(**keys) for keys in rules]
    facts = Facts("T1", "D1", author, ("T1",), direct=True, addressed=False, in_thread=False, author_is_bot=False)
    admitted = admission(made, "c", facts)
    if found == "pairing":
        assert admitted is not None
        assert admitted.if_paired
    else:
        assert (admitted and made.index(admitted.rule)) == found
