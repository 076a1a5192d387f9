"""Files of the app, with the real slack-sdk and by hand."""

import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.simulator import SlackSimulator


async def code_of(call):
    with pytest.raises(SlackApiError) as refused:
        await call
    return refused.value.response["error"]


async def upload(client, content=b"hello", name="a.txt"):
    """A file that is uploaded and not completed."""
    given = await client.files_getUploadURLExternal(filename=name, length=len(content))
    async with aiohttp.ClientSession() as session, session.post(given["upload_url"], data=content) as answer:
        assert answer.status == 200
    return given["file_id"]


async def test_the_sdk_uploads_a_file_into_a_thread(simulator, client, connect):
    bot = await connect(simulator)
    asked = simulator.say_in("Ada", "hello")
    await bot.next()
    answer = await client.files_upload_v2(
        content=b"\x00\xff" * 500_000, filename="a.bin", title="All of it", channel=asked.thread.split("/")[0],
        thread_ts=asked.id, initial_comment="here",
    )  # fmt: skip
    event = await bot.next()
    assert (event["subtype"], event["thread_ts"], event["text"]) == ("file_share", asked.id, "here")
    (file,) = event["files"]
    assert (file["id"], file["name"], file["title"], file["size"]) == (
        answer["file"]["id"],
        "a.bin",
        "All of it",
        1_000_000,
    )
    assert simulator.workspace.contents[file["id"]] == b"\x00\xff" * 500_000
    history = await client.conversations_replies(channel=event["channel"], ts=asked.id)
    assert history["messages"][1]["files"] == [file]
    assert [said.text for said in simulator.read(asked.thread) if said.by_bot] == ["here"]


async def test_no_token_is_asked_for_where_the_bytes_go(simulator, client):
    await upload(client)
    assert all("Authorization" not in headers for headers in simulator.uploads.headers)


async def test_a_file_is_completed_once_and_only_after_its_bytes_came(simulator, client):
    room = simulator.add_room("general").id
    given = await client.files_getUploadURLExternal(filename="a.txt", length=5)
    asked = {"files": [{"id": given["file_id"]}], "channel_id": room}
    assert await code_of(client.files_completeUploadExternal(**asked)) == "file_not_found"
    done = await upload(client)
    await client.files_completeUploadExternal(files=[{"id": done}], channel_id=room)
    assert await code_of(client.files_completeUploadExternal(files=[{"id": done}], channel_id=room)) == "file_not_found"
    assert len(simulator.workspace.rooms[room].messages) == 1


async def test_an_upload_of_another_length_is_refused(client):
    given = await client.files_getUploadURLExternal(filename="a.txt", length=5)
    async with aiohttp.ClientSession() as session, session.post(given["upload_url"], data=b"longer") as answer:
        assert answer.status == 400


async def test_an_empty_file_is_refused(client):
    assert await code_of(client.files_getUploadURLExternal(filename="a.txt", length=0)) == "missing_argument"


async def test_a_form_is_taken_too(simulator, client):
    given = await client.files_getUploadURLExternal(filename="a.txt", length=5)
    form = aiohttp.FormData()
    form.add_field("filename", b"hello", filename="a.txt")
    async with aiohttp.ClientSession() as session, session.post(given["upload_url"], data=form) as answer:
        assert answer.status == 200
    assert simulator.uploads.pending[given["file_id"]].content == b"hello"


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ({"channel_id": "C0NOBODY"}, "channel_not_found"),
        ({"channel_id": "#away"}, "not_in_channel"),
        ({"channel_id": "#old"}, "posting_to_channel_denied"),
        ({"channel_id": "#general", "thread_ts": "1.000000"}, "thread_not_found"),
    ],
)
async def test_where_nobody_may_post_nothing_is_shown(simulator, client, place, code):
    simulator.add_room("general")
    simulator.add_room("away", with_bot=False)
    simulator.add_room("old").is_archived = True
    file_id = await upload(client)
    assert await code_of(client.files_completeUploadExternal(files=[{"id": file_id}], **place)) == code
    assert not any(room.messages for room in simulator.workspace.rooms.values())


async def test_without_a_channel_nobody_is_shown_anything(simulator, client):
    answer = await client.files_completeUploadExternal(files=[{"id": await upload(client), "title": "t"}])
    assert answer["files"][0]["title"] == "t"
    assert not any(room.messages for room in simulator.workspace.rooms.values())


async def test_without_the_scope_nothing_is_uploaded():
    async with SlackSimulator(scopes={"chat:write"}) as simulator, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {simulator.bot_token}"}
        address = f"{simulator.api_base}files.getUploadURLExternal"
        async with session.post(address, data={"filename": "a", "length": "1"}, headers=headers) as answer:
            refusal = json.loads(await answer.text())
    assert (refusal["error"], refusal["needed"]) == ("missing_scope", "files:write")


async def test_slack_answers_before_the_message_is_there():
    async with SlackSimulator(share_seconds=0.05) as simulator:
        client = AsyncWebClient(token=simulator.bot_token, base_url=simulator.api_base)
        room = simulator.add_room("general")
        await client.files_completeUploadExternal(files=[{"id": await upload(client)}], channel_id=room.id)
        assert not room.messages
        await simulator.until(lambda: len(room.messages) == 1)
