"""Slack's ids and ours, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack import ids
from bridge.abilities import LinkedMessage
from bridge.channel import MessageRef

CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def slack_ids(first: str) -> st.SearchStrategy[str]:
    return st.builds(str.__add__, st.sampled_from(first), st.text(CHARS, min_size=1, max_size=12))


timestamps = st.builds("{}.{:06d}".format, st.integers(0, 10**10), st.integers(0, 999_999))
places = st.builds(ids.Place, slack_ids("TE"), slack_ids("CDG"), st.none() | timestamps)


@given(places)
def test_a_place_comes_back_from_its_ref(place):
    assert ids.place(ids.conversation_ref(place)) == place


@given(places, places)
def test_two_places_have_two_refs(one, other):
    assert (ids.conversation_ref(one) == ids.conversation_ref(other)) == (one == other)


@given(slack_ids("UWB"))
def test_a_user_comes_back_from_the_actors_id(user):
    assert ids.user_of(ids.actor_id(user)) == user


@given(slack_ids("T"), slack_ids("CDG"), timestamps)
def test_a_ts_comes_back_from_the_envelopes_id(team, room, ts):
    assert ids.ts_of(ids.envelope_id(team, room, ts)) == ts


def test_what_they_look_like():
    assert ids.conversation_ref(ids.Place("T1", "C1", "1700000000.000100")) == "T1/C1/1700000000.000100"
    assert ids.conversation_ref(ids.Place("T1", "D1", None)) == "T1/D1"
    assert ids.envelope_id("T1", "C1", "1700000000.000100") == "slack:T1:C1:1700000000.000100"
    assert ids.actor_id("U1") == "slack:U1"
    assert ids.message_ref("C1", "1700000000.000100") == "C1/1700000000.000100"


@pytest.mark.parametrize(
    "ref", ["", "T1", "T1/C1/", "T1/C1/1700000000", "T1/C.1/1.1", "T1/-/1.1", "T1/C1/1.1/2", "T1/C1/1.1\n", "../C1"]
)
def test_anything_else_is_no_place(ref):
    with pytest.raises(ValueError, match="not a place in Slack"):
        ids.place(ref)


@pytest.mark.parametrize(
    "place", [ids.Place("", "C1", None), ids.Place("T1", "", "1.1"), ids.Place("T1", "C1", "x"), ids.Place("T/1", "C1", None)]
)  # fmt: skip
def test_a_place_that_slack_has_not_gets_no_ref(place):
    with pytest.raises(ValueError, match="not a place in Slack"):
        ids.conversation_ref(place)


@pytest.mark.parametrize("user", ["", "-u", "U.1", "U1/2", "U 1", "U1\n"])
def test_what_is_no_user_gets_no_actor_id(user):
    with pytest.raises(ValueError, match="not a user of Slack"):
        ids.actor_id(user)


@given(slack_ids("CDG"), st.builds("{}.{:06d}".format, st.integers(1, 10**10), st.integers(0, 999_999)), slack_ids("T"))
def test_a_permalink_names_the_message_whoever_wrote_it(room, ts, team):
    linked = ids.linked_message(f"https://acme.slack.com/archives/{room}/p{ts.replace('.', '')}")
    assert linked.message_ref == ids.message_ref(room, ts)
    assert ids.envelope_id(team, room, ts).endswith(linked.envelope_suffix)


@pytest.mark.parametrize(
    "link",
    [
        "https://acme.slack.com/archives/C1/p1700000000000100",
        "https://acme.slack.com/archives/C1/p1700000000000100?thread_ts=1600000000.000100&cid=C1",
        "https://acme.enterprise.slack.com/archives/C1/p1700000000000100",
        "https://acme.slack-gov.com/archives/C1/p1700000000000100",
        "HTTPS://Acme.Slack.com/archives/C1/p1700000000000100/",
        " https://acme.slack.com/archives/C1/p1700000000000100\n",
    ],
)
def test_every_shape_of_a_permalink_is_read(link):
    assert ids.linked_message(link) == LinkedMessage(":C1:1700000000.000100", MessageRef("C1/1700000000.000100"))


@pytest.mark.parametrize(
    "link",
    [
        "", "slack:T1:C1:1700000000.000100", "https://acme.slack.com/archives/C1", "https://acme.slack.com/archives/C1/p100",
        "https://acme.slack.com/archives/C1/1700000000000100", "http://acme.slack.com/archives/C1/p1700000000000100",
        "https://slack.com.evil.example/archives/C1/p1700000000000100", "https://evilslack.com/archives/C1/p1700000000000100",
        "https://acme.slack.com/files/U1/F1/p1700000000000100", "https://acme.slack.com/archives/C1/p1700000000000100 x",
        "https://discord.com/channels/1/2/3",
    ],
)  # fmt: skip
def test_what_is_no_permalink_names_no_message(link):
    assert ids.linked_message(link) is None


@pytest.mark.parametrize(
    ("name", "called"),
    [("answer.md", "answer-d7.md"), ("noend", "noend-d7"), ("a.tar.gz", "a.tar-d7.gz"), (".md", "md-d7.")],
)
def test_a_file_is_known_by_the_delivery_in_its_name(name, called):
    assert ids.file_name(name, "d7") == called
    assert ids.is_file_of(called, "d7")
    assert not ids.is_file_of(called, "d")
    assert not ids.is_file_of(name, "d7")
