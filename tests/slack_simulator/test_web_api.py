"""The Web API with the real slack-sdk: answers, errors, pages, limits."""

import json
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.simulator import SharedFile, SlackSimulator, methods_files
from adapters.slack.simulator.rate_limit import Limiter, PostRate
from adapters.slack.simulator.web_api import METHODS, SCOPES

BOT = "U0DEMO0BOT"
DELIVERY = {"event_type": "threadbridge_delivery", "event_payload": {"id": "d1"}}


async def error_of(call: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as refused:
        await call
    data = refused.value.response.data
    assert isinstance(data, dict)
    return data


async def test_a_post_is_answered_with_the_whole_message(simulator, client):
    asked = simulator.say_in("Ada", "hello")
    answer = await client.chat_postMessage(channel="#general", thread_ts=asked.id, text="hi", metadata=DELIVERY)
    assert answer.data == {
        "ok": True,
        "channel": "C0000000001",
        "ts": answer["ts"],
        "message": {
            "type": "message",
            "user": BOT,
            "ts": answer["ts"],
            "bot_id": "B0DEMO0001",
            "app_id": "A0DEMO0001",
            "bot_profile": answer["message"]["bot_profile"],
            "text": "hi",
            "team": "T0DEMO0001",
            "thread_ts": asked.id,
            "parent_user_id": "U0000000001",
            "metadata": DELIVERY,
        },
    }
    assert answer["ts"] > asked.id


async def test_auth_test_says_who_the_bot_is(client):
    answer = await client.auth_test()
    assert answer.data == {
        "ok": True,
        "url": "https://demo.slack.com/",
        "team": "Demo",
        "user": "threadbridge",
        "team_id": "T0DEMO0001",
        "user_id": BOT,
        "bot_id": "B0DEMO0001",
        "is_enterprise_install": False,
    }
    assert "chat:write" in answer.headers["x-oauth-scopes"]


@pytest.mark.parametrize(("token", "error"), [("xoxb-wrong", "invalid_auth"), (None, "not_authed")])
async def test_a_wrong_or_missing_token_is_refused(simulator, token, error):
    stranger = AsyncWebClient(token=token, base_url=simulator.api_base)
    assert await error_of(stranger.auth_test()) == {"ok": False, "error": error}


async def test_the_app_token_is_refused_where_a_bot_token_is_needed(simulator):
    app = AsyncWebClient(token=simulator.app_token, base_url=simulator.api_base)
    assert (await error_of(app.chat_postMessage(channel="#general", text="x")))["error"] == "not_allowed_token_type"
    assert (await app.auth_test())["app_id"] == "A0DEMO0001"


@pytest.mark.parametrize(("body", "error"), [(b"{", "invalid_json"), (b"[]", "json_not_object")])
async def test_a_body_that_is_no_json_object_is_refused(simulator, session, body, error):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {simulator.bot_token}"}
    async with session.post(f"{simulator.api_base}chat.postMessage", data=body, headers=headers) as answer:
        assert (answer.status, await answer.json()) == (200, {"ok": False, "error": error})


async def test_an_unknown_method_is_named_as_such(client):
    assert await error_of(client.api_call("chat.frobnicate")) == {
        "ok": False,
        "error": "unknown_method",
        "req_method": "chat.frobnicate",
    }


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "C404", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "#general"}, "no_text"),
        ("chat.postMessage", {"channel": "#general", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ("chat.postMessage", {"channel": "#foreign", "text": "x"}, "not_in_channel"),
        ("chat.postMessage", {"channel": "#old", "text": "x"}, "is_archived"),
        ("chat.postMessage", {"channel": "#general", "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
        ("chat.postMessage", {"channel": "#general", "markdown_text": "x" * 12_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": "#general", "markdown_text": "x", "text": "x"}, "markdown_text_conflict"),
        ("chat.postMessage", {"channel": "#general", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        (
            "chat.postMessage",
            {"channel": "#general", "blocks": [{"type": "markdown", "text": "x" * 13_300}]},
            "msg_blocks_too_long",
        ),
        ("chat.postMessage", {"channel": "#general", "blocks": "not json"}, "invalid_blocks"),
        ("chat.update", {"channel": "#general", "ts": "1.000001", "text": "x"}, "message_not_found"),
        ("chat.update", {"channel": "#general", "ts": "ADA", "text": "x"}, "cant_update_message"),
        ("chat.delete", {"channel": "#general", "ts": "ADA"}, "cant_delete_message"),
        ("chat.getPermalink", {"channel": "#general", "message_ts": "1.0"}, "message_not_found"),
        ("conversations.replies", {"channel": "#general", "ts": "1.000001"}, "thread_not_found"),
        ("conversations.replies", {"channel": "#foreign", "ts": "ADA"}, "not_in_channel"),
        ("conversations.replies", {"channel": "#general", "ts": "ADA", "cursor": "x"}, "invalid_cursor"),
        ("conversations.replies", {"channel": "#general"}, "invalid_arguments"),
        ("conversations.history", {"channel": "#general", "limit": "many"}, "invalid_arguments"),
        ("conversations.history", {"channel": "#general", "oldest": "soon"}, "invalid_ts_oldest"),
        ("conversations.info", {"channel": "C404"}, "channel_not_found"),
        ("conversations.join", {"channel": "#old"}, "is_archived"),
        ("conversations.open", {"users": "U404"}, "user_not_found"),
        ("users.info", {"user": "U404"}, "user_not_found"),
        ("users.conversations", {"user": "U404"}, "user_not_found"),
        ("bots.info", {"bot": "B404"}, "bot_not_found"),
        ("reactions.add", {"channel": "#general", "name": "eyes"}, "no_item_specified"),
        ("reactions.add", {"channel": "#general", "timestamp": "ADA"}, "invalid_name"),
        ("reactions.remove", {"channel": "#general", "timestamp": "ADA", "name": "eyes"}, "no_reaction"),
        (
            "assistant.threads.setStatus",
            {"channel_id": "#general", "thread_ts": "1.0", "status": "x"},
            "thread_not_found",
        ),
    ],
)
async def test_error_codes(simulator, client, method, arguments, error):
    said = simulator.say_in("Ada", "hello")
    simulator.add_room("foreign", with_bot=False)
    simulator.add_room("old").is_archived = True
    arguments = {name: said.id if value == "ADA" else value for name, value in arguments.items()}
    assert (await error_of(client.api_call(method, json=arguments)))["error"] == error


@pytest.mark.parametrize("how", ["json", "data", "params"])
async def test_arguments_come_as_json_form_or_query(simulator, client, how):
    simulator.add_room("general")
    arguments = {"channel": "#general", "text": "hé & co", "metadata": json.dumps(DELIVERY), "unfurl_links": "false"}
    answer = await client.api_call("chat.postMessage", **{how: arguments})
    assert (answer["message"]["text"], answer["message"]["metadata"]) == ("hé & co", DELIVERY)
    assert simulator.calls[-1].args["channel"] == "#general"


async def test_text_over_forty_thousand_characters_is_cut_with_a_warning(simulator, client):
    simulator.add_room("general")
    answer = await client.chat_postMessage(channel="#general", text="x" * 40_001)
    assert len(answer["message"]["text"]) == 40_000
    assert answer["warning"] == "message_truncated"


async def test_an_update_over_four_thousand_characters_is_refused(simulator, client):
    simulator.add_room("general")
    posted = await client.chat_postMessage(channel="#general", text="x")
    refused = await error_of(client.chat_update(channel=posted["channel"], ts=posted["ts"], text="x" * 4_001))
    assert refused["error"] == "msg_too_long"


async def test_an_update_changes_the_text_and_keeps_the_metadata(simulator, client):
    asked = simulator.say_in("Ada", "hello")
    posted = await client.chat_postMessage(channel="#general", thread_ts=asked.id, text="…", metadata=DELIVERY)
    updated = await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="done")
    assert (updated["ts"], updated["text"], updated["message"]["edited"]["user"]) == (posted["ts"], "done", BOT)
    answer = await client.conversations_replies(channel="C0000000001", ts=asked.id, include_all_metadata=True)
    assert (answer["messages"][1]["text"], answer["messages"][1]["metadata"]) == ("done", DELIVERY)


async def test_metadata_is_returned_only_when_it_is_asked_for(simulator, client):
    asked = simulator.say_in("Ada", "hello")
    await client.chat_postMessage(channel="#general", thread_ts=asked.id, text="hi", metadata=DELIVERY)
    silent = await client.conversations_replies(channel="#general", ts=asked.id)
    asked_for = await client.conversations_replies(channel="#general", ts=asked.id, include_all_metadata=True)
    assert "metadata" not in silent["messages"][1]
    assert asked_for["messages"][1]["metadata"] == DELIVERY


async def test_replies_come_in_pages_oldest_first(simulator, client):
    asked = simulator.say_in("Ada", "root")
    texts = ["root", *(f"reply {number}" for number in range(6))]
    for text in texts[1:]:
        simulator.say_in("Ben", text, thread_ts=asked.id)
    pages: list[list[str]] = []
    more: list[bool] = []
    async for page in await client.conversations_replies(channel="#general", ts=asked.id, limit=3):
        pages.append([message["text"] for message in page["messages"]])
        more.append(page["has_more"])
    assert pages == [texts[0:3], texts[3:6], texts[6:7]]
    assert more == [True, True, False]


async def test_replies_can_be_narrowed_by_time_and_keep_the_first_message(simulator, client):
    asked = simulator.say_in("Ada", "root")
    one, two, three = (simulator.say_in("Ada", text, thread_ts=asked.id) for text in ("one", "two", "three"))

    async def texts(**bounds: Any) -> list[str]:
        answer = await client.conversations_replies(channel="#general", ts=asked.id, **bounds)
        return [message["text"] for message in answer["messages"]]

    assert await texts(oldest=one.id) == ["root", "two", "three"]
    assert await texts(oldest=one.id, inclusive=True) == ["root", "one", "two", "three"]
    assert await texts(latest=three.id) == ["root", "one", "two"]
    assert await texts(oldest=two.id, latest=two.id, inclusive=True) == ["root", "two"]
    assert await texts(oldest="0") == ["root", "one", "two", "three"]


async def test_the_first_message_of_a_thread_counts_its_replies(simulator, client):
    asked = simulator.say_in("Ada", "root")
    simulator.say_in("Ben", "one", thread_ts=asked.id)
    newest = simulator.say_in("Ben", "two", thread_ts=asked.id)
    simulator.delete(simulator.say_in("Cleo", "oops", thread_ts=asked.id))
    answer = await client.conversations_replies(channel="#general", ts=asked.id)
    root = answer["messages"][0]
    assert {name: root[name] for name in ("thread_ts", "reply_count", "reply_users_count", "latest_reply")} == {
        "thread_ts": asked.id,
        "reply_count": 2,
        "reply_users_count": 1,
        "latest_reply": newest.id,
    }


async def test_history_is_newest_first_without_replies(simulator, client):
    first = simulator.say_in("Ada", "one")
    simulator.say_in("Ada", "hidden", thread_ts=first.id)
    simulator.say_in("Ada", "shown to all", thread_ts=first.id, broadcast=True)
    simulator.say_in("Ada", "three")
    pages = [
        [message["text"] for message in page["messages"]]
        async for page in await client.conversations_history(channel="#general", limit=2)
    ]
    assert pages == [["three", "shown to all"], ["one"]]
    since = await client.conversations_history(channel="#general", oldest=first.id)
    assert [message["text"] for message in since["messages"]] == ["three", "shown to all"]


async def test_rooms_and_people_can_be_looked_up(simulator, client):
    simulator.say_in("Ada Lovelace", "hello", room="#dev")
    simulator.add_room("secret", kind="group")
    simulator.add_room("foreign", with_bot=False)
    opened = await client.conversations_open(users="U0000000001")
    info = await client.conversations_info(channel=opened["channel"]["id"])
    person = await client.users_info(user="U0000000001")
    listed = await client.conversations_list(types="public_channel,private_channel")
    own = await client.users_conversations(types="public_channel,private_channel,im")
    assert (info["channel"]["is_im"], info["channel"]["user"]) == (True, "U0000000001")
    assert (person["user"]["name"], person["user"]["real_name"]) == ("ada.lovelace", "Ada Lovelace")
    assert [room["name"] for room in listed["channels"]] == ["dev", "secret", "foreign"]
    assert [room["id"] for room in own["channels"]] == ["C0000000001", "C0000000002", "D0000000004"]
    assert (await client.team_info())["team"]["id"] == "T0DEMO0001"
    assert (await client.bots_info(bot="B0DEMO0001"))["bot"]["user_id"] == BOT


async def test_people_come_in_pages(simulator, client):
    for name in ("Ada", "Ben", "Cleo"):
        simulator.person(name)
    pages = [[member["real_name"] for member in page["members"]] async for page in await client.users_list(limit=3)]
    assert pages == [["threadbridge", "Ada", "Ben"], ["Cleo"]]


async def test_joining_a_room_lets_the_bot_post_there(simulator, client):
    room = simulator.add_room("foreign", with_bot=False)
    assert (await client.conversations_join(channel=room.id))["channel"]["is_member"]
    assert (await client.conversations_join(channel=room.id))["warning"] == "already_in_channel"
    await client.chat_postMessage(channel=room.id, text="hello")


async def test_reactions_and_the_status_are_kept(simulator, client):
    asked = simulator.say_in("Ada", "hello")
    place = {"channel": "#general", "timestamp": asked.id}
    await client.reactions_add(name="eyes", **place)
    assert (await error_of(client.reactions_add(name="eyes", **place)))["error"] == "already_reacted"
    assert simulator.message(asked).reactions == {"eyes": [BOT]}
    await client.reactions_remove(name="eyes", **place)
    assert simulator.message(asked).reactions == {}
    await client.assistant_threads_setStatus(channel_id="C0000000001", thread_ts=asked.id, status="is thinking…")
    assert simulator.workspace.statuses == {("C0000000001", asked.id): "is thinking…"}
    await client.chat_postMessage(channel="#general", thread_ts=asked.id, text="done")
    assert simulator.workspace.statuses == {}


async def test_a_permalink_names_the_message_and_its_thread(simulator, client):
    asked = simulator.say_in("Ada", "hello")
    reply = simulator.say_in("Ada", "more", thread_ts=asked.id)
    answer = await client.chat_getPermalink(channel="C0000000001", message_ts=reply.id)
    digits = reply.id.replace(".", "")
    assert answer["permalink"] == (
        f"https://demo.slack.com/archives/C0000000001/p{digits}?thread_ts={asked.id}&cid=C0000000001"
    )


async def test_a_deleted_first_message_with_replies_stays_as_a_tombstone(simulator, client):
    posted = await client.chat_postMessage(channel=simulator.add_room("general").id, text="root")
    simulator.say_in("Ada", "reply", thread_ts=posted["ts"])
    await client.chat_delete(channel=posted["channel"], ts=posted["ts"])
    answer = await client.conversations_replies(channel=posted["channel"], ts=posted["ts"])
    assert [(message.get("subtype"), message["text"]) for message in answer["messages"]] == [
        ("tombstone", "This message was deleted."),
        (None, "reply"),
    ]


async def test_a_missing_scope_says_what_is_needed():
    async with SlackSimulator(scopes=["chat:write"]) as narrow:
        client = AsyncWebClient(token=narrow.bot_token, base_url=narrow.api_base)
        assert await error_of(client.users_info(user="U1")) == {
            "ok": False,
            "error": "missing_scope",
            "needed": "users:read",
            "provided": "chat:write",
        }


async def test_posts_over_the_burst_are_rate_limited_per_room():
    async with SlackSimulator(post_rate=PostRate(per_second=0.01, burst=2)) as limited:
        limited.add_room("general")
        limited.add_room("other")
        client = AsyncWebClient(token=limited.bot_token, base_url=limited.api_base)
        for room in ("#general", "general", "#other"):
            await client.chat_postMessage(channel=room, text="x")
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel="#general", text="x")
        response = refused.value.response
        assert (response.status_code, response.data) == (429, {"ok": False, "error": "ratelimited"})
        assert 1 <= int(response.headers["Retry-After"]) <= 100
        assert [call.status for call in limited.calls] == [200, 200, 200, 429]


def test_the_limiter_lets_a_burst_pass_and_then_one_post_a_second():
    now = [100.0]
    limiter = Limiter(PostRate(per_second=1, burst=2), lambda: now[0])
    assert [limiter.take("C1"), limiter.take("C1"), limiter.take("C1"), limiter.take("C2")] == [0, 0, 1, 0]
    now[0] += 1
    assert [limiter.take("C1"), limiter.take("C1")] == [0, 1]


async def test_files_need_the_token_and_give_a_login_page_without_it(simulator, session):
    said = simulator.say_in("Ada", "look", files=[SharedFile("notes.txt", b"secret notes")])
    url = simulator.message(said).files[0]["url_private"]
    async with session.get(url, headers={"Authorization": f"Bearer {simulator.bot_token}"}) as answer:
        assert await answer.read() == b"secret notes"
    async with session.get(url) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")


async def test_a_file_of_another_organisation_is_described_only_by_files_info(simulator, client):
    said = simulator.say_in("Ada", "look", files=[SharedFile("a.csv", b"1,2", "text/csv", of_others=True)])
    (shown,) = simulator.message(said).files
    assert (shown["file_access"], shown.get("url_private")) == ("check_file_info", None)
    answer = await client.files_info(file=shown["id"])
    assert (answer["file"]["name"], answer["file"]["mimetype"], answer["file"]["size"]) == ("a.csv", "text/csv", 3)
    assert (await error_of(client.files_info(file="F0")))["error"] == "file_not_found"


def test_every_scope_belongs_to_a_known_method():
    assert set(SCOPES) <= set(METHODS) | methods_files.NAMES
