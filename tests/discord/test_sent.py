"""Which messages of a history may be the post of a delivery."""

import pytest

from adapters.discord import sent

OURS = {"id": "5", "type": 0, "content": "OK", "author": {"id": "1", "bot": True}}


def looking_like(content, *messages, answers=None):
    return list(sent.looking_like(content, messages, "1", answers=answers))


def test_what_the_bot_wrote_with_these_words_may_be_it():
    assert looking_like("OK", OURS, OURS | {"id": "6"}, OURS | {"id": "7", "type": 19}) == ["5", "6", "7"]


@pytest.mark.parametrize(
    "other",
    [
        {"content": "ok"},
        {"author": {"id": "2", "bot": True}},
        {"type": 21},
        {"id": None},
        {"id": "five"},
        {"author": 7},
    ],
    ids=["other_words", "another_bot", "starter_message", "no_id", "malformed_id", "malformed_author"],
)
def test_another_message_is_not(other):
    assert looking_like("OK", OURS | other) == []


@pytest.mark.parametrize("message", [None, "text", 5, [], {}])
def test_anything_may_stand_in_a_history(message):
    assert looking_like("OK", message) == []


def test_white_space_which_discord_takes_away_makes_no_difference():
    assert looking_like("\n  one\r\n two \n", OURS | {"content": "one\n two"}) == ["5"]


def test_in_a_room_only_replies_to_the_beginning_of_the_conversation_may_be_it():
    reply = OURS | {"type": 19, "message_reference": {"message_id": "3", "channel_id": "2"}}
    assert looking_like("OK", reply, OURS, answers="3") == ["5"]
    assert looking_like("OK", reply, OURS, answers="4") == []
