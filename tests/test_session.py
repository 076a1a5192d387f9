import re

from hypothesis import given
from hypothesis import strategies as st

from bridge.session import MAX_CHARS, direct_session, room_session, thread_session, ticket_session, user_session

parts = st.lists(st.text(max_size=40), min_size=1, max_size=4)


def test_ids_are_the_ones_of_the_table() -> None:
    table = {
        thread_session("slack", "T0123", "C0456", "1700000000.000100"): "slack-t0123-c0456-1700000000.000100",
        thread_session("discord", "11", "22"): "discord-11-22",
        user_session("slack", "T0123", "U0789"): "slack-t0123-user-u0789",
        room_session("slack", "T0123", "C0456"): "slack-t0123-room-c0456",
        direct_session("slack", "T0123", "D0456"): "slack-t0123-d0456",
        ticket_session("ABC-123"): "ticket-abc-123",
    }
    assert [made for made, expected in table.items() if made != expected] == []


def test_characters_beyond_the_alphabet_are_escaped() -> None:
    assert thread_session("slack", "T1", "c1", "ä-b") == "slack-t1-_631-_c3_a4_2d_62"


def test_a_ticket_is_the_same_in_any_case() -> None:
    assert ticket_session("abc-123") == ticket_session("ABC-123") == ticket_session("Abc-123")


def test_a_ticket_with_other_characters_stays_within_the_alphabet() -> None:
    assert ticket_session("#12/ü") == "ticket-_2312_2f_c3_bc"


@given(parts)
def test_every_id_is_within_the_alphabet_and_the_length(some: list[str]) -> None:
    assert re.fullmatch(r"[a-z0-9._-]+", thread_session("slack", *some))
    assert len(thread_session("slack", *some)) <= MAX_CHARS


@given(st.sampled_from(["main", "global", "unknown", "agent", "subagent", "cron", "acp"]), parts)
def test_no_id_is_one_that_openclaw_keeps_for_itself(word: str, some: list[str]) -> None:
    """`main`, `global`, `unknown`, and what begins with `agent:` and the like: seen with 2026.9.6 on 2026-11-21."""
    rest = [*some, f"{word}:x"]
    made = {
        thread_session("slack", *rest), thread_session(word, *rest), thread_session("discord", word),
        user_session("slack", word, f"{word}:x"), room_session("slack", word, word), direct_session("slack", word, word),
        ticket_session(word), ticket_session(f"{word}:x"), ticket_session(f"agent:main:{word}"),
    }  # fmt: skip
    assert made.isdisjoint({"main", "global", "unknown"})
    assert not any(":" in session for session in made)
    assert all(session == session.lower() for session in made)


@given(parts, parts)
def test_different_parts_never_give_the_same_id(one: list[str], other: list[str]) -> None:
    assert (thread_session("slack", *one) == thread_session("slack", *other)) == (one == other)


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_tickets_never_share_a_session(one: str, other: str) -> None:
    assert (ticket_session(one) == ticket_session(other)) == (one.lower() == other.lower())


def test_an_id_that_would_be_too_long_is_cut_and_told_apart_by_a_digest() -> None:
    one, other = (thread_session("slack", "T" * 300 + end) for end in "AB")
    assert len(one) == len(other) == MAX_CHARS
    assert one != other


ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
timestamps = st.from_regex(r"[0-9]{1,10}\.[0-9]{6}", fullmatch=True)


@given(ids, ids, timestamps, ids, ids)
def test_a_thread_never_shares_its_session_with_a_person_a_room_or_a_direct_conversation(
    team: str, room: str, ts: str, workspace: str, other: str
) -> None:
    thread = thread_session("slack", team, room, ts)
    others = {f("slack", workspace, other) for f in (user_session, room_session, direct_session)}
    assert thread not in others
    assert len(others) == 3
