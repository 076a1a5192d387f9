"""Messages of the gateway and of the history -> envelopes and facts."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.parse import UNREADABLE, Bot, Malformed, Where, message, where
from bridge.channel import Facts
from bridge.envelope import Actor, Conversation, Envelope

BOT = Bot("7", "bridge")
ROOM = Where("20", None, "70")
THREAD = Where("20", "300")
ADA = {"id": "1", "username": "ada", "global_name": "Ada L.", "bot": False}
MENTION = {
    "type": 0,
    "id": "1000",
    "channel_id": "20",
    "guild_id": "10",
    "author": ADA,
    "member": {"nick": "Ada"},
    "content": "<@7> is <#21> up?",
    "mentions": [{"id": "7", "username": "bridge"}],
    "timestamp": "2026-11-22T10:00:00.123000+00:00",
}


def said(**fields):
    return {**MENTION, "content": "hello", "mentions": [], **fields}


def parsed(data, guild="10", at=ROOM, bot=BOT):
    return message(data, guild, at, bot, {"21": "shop"}.get)


def test_a_mention_in_a_channel_becomes_an_envelope_whose_thread_is_not_there_yet():
    raw = {"t": "MESSAGE_CREATE", "s": 3, "op": 0, "d": MENTION}
    assert message(MENTION, "10", ROOM, BOT, {"21": "shop"}.get, raw=raw) == (
        Envelope(
            id="discord:1000",
            source="discord",
            actor=Actor(id="discord:1", display="Ada", type="human"),
            conversation=Conversation(source="discord", ref="10/20/1000"),
            text="is #shop up?",
            ts=datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC),
            raw=raw,
        ),
        Facts(
            workspace="10",
            room="20",
            author="1",
            thread=("10", "1000"),
            direct=False,
            addressed=True,
            in_thread=False,
            author_is_bot=False,
        ),
    )


def test_what_is_written_in_a_thread_belongs_to_it_and_to_its_parent_room():
    envelope, facts = parsed(said(channel_id="300"), at=THREAD)
    assert envelope.conversation.ref == "10/20/300"
    assert (facts.room, facts.thread, facts.in_thread, facts.addressed) == ("20", ("10", "300"), True, False)


def test_a_forum_post_begins_with_the_message_that_has_its_id():
    _, facts = parsed(said(id="300", channel_id="300"), at=THREAD)
    assert (facts.thread, facts.in_thread) == (("10", "300"), False)


def test_a_direct_message_is_one_conversation():
    envelope, facts = parsed(said(channel_id="50", member=None), guild=None, at=Where("50"))
    assert envelope.conversation.ref == "dm/50"
    assert envelope.actor.display == "Ada L."
    assert (facts.workspace, facts.thread, facts.direct, facts.in_thread) == ("DM", ("DM", "50"), True, False)


@pytest.mark.parametrize("content", ["so <@7> says", "<@!7> hi", "ask <@&70>"])
def test_the_bot_is_addressed_by_its_user_and_by_its_own_role(content):
    assert parsed(said(content=content))[1].addressed


def test_others_who_are_mentioned_are_named_and_do_not_address_the_bot():
    bo = {"id": "2", "username": "bo", "member": {"nick": "Bo"}}
    envelope, facts = parsed(said(content="<@2> and @everyone", mentions=[bo], mention_everyone=True))
    assert (envelope.text, facts.addressed) == ("@Bo and @everyone", False)


def test_a_reply_with_a_ping_addresses_the_bot():
    ours = {"id": "900", "author": {"id": "7"}}
    assert parsed(said(type=19, mentions=[{"id": "7"}], referenced_message=ours))[1].addressed


def test_a_reply_to_our_answer_outside_of_threads_goes_on_with_its_conversation():
    ours = {"id": "1001", "author": {"id": "7"}, "message_reference": {"message_id": "1000", "channel_id": "20"}}
    envelope, facts = parsed(said(id="1002", type=19, referenced_message=ours))
    assert envelope.conversation.ref == "10/20/1000"
    assert (facts.thread, facts.in_thread) == (("10", "1000"), True)


def test_a_reply_to_somebody_else_is_a_message_like_any_other():
    theirs = {"id": "1001", "author": {"id": "2"}, "message_reference": {"message_id": "1000"}}
    for answered in (theirs, None, {}):
        _, facts = parsed(said(id="1002", type=19, referenced_message=answered))
        assert (facts.thread, facts.in_thread) == (("10", "1002"), False)


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6, 7, 8, 12, 18, 20, 21, 23, 24, 46, None])
def test_what_nobody_said_is_no_message(kind):
    assert parsed(said(type=kind)) is None


def test_our_own_messages_are_none():
    assert parsed(said(author={"id": "7", "bot": True})) is None


def test_bots_and_webhooks_are_agents():
    for fields, author in (
        ({"author": {**ADA, "bot": True}}, "1"),
        ({"webhook_id": "77", "author": {"id": "77"}}, "77"),
    ):
        envelope, facts = parsed(said(**fields))
        assert (envelope.actor.type, facts.author_is_bot, facts.author) == ("agent", True, author)


def test_what_is_no_text_is_told_in_words():
    envelope, _ = parsed(
        said(
            content="",
            attachments=[{"filename": "plan.pdf", "content_type": "application/pdf"}, {"filename": "a\nb"}],
            sticker_items=[{"id": "1", "name": "Wave"}],
            poll={"question": {"text": "Lunch?"}},
            message_snapshots=[{"message": {"content": "original", "attachments": [{"filename": "x.png"}]}}],
        )
    )
    assert envelope.text.splitlines() == [
        "(forwarded) original",
        "(attached: x.png)",
        "(attached: plan.pdf, application/pdf)",
        "(attached: a b)",
        "(a sticker: Wave)",
        "(a poll: Lunch?)",
    ]


def test_an_empty_mention_is_an_empty_text():
    envelope, facts = parsed(said(content="<@7>", mentions=[{"id": "7"}]))
    assert (envelope.text, envelope.kind, facts.addressed) == ("", "message", True)


def test_what_we_are_not_given_to_read_says_so():
    blind = Bot("7", "bridge", reads_content=False)
    envelope, _ = parsed(said(content="", channel_id="300"), at=THREAD, bot=blind)
    assert (envelope.kind, envelope.text) == ("unreadable", UNREADABLE)
    assert parsed(MENTION, bot=blind)[0].kind == "message"
    assert parsed(said(content="", sticker_items=[{"name": "Wave"}]), bot=blind)[0].kind == "message"
    assert parsed(said(content=""), guild=None, at=Where("50"), bot=blind)[0].kind == "message"


def test_the_time_is_that_of_the_id_where_none_is_told():
    for stamp in (None, "yesterday", "2026-11-22T10:00:00", 5):
        envelope, _ = parsed(said(id="175928847299117063", timestamp=stamp))
        assert envelope.ts == datetime(2016, 4, 30, 11, 18, 25, 796000, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields", [{"id": None}, {"id": "x"}, {"author": None}, {"author": {"id": 5}}, {"author": {"id": "x y"}}]
)
def test_what_discord_does_not_promise_is_malformed(fields):
    with pytest.raises(Malformed):
        parsed(said(**fields))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*MENTION, "attachments", "sticker_items", "poll", "referenced_message"]), JSON))
def test_rubbish_is_malformed_and_breaks_nothing(fields):
    try:
        found = parsed(said(**fields))
    except Malformed:
        return
    assert found is None or found[0].id


@pytest.mark.parametrize("kind", [10, 11, 12])
def test_a_thread_is_in_its_parents_room(kind):
    assert where({"id": "300", "type": kind, "parent_id": "20"}) == Where("20", "300")


@pytest.mark.parametrize("kind", [0, 2, 5, 13, 15, 16])
def test_a_room_is_its_own(kind):
    assert where({"id": "20", "type": kind, "parent_id": "9"}) == Where("20")


@pytest.mark.parametrize("channel", [None, {}, {"id": 5}, {"id": "300", "type": 11}, "x"])
def test_a_channel_without_what_it_needs_is_malformed(channel):
    with pytest.raises(Malformed):
        where(channel)
