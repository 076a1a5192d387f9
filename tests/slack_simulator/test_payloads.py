"""The events' payloads against facts from Slack's documentation, written by hand: field names and types.

https://docs.slack.dev/apis/events-api, https://docs.slack.dev/reference/events/message and the pages below it,
https://docs.slack.dev/reference/events/app_mention.
"""

import asyncio
import json
import re
from typing import Any

import pytest

from adapters.slack.simulator import SharedFile, SlackSimulator
from adapters.slack.simulator.delivery import Event

# field -> type, or the value itself where Slack has only one
OUTER: dict[str, Any] = {
    "token": str,
    "team_id": str,
    "context_team_id": str,
    "context_enterprise_id": None,
    "api_app_id": str,
    "event": dict,
    "type": "event_callback",
    "event_id": str,
    "event_time": int,
    "authorizations": list,
    "is_ext_shared_channel": bool,
    "event_context": str,
}
AUTHORIZATION: dict[str, Any] = {
    "enterprise_id": None,
    "team_id": str,
    "user_id": str,
    "is_bot": bool,
    "is_enterprise_install": bool,
}
PLAIN: dict[str, Any] = {
    "type": "message",
    "client_msg_id": str,
    "user": str,
    "text": str,
    "ts": str,
    "team": str,
    "blocks": list,
    "channel": str,
    "event_ts": str,
    "channel_type": "channel",
}
REPLY = PLAIN | {"thread_ts": str, "parent_user_id": str}
MENTION = {name: kind for name, kind in PLAIN.items() if name != "channel_type"} | {"type": "app_mention"}
CHANGED: dict[str, Any] = {
    "type": "message",
    "subtype": "message_changed",
    "message": dict,
    "previous_message": dict,
    "channel": str,
    "hidden": True,
    "ts": str,
    "event_ts": str,
    "channel_type": "channel",
}
DELETED: dict[str, Any] = {
    "type": "message",
    "subtype": "message_deleted",
    "previous_message": dict,
    "channel": str,
    "hidden": True,
    "deleted_ts": str,
    "ts": str,
    "event_ts": str,
    "channel_type": "channel",
}
OTHER_BOT: dict[str, Any] = {
    "type": "message",
    "subtype": "bot_message",
    "text": str,
    "ts": str,
    "username": str,
    "bot_id": str,
    "channel": str,
    "event_ts": str,
    "channel_type": "channel",
}
FILE: dict[str, Any] = {
    "id": str,
    "created": int,
    "timestamp": int,
    "name": str,
    "title": str,
    "mimetype": str,
    "filetype": str,
    "user": str,
    "user_team": str,
    "editable": bool,
    "size": int,
    "mode": "hosted",
    "is_external": bool,
    "is_public": bool,
    "url_private": str,
    "url_private_download": str,
    "permalink": str,
    "file_access": "visible",
}


def check(payload: dict[str, Any], facts: dict[str, Any]) -> None:
    assert set(payload) == set(facts)
    for name, fact in facts.items():
        if isinstance(fact, type):
            assert type(payload[name]) is fact, name
        else:
            assert payload[name] == fact, name


class Outlet:
    """Takes the events instead of a socket."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    def publish(self, event: Event) -> None:
        self.taken.append(json.loads(event.payload))

    redeliver = publish

    def unacked(self) -> int:
        return 0


@pytest.fixture
def outlet(simulator) -> Outlet:
    simulator.publisher._transport = made = Outlet()
    return made


def newest(outlet: Outlet) -> dict[str, Any]:
    return outlet.taken[-1]["event"]


async def test_the_outer_object(simulator, outlet):
    simulator.say_in("Ada", "hello")
    (payload,) = outlet.taken
    check(payload, OUTER)
    check(payload["authorizations"][0], AUTHORIZATION)
    assert re.fullmatch(r"Ev[A-Z0-9]+", payload["event_id"])
    assert payload["event_time"] == int(payload["event"]["ts"].split(".")[0])
    assert payload["authorizations"][0]["user_id"] == simulator.workspace.bot.id


async def test_a_message_and_its_mention(simulator, outlet):
    said = simulator.say_in("Ada", "a < b & <https://example.com/|see>", mention=True)
    message, mention = (payload["event"] for payload in outlet.taken)
    check(message, PLAIN)
    check(mention, MENTION)
    assert message["ts"] == message["event_ts"] == mention["ts"] == said.id
    assert re.fullmatch(r"\d{10}\.\d{6}", said.id)
    assert message["text"] == "<@U0DEMO0BOT> a &lt; b &amp; <https://example.com/|see>"
    assert message["blocks"][0]["elements"][0]["elements"] == [
        {"type": "user", "user_id": "U0DEMO0BOT"},
        {"type": "text", "text": " a < b & "},
        {"type": "link", "url": "https://example.com/"},
    ]
    assert said.text == "@threadbridge a < b & see"


async def test_a_reply_and_a_broadcast(simulator, outlet):
    asked = simulator.say_in("Ada", "root")
    simulator.say_in("Ben", "reply", thread_ts=asked.id)
    check(newest(outlet), REPLY)
    assert (newest(outlet)["thread_ts"], newest(outlet)["parent_user_id"]) == (asked.id, "U0000000001")
    simulator.say_in("Ben", "for all", thread_ts=asked.id, broadcast=True)
    check(newest(outlet), REPLY | {"subtype": "thread_broadcast", "root": dict})
    assert (newest(outlet)["root"]["ts"], newest(outlet)["root"]["reply_count"]) == (asked.id, 2)


async def test_a_direct_message(simulator, outlet):
    simulator.say_direct("Ada", "psst")
    check(newest(outlet), PLAIN | {"channel_type": "im"})
    assert newest(outlet)["channel"].startswith("D")


async def test_a_file(simulator, outlet):
    simulator.say_in("Ada", "look", files=[SharedFile("notes.txt", b"12345")])
    event = newest(outlet)
    check(event, PLAIN | {"subtype": "file_share", "files": list, "upload": bool, "display_as_bot": bool})
    check(event["files"][0], FILE)
    assert (event["files"][0]["filetype"], event["files"][0]["size"]) == ("txt", 5)


async def test_an_edit(simulator, outlet):
    said = simulator.say_in("Ada", "helo", mention=True)
    simulator.edit(said, "<@U0DEMO0BOT> hello")
    changed, mention = (payload["event"] for payload in outlet.taken[2:])
    check(changed, CHANGED)
    check(mention, MENTION | {"edited": dict})
    assert changed["message"]["text"] == "<@U0DEMO0BOT> hello"
    assert changed["previous_message"]["text"] == "<@U0DEMO0BOT> helo"
    assert changed["message"]["edited"]["user"] == "U0000000001"
    assert changed["message"]["ts"] == said.id == mention["ts"]
    assert changed["ts"] > said.id


async def test_an_unfurl_changes_the_attachments_and_not_the_text(simulator, outlet):
    said = simulator.say_in("Ada", "see <https://example.com/>")
    simulator.unfurl(said)
    changed = newest(outlet)
    check(changed, CHANGED)
    assert changed["message"]["text"] == changed["previous_message"]["text"]
    assert changed["message"]["attachments"][0]["from_url"] == "https://example.com/"
    assert "edited" not in changed["message"]


async def test_a_deletion(simulator, outlet):
    said = simulator.say_in("Ada", "oops")
    simulator.delete(said)
    check(newest(outlet), DELETED)
    assert newest(outlet)["deleted_ts"] == newest(outlet)["previous_message"]["ts"] == said.id


async def test_another_bot(simulator, outlet):
    simulator.other_bot_says("Jenkins", "build 7 is green")
    check(newest(outlet), OTHER_BOT)


async def test_watchers_see_every_message_and_every_change_of_a_text(simulator):
    seen: list[tuple[str, str, bool]] = []
    simulator.watch(lambda said: seen.append((said.author, said.text, said.edited)))
    said = simulator.say_in("Ada", "helo")
    simulator.edit(said, "hello")
    simulator.unfurl(said)
    simulator.other_bot_says("Jenkins", "green", thread_ts=said.id)
    assert seen == [("Ada", "helo", False), ("Ada", "hello", True), ("Jenkins", "green", False)]


async def test_every_ts_is_larger_than_the_one_before_even_if_the_clock_stands_still():
    async with SlackSimulator(clock=lambda: 1712345678.25) as still:
        said = [still.say_in("Ada", str(number)).id for number in range(3)]
    assert said == ["1712345678.250000", "1712345678.250001", "1712345678.250002"]


async def test_a_thread_of_another_workspace_is_unknown(simulator):
    with pytest.raises(LookupError, match=r"Said\.thread"):
        simulator.read("C404/1.000001")
    with pytest.raises(LookupError, match="no event"):
        await asyncio.wait_for(simulator.redeliver(), 1)
