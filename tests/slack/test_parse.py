"""Payloads of the Events API -> envelopes and facts."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.slack.parse import SAID, Bot, Malformed, message, parse
from bridge.channel import Facts
from bridge.envelope import Actor, Conversation, Envelope

BOT = Bot(team="T1", user="U0BOT", bot="B0BOT")
MENTION = {
    "type": "event_callback",
    "team_id": "T1",
    "event_id": "Ev1",
    "event": {
        "type": "app_mention",
        "user": "U1",
        "text": "<@U0BOT> is <https://example.com|it> up &amp; running?",
        "ts": "1700000000.000100",
        "channel": "C1",
        "event_ts": "1700000000.000100",
    },
}


def event(**fields):
    base = {"type": "message", "user": "U1", "text": "hello", "ts": "1700000000.000100", "channel": "C1"}
    return {"type": "event_callback", "team_id": "T1", "event": {**base, **fields}}


def test_a_mention_becomes_an_envelope_and_its_facts():
    assert parse(MENTION, BOT) == (
        Envelope(
            id="slack:T1:C1:1700000000.000100",
            source="slack",
            actor=Actor(id="slack:U1", display="U1", type="human"),
            conversation=Conversation(source="slack", ref="T1/C1/1700000000.000100"),
            text="is it (https://example.com) up & running?",
            ts=datetime(2023, 11, 14, 22, 13, 20, 100, tzinfo=UTC),
            raw=MENTION,
        ),
        Facts(
            workspace="T1",
            room="C1",
            author="U1",
            thread=("T1", "C1", "1700000000.000100"),
            direct=False,
            addressed=True,
            in_thread=False,
            author_is_bot=False,
            unthreaded=Conversation(source="slack", ref="T1/C1"),
        ),
    )


def test_the_message_event_of_the_same_mention_is_the_same_message():
    twin = {**MENTION, "event": {**MENTION["event"], "type": "message", "channel_type": "channel"}}
    (one, facts), (other, others) = parse(MENTION, BOT), parse(twin, BOT)
    assert (one.id, one.text, one.conversation, facts) == (other.id, other.text, other.conversation, others)


def test_a_reply_belongs_to_the_thread_of_its_root():
    envelope, facts = parse(event(ts="1700000002.000000", thread_ts="1700000000.000100"), BOT)
    assert envelope.id == "slack:T1:C1:1700000002.000000"
    assert envelope.conversation.ref == "T1/C1/1700000000.000100"
    assert facts.thread == ("T1", "C1", "1700000000.000100")
    assert (facts.in_thread, facts.addressed) == (True, False)


def test_the_root_of_a_thread_is_not_in_it():
    assert parse(event(thread_ts="1700000000.000100"), BOT)[1].in_thread is False


@pytest.mark.parametrize("fields", [{"channel": "D1", "channel_type": "im"}, {"channel": "D1"}])
def test_a_direct_message_is_direct(fields):
    envelope, facts = parse(event(**fields), BOT)
    assert facts.direct
    assert facts.unthreaded == Conversation(source="slack", ref="T1/D1")
    assert envelope.conversation.ref == "T1/D1/1700000000.000100"


@pytest.mark.parametrize("channel_type", ["group", "mpim", "channel"])
def test_private_and_group_conversations_are_rooms(channel_type):
    assert parse(event(channel="G1", channel_type=channel_type), BOT)[1].direct is False


def test_a_mention_anywhere_in_the_text_addresses_the_bot():
    assert parse(event(text="what do you think, <@U0BOT>?"), BOT)[1].addressed
    assert parse(event(text="<@U0BOT|threadbridge> hi"), BOT)[1].addressed
    assert not parse(event(text="<@U0BOTHER> hi"), BOT)[1].addressed
    assert not parse(event(text="&lt;@U0BOT&gt; hi"), BOT)[1].addressed


def test_files_are_named_after_the_text():
    files = [{"name": "a.pdf", "mimetype": "application/pdf"}, {"title": "untitled"}, {}, "rubbish"]
    assert parse(event(subtype="file_share", text="look", files=files), BOT)[0].text.splitlines() == [
        "look",
        "(attached: a.pdf, application/pdf)",
        "(attached: untitled)",
        "(attached: a file)",
        "(attached: a file)",
    ]


def test_another_bots_post_is_an_agents():
    post = event(subtype="bot_message", bot_id="B9", username="CI", user=None)
    envelope, facts = parse(post, BOT)
    assert envelope.actor == Actor(id="slack:B9", display="CI", type="agent")
    assert (facts.author, facts.author_is_bot) == ("B9", True)


@pytest.mark.parametrize("fields", [{"user": "U0BOT"}, {"bot_id": "B0BOT"}, {"user": "U0BOT", "bot_id": "B0BOT"}])
def test_its_own_messages_are_none(fields):
    assert parse(event(**fields), BOT) is None


@pytest.mark.parametrize("subtype", sorted(one for one in SAID if one))
def test_every_subtype_that_is_something_said_is_a_message(subtype):
    assert parse(event(subtype=subtype), BOT) is not None


@pytest.mark.parametrize(
    "subtype",
    [
        "assistant_app_thread", "bot_add", "bot_remove", "channel_archive", "channel_join", "channel_leave", "channel_name",
        "channel_posting_permissions", "channel_purpose", "channel_topic", "channel_unarchive", "document_mention",
        "ekm_access_denied", "file_comment", "file_mention", "group_join", "group_leave", "group_topic", "message_changed",
        "message_deleted", "message_replied", "pinned_item", "reminder_add", "reply_broadcast", "tombstone", "unpinned_item",
    ],
)  # fmt: skip
def test_edits_unfurls_joins_and_the_like_are_none(subtype):
    assert parse(event(subtype=subtype), BOT) is None


@pytest.mark.parametrize("kind", ["reaction_added", "app_home_opened", "file_shared", None])
def test_other_events_are_none(kind):
    assert parse(event(type=kind), BOT) is None


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"event": None},
        {"event": []},
        event(user=None),
        event(channel=None),
        event(ts=None),
        event(ts="soon"),
        event(ts="nan"),
        event(ts="9" * 400 + ".1"),
        event(ts=1700000000.0001),
        event(channel="#general"),
        event(user="Ada Lovelace"),
        event(thread_ts="../.."),
        event(text=["hello"]),
        event(user={"id": "U1"}),
        {**event(), "team_id": 7},
    ],
)
def test_what_slack_does_not_promise_is_malformed(payload):
    with pytest.raises(Malformed):
        parse(payload, BOT)


def test_a_message_of_the_history_takes_its_room_from_the_question():
    said = {
        "type": "message",
        "user": "U1",
        "text": "earlier",
        "ts": "1700000001.000000",
        "thread_ts": "1700000000.000100",
    }
    envelope, facts = message(said, "T1", BOT, said, room="C1")
    assert (envelope.text, envelope.conversation.ref, facts.room) == ("earlier", "T1/C1/1700000000.000100", "C1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLAUSIBLE = {
    "type": st.sampled_from(["message", "app_mention"]),
    "subtype": st.sampled_from([*SAID, "message_changed"]),
    "user": st.sampled_from(["U1", "U0BOT", "B9"]),
    "bot_id": st.sampled_from(["B9", "B0BOT"]),
    "text": st.text(max_size=40),
    "ts": st.sampled_from(["1700000000.000100", "1.1"]),
    "thread_ts": st.sampled_from(["1700000000.000100", "1.1"]),
    "channel": st.sampled_from(["C1", "D1"]),
    "channel_type": st.sampled_from(["im", "channel"]),
    "files": st.lists(st.dictionaries(st.sampled_from(["name", "title", "mimetype"]), JSON), max_size=3),
    "username": st.text(max_size=10),
}
EVENTS = st.fixed_dictionaries({}, optional={key: value | JSON for key, value in PLAUSIBLE.items()})


@given(st.fixed_dictionaries({}, optional={"event": EVENTS | JSON, "team_id": st.just("T1") | JSON, "type": JSON}))
@example({"event": {"type": []}})
@example({"event": {"type": {}}})
@example({"event": {"type": "message", "subtype": []}})
def test_whatever_json_comes_it_is_a_message_or_none_or_malformed(payload):
    try:
        parsed = parse(payload, BOT)
    except Malformed:
        return
    if parsed is not None:
        envelope, facts = parsed
        assert envelope.source == "slack"
        assert envelope.raw == payload
        assert facts.thread[0] == facts.workspace
