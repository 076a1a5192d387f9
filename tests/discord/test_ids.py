"""Discord's ids and ours."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord import ids
from adapters.discord.ids import Place
from bridge.abilities import LinkedMessage
from bridge.channel import MessageRef

SNOWFLAKES = st.integers(min_value=0, max_value=2**64 - 1).map(str)
PLACES = st.one_of(
    st.builds(Place, st.none(), SNOWFLAKES),
    st.builds(Place, SNOWFLAKES, SNOWFLAKES),
    st.builds(Place, SNOWFLAKES, SNOWFLAKES, SNOWFLAKES),
)


@given(PLACES)
def test_a_place_comes_back_from_its_reference(place):
    assert ids.place(ids.conversation_ref(place)) == place


@given(st.lists(PLACES, unique=True, min_size=2, max_size=2))
def test_two_places_never_share_a_reference(two):
    assert len({ids.conversation_ref(one) for one in two}) == 2


def test_references_read_as_one_would_write_them():
    assert ids.conversation_ref(Place("1", "2", "3")) == "1/2/3"
    assert ids.conversation_ref(Place("1", "2")) == "1/2"
    assert ids.conversation_ref(Place(None, "2")) == "dm/2"


@pytest.mark.parametrize("ref", ["", "1", "1/2/3/4", "dm", "dm/", "dm/1/2", "a/b", "1//3", "1/2/", " 1/2", "1/2\n"])
def test_anything_else_is_no_place(ref):
    with pytest.raises(ValueError, match="not a place"):
        ids.place(ref)


@given(SNOWFLAKES)
def test_a_message_comes_back_from_its_envelope_id(message):
    assert ids.message_of(ids.envelope_id(message)) == message


@pytest.mark.parametrize("made", [ids.envelope_id, ids.actor_id, ids.written_at])
@pytest.mark.parametrize("wrong", ["", "x1", "1 ", "-1", "1" * 21])
def test_what_is_no_snowflake_is_refused(made, wrong):
    with pytest.raises(ValueError, match="not an id"):
        made(wrong)


def test_a_message_id_tells_when_it_was_written():
    # The example of https://docs.discord.com/developers/reference#snowflakes.
    assert ids.written_at("175928847299117063") == datetime(2016, 4, 30, 11, 18, 25, 796000, tzinfo=UTC)


@given(SNOWFLAKES, SNOWFLAKES, SNOWFLAKES)
def test_a_link_names_the_message_whoever_wrote_it(guild, channel, message):
    linked = ids.linked_message(f"https://discord.com/channels/{guild}/{channel}/{message}")
    assert linked == LinkedMessage(ids.envelope_id(message), ids.message_ref(channel, message))


@pytest.mark.parametrize(
    "link",
    [
        "https://discord.com/channels/1/2/3",
        "https://ptb.discord.com/channels/1/2/3",
        "https://canary.discord.com/channels/1/2/3",
        "https://discordapp.com/channels/1/2/3",
        "https://discord.com/channels/@me/2/3",
        " https://Discord.com/channels/1/2/3/ ",
    ],
)
def test_every_shape_of_a_link_is_read(link):
    assert ids.linked_message(link) == LinkedMessage("discord:3", MessageRef("2/3"))


@pytest.mark.parametrize(
    "link",
    [
        "", "discord:3", "https://discord.com/channels/1/2", "https://discord.com/channels/1/2/x", "https://discord.gg/abc",
        "https://discord.com/channels/@you/2/3", "https://evildiscord.com/channels/1/2/3", "https://discord.com/channels/1/2/3/4",
        "https://discord.com.evil.example/channels/1/2/3", "http://discord.com/channels/1/2/3",
        "https://acme.slack.com/archives/C1/p1700000000000100",
    ],
)  # fmt: skip
def test_what_is_no_link_names_no_message(link):
    assert ids.linked_message(link) is None
