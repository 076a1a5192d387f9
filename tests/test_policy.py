"""The rules table: what becomes of a message."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.channel import Facts
from bridge.envelope import Actor, Conversation, Envelope
from bridge.policy import Decision, admits, decide, groups_that_matter
from bridge.route import Route
from bridge.rules import Rule

ROOM = Conversation(source="slack", ref="room")
THREAD = Conversation(source="slack", ref="thread")
FACTS = Facts(
    workspace="T1",
    room="C1",
    author="U1",
    thread=("T1", "C1", "1.1"),
    direct=False,
    addressed=True,
    in_thread=False,
    author_is_bot=False,
    unthreaded=ROOM,
)
DIRECT = replace(FACTS, room="D1", thread=("T1", "D1", "1.1"), direct=True, addressed=False)


def said(text: str = "hello", **refs: str) -> Envelope:
    return Envelope(
        id="slack:1",
        source="slack",
        actor=Actor(id="slack:U1", display="Ada", type="human"),
        conversation=THREAD,
        text=text,
        refs=dict(refs),
        ts=datetime(2026, 1, 1, tzinfo=UTC),
    )


def rule(**keys: object) -> Rule:
    return Rule.model_validate({"channel": "slack", "instance": "main"} | keys)


def decided(facts: Facts, envelope: Envelope | None = None, **keys: object) -> Decision | None:
    return decide([rule(**keys)], "slack", envelope or said(), facts)


def test_a_mention_opens_its_thread() -> None:
    assert decided(FACTS) == Decision(
        instances=("main",),
        thread="slack-t1-c1-1.1",
        session="slack-t1-c1-1.1",
        binds_thread=True,
        conversation=THREAD,
        only_if_known=False,
        wants_context=False,
    )


def test_what_a_rule_asks_of_the_instance_is_decided_with_the_message() -> None:
    decision = decided(FACTS, model="opus", extra={"top_p": 1}, tell_room=True)
    assert decision is not None
    assert decision.route == Route("opus", {"top_p": 1}, tell_room=True)


@pytest.mark.parametrize(
    ("trigger", "facts", "answered"),
    [
        ("mention", FACTS, "always"),
        ("mention", replace(FACTS, addressed=False), "never"),
        ("mention", replace(FACTS, addressed=False, in_thread=True), "if known"),
        ("mention", replace(FACTS, in_thread=True), "always"),
        ("mention", DIRECT, "always"),
        ("mention-only", FACTS, "always"),
        ("mention-only", replace(FACTS, addressed=False, in_thread=True), "never"),
        ("mention-only", DIRECT, "always"),
        ("always", replace(FACTS, addressed=False), "always"),
        ("always", replace(FACTS, addressed=False, in_thread=True), "always"),
    ],
)
def test_triggers(trigger: str, facts: Facts, answered: str) -> None:
    decision = decided(facts, trigger=trigger, rooms=["*", "dm"])
    said_so = "never" if decision is None else "if known" if decision.only_if_known else "always"
    assert said_so == answered


@pytest.mark.parametrize("trigger", ["mention", "mention-only", "always"])
@pytest.mark.parametrize("in_thread", [True, False])
def test_what_cannot_be_read_is_spoken_of_only_where_the_bot_takes_part(trigger: str, in_thread: bool) -> None:
    unread = said().model_copy(update={"kind": "unreadable"})
    facts = replace(FACTS, addressed=False, in_thread=in_thread)
    decision = decide([rule(trigger=trigger)], "slack", unread, facts)
    told = in_thread and trigger != "mention-only"
    assert (decision is not None and decision.only_if_known) is told
    assert (decision is not None) is told


@pytest.mark.parametrize(
    ("keys", "facts", "admitted"),
    [
        ({}, FACTS, True),
        ({"rooms": ["C1"]}, FACTS, True),
        ({"rooms": ["C2"]}, FACTS, False),
        ({"rooms": ["*"]}, DIRECT, False),
        ({"rooms": ["dm"]}, DIRECT, True),
        ({"rooms": ["dm"]}, FACTS, False),
        ({"rooms": ["D1"]}, DIRECT, False),
        ({"workspaces": ["T1"]}, FACTS, True),
        ({"workspaces": ["T2"]}, FACTS, False),
        ({"users": ["U1"]}, FACTS, True),
        ({"users": ["U2"]}, FACTS, False),
        ({"groups": ["S1"]}, FACTS, False),
        ({"groups": ["S1"]}, replace(FACTS, groups=frozenset()), False),
        ({"groups": ["S1"]}, replace(FACTS, groups=frozenset({"S1"})), True),
        ({"groups": ["S1", "S2"]}, replace(FACTS, groups=frozenset({"S0", "S2"})), True),
        ({"groups": ["S1"], "users": []}, replace(FACTS, groups=frozenset({"S1"})), True),
        ({"groups": ["S1"], "users": ["U1"]}, FACTS, True),
        ({"groups": ["S1"], "users": ["U2"]}, replace(FACTS, groups=frozenset({"S1"})), True),
        ({"groups": ["S1"], "users": ["U2"]}, replace(FACTS, groups=frozenset({"S2"})), False),
        ({"groups": ["S1"], "users": ["*"]}, FACTS, True),
        ({"groups": ["S1"]}, replace(FACTS, groups=frozenset({"S1"}), author_is_bot=True), False),
        ({}, replace(FACTS, author_is_bot=True), False),
        ({"channel": "other"}, FACTS, False),
    ],
)
def test_who_is_admitted(keys: dict[str, object], facts: Facts, admitted: bool) -> None:
    assert (admits([rule(**keys)], "slack", facts) is not None) is admitted
    assert (decided(facts, **keys) is not None) is admitted


@pytest.mark.parametrize(
    ("rules", "matter"),
    [
        ([{}], set()),
        ([{"groups": ["S1"]}], {"S1"}),
        ([{"groups": ["S1"], "users": ["*"]}], set()),
        ([{"groups": ["S1"], "users": ["U1"]}], set()),
        ([{"groups": ["S1"], "users": ["U2"]}], {"S1"}),
        ([{"groups": ["S1"]}, {"groups": ["S2"]}], {"S1", "S2"}),
        ([{"groups": ["S1"]}, {}, {"groups": ["S2"]}], {"S1"}),
        ([{}, {"groups": ["S2"]}], set()),
        ([{"rooms": ["C2"], "groups": ["S1"]}], set()),
        ([{"rooms": ["dm"], "groups": ["S1"]}], set()),
        ([{"channel": "other", "groups": ["S1"]}], set()),
        ([{"workspaces": ["T2"], "groups": ["S1"]}], set()),
    ],
)
def test_groups_are_asked_for_only_where_something_depends_on_them(
    rules: list[dict[str, object]], matter: set[str]
) -> None:
    made = [rule(**keys) for keys in rules]
    assert groups_that_matter(made, "slack", FACTS) == matter
    assert groups_that_matter(made, "slack", replace(FACTS, groups=frozenset({"S1", "S2"}))) == matter


_RULES = st.lists(
    st.fixed_dictionaries(
        {
            "channel": st.sampled_from(["slack", "other"]),
            "rooms": st.sampled_from([["*"], ["C1"], ["C2"], ["*", "dm"], ["dm"]]),
            "workspaces": st.sampled_from([["*"], ["T1"], ["T2"]]),
            "users": st.sampled_from([["*"], ["U1"], ["U2"]]),
            "groups": st.sampled_from([[], ["S1"], ["S1", "S2"], ["S3"]]),
        }
    ),
    max_size=5,
)


@given(_RULES, st.sets(st.sampled_from(["S1", "S2", "S3"])), st.booleans())
def test_the_first_rule_that_admits_alone_decides_and_the_groups_that_matter_are_enough(
    keys: list[dict[str, object]], groups: set[str], direct: bool
) -> None:
    rules = [rule(**one) for one in keys]
    facts = replace(DIRECT if direct else FACTS, groups=frozenset(groups))
    alone = next((one for one in rules if admits([one], "slack", facts)), None)
    known = facts.groups & groups_that_matter(rules, "slack", facts) if facts.groups else None
    assert admits(rules, "slack", facts) is alone
    assert admits(rules, "slack", replace(facts, groups=known)) is alone


def test_without_a_rule_nobody_is_answered() -> None:
    assert decide([], "slack", said(), FACTS) is None


def test_the_first_rule_that_matches_decides() -> None:
    rules = [rule(rooms=["C1"], trigger="mention-only", instance="one"), rule(instance="two", trigger="always")]
    here = decide(rules, "slack", said(), FACTS)
    elsewhere = decide(rules, "slack", said(), replace(FACTS, room="C9"))
    assert (here and here.instances, elsewhere and elsewhere.instances) == (("one",), ("two",))
    assert decide(rules, "slack", said(), replace(FACTS, addressed=False)) is None


@pytest.mark.parametrize(
    ("keys", "facts", "text", "session"),
    [
        ({"session": "thread"}, FACTS, "hello", "slack-t1-c1-1.1"),
        ({"session": "user"}, FACTS, "hello", "slack-t1-user-u1"),
        ({"session": "room"}, FACTS, "hello", "slack-t1-room-c1"),
        ({"session": "ticket", "ticket": "[A-Z]{2,10}-[0-9]+"}, FACTS, "look at ABC-123", "ticket-abc-123"),
        ({"session": "ticket", "ticket": "[A-Z]{2,10}-[0-9]+"}, FACTS, "look at this", "slack-t1-c1-1.1"),
        ({"dm_session": "thread"}, DIRECT, "hello", "slack-t1-d1-1.1"),
        ({"dm_session": "channel"}, DIRECT, "hello", "slack-t1-d1"),
        ({"session": "user", "dm_session": "channel"}, DIRECT, "hello", "slack-t1-user-u1"),
    ],
)
def test_sessions(keys: dict[str, object], facts: Facts, text: str, session: str) -> None:
    decision = decided(facts, said(text), rooms=["*", "dm"], **keys)
    assert decision is not None
    assert decision.session == session


def test_a_ticket_named_in_the_refs_comes_first() -> None:
    decision = decided(FACTS, said("see ABC-1", issue="XYZ-9"), session="ticket", ticket="[A-Z]+-[0-9]+")
    assert decision is not None
    assert decision.session == "ticket-xyz-9"


def test_a_whole_dm_as_one_session_is_answered_outside_of_threads() -> None:
    flat = decided(DIRECT, rooms=["dm"], dm_session="channel")
    in_thread = decided(replace(DIRECT, in_thread=True), rooms=["dm"], dm_session="channel")
    assert flat is not None
    assert in_thread is not None
    assert (flat.conversation, in_thread.conversation) == (ROOM, THREAD)


def test_a_mention_in_a_thread_wants_what_was_said_before() -> None:
    decision = decided(replace(FACTS, in_thread=True))
    assert decision is not None
    assert decision.wants_context


def test_what_a_rule_asks_of_the_instance_is_decided_with_it() -> None:
    decision = decided(FACTS, model="opus", extra={"temperature": 0.5})
    assert decision is not None
    assert decision.route == Route("opus", {"temperature": 0.5})


def test_variants_are_stable_per_session_and_keep_their_shares() -> None:
    chosen = [
        decision.instances[0]
        for number in range(2000)
        if (decision := decided(replace(FACTS, thread=("T1", "C1", f"{number}.1")), variants={"a": 90, "b": 10}))
    ]
    again = decided(replace(FACTS, thread=("T1", "C1", "7.1")), variants={"a": 90, "b": 10})
    assert again is not None
    assert again.instances == (chosen[7], "b" if chosen[7] == "a" else "a")
    assert 120 < chosen.count("b") < 280
    assert chosen.count("a") + chosen.count("b") == 2000
