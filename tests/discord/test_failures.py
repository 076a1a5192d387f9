"""What Discord's failures mean to us."""

from types import SimpleNamespace

import aiohttp
import discord
import pytest

from adapters.discord.failures import ERRORS, REMEDIES, meaning
from adapters.discord.sentences import NO_THREAD, SHUT
from bridge.errors import NotSent, OutcomeUnknown, RateLimited, Rejected

# https://docs.discord.com/developers/topics/opcodes-and-status-codes, what can come of a post, by hand on 2026-11-22
NEVER = {
    10003, 10004, 10007, 10008, 10013, 30046, 40005, 40058, 50001, 50003, 50005, 50006, 50007, 50008, 50009, 50013, 50024, 50035, 50083,
    160002, 160004, 160005, 160006, 160007, 200000, 200001, 240000,
}  # fmt: skip
LATER = {40001, 40004, 40006, 40062, 50014, 130000}


def failed(status, code=0, headers=None, message="why\nIn content: no"):
    response = SimpleNamespace(status=status, reason="", headers=headers or {})
    return discord.HTTPException(response, {"code": code, "message": message})


@pytest.mark.parametrize(("codes", "kind"), [(NEVER, Rejected), (LATER, NotSent), ({99999, 30033}, NotSent)])
def test_every_code_means_what_follows_from_it(codes, kind):
    assert {code: type(meaning("POST", failed(400, code))) for code in codes} == dict.fromkeys(codes, kind)


def test_the_table_is_what_is_documented():
    assert ERRORS.keys() == NEVER | LATER
    assert {*REMEDIES, *NO_THREAD, *SHUT} <= ERRORS.keys()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (failed(500), OutcomeUnknown),
        (failed(503, 50013), OutcomeUnknown),
        (failed(401), NotSent),
        (failed(403), NotSent),
        (failed(404), NotSent),
        (discord.LoginFailure(), NotSent),
        (failed(400), NotSent),
        (aiohttp.ServerDisconnectedError(), OutcomeUnknown),
        (aiohttp.ClientConnectorError(SimpleNamespace(), OSError(111, "refused")), NotSent),
        (TimeoutError(), OutcomeUnknown),
        (ValueError("no JSON"), OutcomeUnknown),
        (discord.RateLimited(60.0), RateLimited),
    ],
)
def test_what_came_instead_of_an_answer(error, kind):
    assert type(meaning("POST", error)) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7.5"}, 7.5), ({}, 1.0), ({"Retry-After": "soon"}, 1.0), ({"Retry-After": "inf"}, 1.0)],
)
def test_a_rate_limit_says_how_long_to_wait(headers, seconds):
    limited = meaning("POST", failed(429, headers=headers))
    assert isinstance(limited, RateLimited)
    assert limited.retry_after == seconds


def test_the_sentence_names_the_call_the_code_and_the_remedy_in_one_line():
    error = meaning("POST /channels", failed(403, 50013, message="Missing Permissions\nIn content: the text itself"))
    assert str(error) == (
        "POST /channels: Discord says 50013 (Missing Permissions): let the bot send messages, and send messages in "
        "threads, in this channel"
    )
    assert error.code == 50013
