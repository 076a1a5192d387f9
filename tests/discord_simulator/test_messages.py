"""Messages over the REST API: content, nonces, replies, mentions, lists, edits, files."""

import io
from typing import Any

import aiohttp
import pytest

from adapters.discord.simulator import DiscordSimulator, SharedFile
from adapters.discord.simulator.files import MAX_UPLOAD
from tests.discord_simulator.conftest import Rest, error


async def test_content_is_stripped_and_limited(rest, room):
    _, sent = await rest("POST", f"{room}/messages", {"content": "  \n hello \n"})
    assert sent["content"] == "hello"
    assert (await rest("POST", f"{room}/messages", {"content": "x" * 2000}))[0] == 200
    status, refused = await rest("POST", f"{room}/messages", {"content": "x" * 2001})
    assert (status, refused) == (
        400,
        {
            "message": "Invalid Form Body",
            "code": 50035,
            "errors": {
                "content": {
                    "_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer in length."}]
                }
            },
        },
    )


@pytest.mark.parametrize("body", [{}, {"content": ""}, {"content": " \n "}, {"content": None, "embeds": []}])
async def test_an_empty_message_is_refused(rest, room, body):
    assert await error(rest, "POST", f"{room}/messages", body) == (400, 50006)


async def test_flags_that_an_app_may_not_set_are_dropped(rest, room):
    _, sent = await rest("POST", f"{room}/messages", {"content": "x", "flags": 1 << 2 | 1 << 5 | 1 << 12})
    assert sent["flags"] == 1 << 2 | 1 << 12


async def test_a_nonce_is_shown_once(rest, room):
    _, sent = await rest("POST", f"{room}/messages", {"content": "x", "nonce": "n" * 25})
    assert sent["nonce"] == "n" * 25
    _, read = await rest("GET", f"{room}/messages/{sent['id']}")
    assert "nonce" not in read
    assert await error(rest, "POST", f"{room}/messages", {"content": "x", "nonce": "n" * 26}) == (400, 50035)


async def test_an_enforced_nonce_gives_the_same_message_and_shows_nothing_new(simulator, rest, room):
    body = {"content": "once", "nonce": "n1", "enforce_nonce": True}
    first = await rest("POST", f"{room}/messages", body)
    again = await rest("POST", f"{room}/messages", body | {"content": "twice"})
    assert again == first
    await rest("POST", f"{room}/messages", body | {"nonce": "n2"})
    await rest("POST", f"{room}/messages", body | {"enforce_nonce": False})
    assert [said.text for said in simulator.read_room("general")] == ["once", "once", "once"]


async def test_an_enforced_nonce_does_not_bring_a_deleted_message_back(rest, room):
    body = {"content": "once", "nonce": "n1", "enforce_nonce": True}
    _, sent = await rest("POST", f"{room}/messages", body)
    await rest("DELETE", f"{room}/messages/{sent['id']}")
    assert await error(rest, "POST", f"{room}/messages", body) == (404, 10008)


async def test_an_enforced_nonce_is_forgotten_after_a_while(session):
    async with DiscordSimulator(nonce_seconds=0) as simulator:
        rest, path = Rest(simulator, session), f"/channels/{simulator.room('general').id}/messages"
        for _ in range(2):
            await rest("POST", path, {"content": "again", "nonce": "n1", "enforce_nonce": True})
        assert len(simulator.read_room("general")) == 2


async def test_a_reply_needs_a_message_unless_it_may_go_without(simulator, rest, room):
    asked = simulator.say_in("Ada", "well?")
    body: dict[str, Any] = {"content": "so", "message_reference": {"message_id": asked.id}}
    _, sent = await rest("POST", f"{room}/messages", body)
    assert (sent["type"], sent["message_reference"]["message_id"], sent["referenced_message"]["content"]) == (
        19,
        asked.id,
        "well?",
    )
    simulator.delete(asked)
    assert await error(rest, "POST", f"{room}/messages", body) == (400, 50035)
    body["message_reference"]["fail_if_not_exists"] = False
    _, plain = await rest("POST", f"{room}/messages", body)
    assert (plain["type"], "message_reference" in plain) == (0, False)
    _, read = await rest("GET", f"{room}/messages/{sent['id']}")
    assert read["referenced_message"] is None


@pytest.mark.parametrize(
    ("allowed", "pinged"),
    [
        (None, ["Ada", "everyone"]),
        ({"parse": []}, []),
        ({"parse": ["users"]}, ["Ada"]),
        ({"parse": ["everyone"]}, ["everyone"]),
        ({"parse": [], "replied_user": True}, ["Ben"]),
    ],
)
async def test_allowed_mentions_decide_who_is_notified(simulator, rest, room, allowed, pinged):
    asked = simulator.say_in("Ben", "who?")
    ada = simulator.person("Ada")
    body: dict[str, Any] = {"content": f"<@{ada.id}> and @everyone"}
    if allowed:
        body |= {"allowed_mentions": allowed, "message_reference": {"message_id": asked.id}}
    _, sent = await rest("POST", f"{room}/messages", body)
    stored = simulator.message(simulator.read_room("general")[-1])
    assert stored.allowed_mentions == allowed
    assert stored.pinged == [simulator.person(name).id if name != "everyone" else name for name in pinged]
    assert [user["global_name"] for user in sent["mentions"]] == [name for name in pinged if name != "everyone"]
    assert sent["mention_everyone"] == ("everyone" in pinged)


async def test_allowed_mentions_must_not_contradict_themselves(rest, room):
    body = {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}
    assert await error(rest, "POST", f"{room}/messages", body) == (400, 50035)


async def test_lists_are_newest_first_and_bounded(simulator, rest, room):
    said = [simulator.say_in("Ada", str(number)).id for number in range(120)]
    ids = lambda answer: [each["id"] for each in answer[1]]  # noqa: E731
    assert ids(await rest("GET", f"{room}/messages")) == said[:69:-1]
    assert ids(await rest("GET", f"{room}/messages?limit=3")) == said[:116:-1]
    assert ids(await rest("GET", f"{room}/messages?after={said[9]}&limit=3")) == said[12:9:-1]
    assert ids(await rest("GET", f"{room}/messages?before={said[9]}&limit=3")) == said[8:5:-1]
    assert ids(await rest("GET", f"{room}/messages?around={said[50]}&limit=5")) == said[52:47:-1]
    assert ids(await rest("GET", f"{room}/messages?after=0&limit=2")) == [said[1], said[0]]
    for query in ("limit=0", "limit=101", "limit=x", "after=x"):
        assert await error(rest, "GET", f"{room}/messages?{query}") == (400, 50035)


async def test_an_edit_can_take_everything_but_not_leave_nothing(rest, room):
    _, sent = await rest("POST", f"{room}/messages", {"content": "x", "embeds": [{"title": "t"}]})
    message = f"{room}/messages/{sent['id']}"
    _, edited = await rest("PATCH", message, {"content": None})
    assert (edited["content"], edited["embeds"][0]["title"]) == ("", "t")
    assert await error(rest, "PATCH", message, {"embeds": []}) == (400, 50006)
    _, quiet = await rest("PATCH", message, {"flags": 1 << 2})
    assert quiet["flags"] == 1 << 2


async def test_files_are_uploaded_and_downloaded(simulator, session, room):
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", '{"content": "look", "attachments": [{"id": 0, "filename": "b.txt"}]}')
    form.add_field("files[0]", b"12345", filename="a.txt", content_type="text/plain")
    headers = {"Authorization": f"Bot {simulator.token}"}
    async with session.post(f"{simulator.api_base}{room}/messages", data=form, headers=headers) as answer:
        (attachment,) = (await answer.json())["attachments"]
    assert (attachment["filename"], attachment["size"], attachment["content_type"]) == ("b.txt", 5, "text/plain")
    async with session.get(attachment["url"]) as answer:
        assert (await answer.read(), answer.content_type) == (b"12345", "text/plain")
    async with session.get(f"{simulator.url}/attachments/1/1/x") as answer:
        assert answer.status == 404


async def test_a_file_that_is_too_large_is_refused(simulator, session, room):
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("files[0]", io.BytesIO(bytes(MAX_UPLOAD + 1)), filename="a.bin")
    headers = {"Authorization": f"Bot {simulator.token}"}
    async with session.post(f"{simulator.api_base}{room}/messages", data=form, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (413, 40005)


async def test_a_file_of_a_person_can_be_read_by_its_url(simulator, rest, session):
    said = simulator.say_direct("Ada", "look", attachments=[SharedFile("a.bin", b"\0\1", "application/octet-stream")])
    _, (message,) = await rest("GET", f"/channels/{said.thread}/messages")
    async with session.get(message["attachments"][0]["url"]) as answer:
        assert await answer.read() == b"\0\1"


async def test_an_attachments_address_expires_and_a_payload_has_one_that_is_valid_now(simulator, rest, session):
    said = simulator.say_direct("Ada", "look", attachments=[SharedFile("a.bin", b"a")])

    async def address():
        _, (message,) = await rest("GET", f"/channels/{said.thread}/messages")
        return message["attachments"][0]["url"]

    async def status(url):
        async with session.get(url) as answer:
            return answer.status

    old = await address()
    assert set(dict(pair.split("=") for pair in old.partition("?")[2].rstrip("&").split("&"))) == {"ex", "is", "hm"}
    simulator.expire_addresses()
    assert [await status(url) for url in (old, old.partition("?")[0], await address())] == [404, 404, 200]
