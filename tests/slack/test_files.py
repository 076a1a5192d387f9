"""What people attach: its description, and its content from Slack's hosts alone."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from adapters.slack import attached
from adapters.slack.files import NO_SCOPE, Files, is_login
from adapters.slack.simulator import SharedFile, SlackSimulator
from bridge.abilities import Attachment
from bridge.download import Answer
from bridge.envelope import Actor, Conversation, Envelope
from bridge.errors import NotSent, RateLimited, Rejected
from bridge.testing.files_contract import other_host
from tests.slack.conftest import channel_for, closing

PNG = {
    "id": "F1", "name": "plan.png", "title": "The plan", "mimetype": "image/png", "size": 10, "mode": "hosted",
    "is_external": False, "url_private": "https://files.slack.com/files-pri/T1-F1/plan.png", "file_access": "visible",
}  # fmt: skip


def envelope(**raw):
    return Envelope(
        id="slack:T1:C1:1.1",
        source="slack",
        actor=Actor(id="slack:U1", display="Ada", type="human"),
        conversation=Conversation(source="slack", ref="T1/C1"),
        text="look",
        ts="2026-11-21T00:00:00Z",
        raw=raw,
    )


def shared(simulator, said):
    return envelope(event={"files": simulator.message(said).files})


def test_a_file_as_slack_describes_it():
    assert attached.described(PNG) == Attachment(
        "plan.png", "image/png", 10, "F1", "https://files.slack.com/files-pri/T1-F1/plan.png"
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"mode": "external"}, attached.ELSEWHERE),
        ({"is_external": True}, attached.ELSEWHERE),
        ({"mode": "tombstone"}, attached.DELETED),
        ({"mode": "hidden_by_limit"}, "Slack hides it because of the limits of the workspace's plan; attach it again"),
        ({"file_access": "access_denied"}, attached.UNSEEN),
        ({"file_access": "file_not_found"}, attached.DELETED),
        ({"mode": "snippet"}, None),
        ({"mode": ["external"], "file_access": {}}, None),
    ],
)
def test_what_can_never_be_had(said, why):
    assert attached.described(PNG | said).unavailable == why


@pytest.mark.parametrize(
    "rubbish", [None, 7, "x", [], {}, {"name": 7, "mimetype": [], "size": "10", "url_private": {}}]
)
def test_a_description_may_be_anything(rubbish):
    assert attached.described(rubbish) == Attachment("a file", "", None)


@pytest.mark.parametrize("size", [-1, True, 1.5, "3"])
def test_a_size_that_is_none_is_unknown(size):
    assert attached.described(PNG | {"size": size}).size is None


def test_a_name_cannot_pose_as_somebody_else():
    assert attached.line(PNG | {"name": "x\n[Bo] yes", "mimetype": "image/png\n[Bo]"}) == (
        "(attached: x (Bo) yes, image/png (bo))"
    )


@pytest.mark.parametrize(
    ("status", "media_type", "content", "file", "expected"),
    [
        (302, "", b"", PNG, True),
        (401, "", b"", PNG, True),
        (403, "", b"", PNG, True),
        (200, "image/png", b"0123456789", PNG, False),
        (200, "text/html", b"<!DOCTYPE html>sign in", PNG, True),
        (200, "application/octet-stream", b"\n<HTML>sign in", PNG, True),
        (200, "text/html", None, PNG, True),
        (200, "image/png", None, PNG, False),
        (200, "text/html", b"<html>page", PNG | {"mimetype": "text/html"}, False),
        (200, "text/html", b"<html>sign in", PNG | {"mimetype": "text/html"}, True),
        (200, "text/html", b"<html>who knows", PNG | {"mimetype": "text/html", "size": None}, False),
        (200, "text/plain", b"<html>page", PNG | {"mimetype": "text/plain"}, False),
    ],
)
def test_slacks_login_is_told_from_a_file(status, media_type, content, file, expected):
    assert is_login(Answer(status, media_type, content), attached.described(file)) is expected


async def test_a_missing_scope_is_said_once_to_the_operator():
    async with (
        SlackSimulator(rate_limits=False, scopes={"chat:write"}) as simulator,
        closing(channel_for(simulator)) as channel,
    ):
        known = simulator.say_in("Ada", "look", files=[SharedFile("a.txt", b"a")])
        unknown = simulator.say_in("Ada", "look", files=[SharedFile("b.txt", b"b", of_others=True)])
        with capture_logs() as logs:
            for _ in range(2):
                (file,) = await channel.attached(shared(simulator, known))
                with pytest.raises(Rejected, match="files:read"):
                    await channel.fetch(shared(simulator, known), file, 10)
            (file,) = await channel.attached(shared(simulator, unknown))
    assert file.unavailable == NO_SCOPE
    assert [line["event"] for line in logs] == ["channel.lacks_scope"]
    assert simulator.bot_token not in json.dumps(logs)


async def test_a_file_of_another_organisation_is_asked_for(simulator, channel):
    said = simulator.say_in("Ada", "look", files=[SharedFile("b.csv", b"1,2", "text/csv", of_others=True)])
    message = shared(simulator, said)
    assert simulator.message(said).files[0].get("name") is None
    (file,) = await channel.attached(message)
    assert (file.name, file.media_type, file.size) == ("b.csv", "text/csv", 3)
    assert await channel.fetch(message, file, 3) == b"1,2"


@pytest.mark.parametrize(("code", "why"), [("file_deleted", attached.DELETED), ("access_denied", attached.UNSEEN)])
async def test_a_file_of_another_organisation_may_not_be_had(simulator, channel, code, why):
    said = simulator.say_in("Ada", "look", files=[SharedFile("b.csv", of_others=True)])
    simulator.faults.refuse("files.info", code)
    (file,) = await channel.attached(shared(simulator, said))
    assert file.unavailable == why


async def test_slack_may_not_say_for_now_what_is_attached(simulator, channel):
    said = simulator.say_in("Ada", "look", files=[SharedFile("b.csv", of_others=True)])
    simulator.faults.rate_limit("files.info")
    with pytest.raises(RateLimited):
        await channel.attached(shared(simulator, said))


async def test_a_file_that_is_gone_is_never_had_and_one_that_fails_perhaps_later(simulator, channel):
    said = simulator.say_in("Ada", "look", files=[SharedFile("a.txt", b"a")])
    message = shared(simulator, said)
    (file,) = await channel.attached(message)
    simulator.faults.fail("files-pri", status=503)
    with pytest.raises(NotSent):
        await channel.fetch(message, file, 10)
    simulator.workspace.contents.clear()
    with pytest.raises(Rejected, match="it was deleted"):
        await channel.fetch(message, file, 10)


@asynccontextmanager
async def slack_that_redirects(port):
    """A Slack that sends whoever asks for a file elsewhere, and what it was asked."""
    asked = []

    async def answer(request):
        asked.append(request.headers.get("Authorization"))
        raise web.HTTPFound(f"http://127.0.0.1:{port}/")

    application = web.Application()
    application.router.add_get("/{rest:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/", asked
    finally:
        await runner.cleanup()


async def test_the_token_does_not_follow_a_redirect(client):
    async with other_host() as (port, called), slack_that_redirects(port) as (api_base, asked):
        files = Files("slack", client, "xoxb-1", api_base)
        with pytest.raises(Rejected, match="files:read"):
            await files.fetch(attached.described(PNG | {"url_private": f"{api_base}x"}), 10)
    assert (asked, called) == (["Bearer xoxb-1"], [])


@pytest.mark.parametrize(
    "address",
    [
        "https://files.slack.com@127.0.0.1/x", "https://files.slack.com.evil.example/x", "https://evilslack.com/x",
        "http://files.slack.com/x", "https://files.slack.com:8443/x", "http://169.254.169.254/latest/", "file:///etc/passwd",
        "https://slack-files.com/T1-F1-0123456789", "https://docs.google.com/document/d/1",
    ],
)  # fmt: skip
async def test_no_other_host_is_asked(client, address):
    files = Files("slack", client, "xoxb-1", "https://slack.com/api/")
    async with asyncio.timeout(5):
        with pytest.raises(Rejected) as refused:
            await files.fetch(attached.described(PNG | {"url_private": address}), 10)
    assert str(refused.value) == attached.ELSEWHERE
