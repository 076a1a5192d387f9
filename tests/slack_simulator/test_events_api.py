"""Signed HTTP events, verified by the real slack-bolt."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.slack.simulator import SlackSimulator
from adapters.slack.simulator.events_api import signed_headers

from .conftest import BoltBot


@pytest.fixture
async def posting() -> AsyncIterator[SlackSimulator]:
    """Sends its events by HTTP; every test says where to."""
    nowhere = "http://127.0.0.1:9/"
    async with SlackSimulator(events_url=nowhere, retry_schedule=(0.0, 0.0), rate_limits=False) as running:
        yield running


@pytest.fixture
async def bot(posting: SlackSimulator) -> AsyncIterator[BoltBot]:
    made = BoltBot(posting)
    server = await serve(posting, made.app.web_app())
    yield made
    await server.close()
    await made.handler.close_async()


async def serve(posting: SlackSimulator, app: web.Application) -> TestServer:
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    posting.events_api.url = str(server.make_url("/slack/events"))
    return server


async def test_bolt_accepts_the_signature_and_answers_in_the_thread(posting, bot):
    asked = await posting.say("Ada", "hello")
    await posting.until(lambda: len(posting.read(asked.thread)) == 2)
    await posting.settled()
    assert {(await bot.next())["ts"], (await bot.next())["ts"]} == {asked.id}
    assert posting.journal.acked == 3


@pytest.mark.usefixtures("bot")
async def test_bolt_answers_the_url_verification(posting):
    assert await posting.events_api.verify_url(posting.workspace.verification_token)


async def test_bolt_refuses_another_secret(posting, bot):
    posting.events_api._signing_secret = "something else"
    posting.say_in("Mallory", "hello")
    await posting.until(lambda: bool(posting.journal.dropped))
    assert bot.events.empty()


async def test_a_failed_answer_is_retried_with_number_and_reason(posting):
    seen: list[tuple[str | None, str | None]] = []

    async def refuse_twice(request: web.Request) -> web.Response:
        headers = request.headers
        seen.append((headers.get("X-Slack-Retry-Num"), headers.get("X-Slack-Retry-Reason")))
        return web.Response(status=200 if len(seen) == 3 else 500)

    server = await serve(posting, routed(refuse_twice))
    posting.say_in("Ada", "hello")
    await posting.settled()
    assert seen == [(None, None), ("1", "http_error"), ("2", "http_error")]
    assert posting.journal.acked == 1
    await server.close()


async def test_the_no_retry_header_ends_the_retries(posting):
    calls: list[Any] = []

    async def refuse(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    server = await serve(posting, routed(refuse))
    posting.say_in("Ada", "hello")
    await posting.settled()
    assert len(calls) == 1
    assert len(posting.journal.dropped) == 1
    await server.close()


async def test_an_unreachable_url_is_retried_and_then_given_up(posting):
    posting.say_in("Ada", "hello")
    await posting.settled()
    assert len(posting.journal.dropped) == 1


def test_the_signature_is_the_one_of_slacks_documentation():
    # The worked example of https://docs.slack.dev/authentication/verifying-requests-from-slack
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = signed_headers("8f742231b10e8888abcd99yyyzzz85a5", body, 1531420618)
    assert headers["X-Slack-Signature"] == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def routed(handler: Any) -> web.Application:
    app = web.Application()
    app.router.add_post("/slack/events", handler)
    return app
