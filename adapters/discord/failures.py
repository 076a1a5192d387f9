"""What Discord's failures mean to us.

Source: https://docs.discord.com/developers/topics/opcodes-and-status-codes (read 2026-11-22)
"""

import math
from collections.abc import Mapping

import aiohttp
import discord

from bridge.errors import ChannelError, NotSent, OutcomeUnknown, RateLimited, Rejected

UNKNOWN_CHANNEL = 10003
UNKNOWN_MEMBER = 10007
UNKNOWN_MESSAGE = 10008
UNKNOWN_USER = 10013
TOO_LARGE = 40005
MISSING_ACCESS = 50001
EMPTY = 50006
NOT_FOR_TEXT = 50008
MISSING_PERMISSIONS = 50013
WRONG_CHANNEL_TYPE = 50024
INVALID_FORM = 50035
ARCHIVED = 50083
NO_REPLY_WITHOUT_HISTORY = 160002
THREAD_EXISTS = 160004
LOCKED = 160005
TOO_MANY_THREADS = 160006
TOO_MANY_NEWS_THREADS = 160007
TITLE_BLOCKED = 200001

ERRORS: Mapping[int, type[ChannelError]] = {
    # Discord's code -> ours.
    # A code that is not here did not post either: it is tried again.
    UNKNOWN_CHANNEL: Rejected,
    10004: Rejected,  # unknown guild
    UNKNOWN_MEMBER: Rejected,
    UNKNOWN_MESSAGE: Rejected,  # with a nonce: it was posted, and deleted since
    UNKNOWN_USER: Rejected,
    30046: Rejected,  # an old message was edited too often
    40001: NotSent,  # unauthorized
    40004: NotSent,  # sending is switched off for now
    TOO_LARGE: Rejected,
    40006: NotSent,  # a feature is switched off for now
    40058: Rejected,  # a forum takes no message outside of its posts
    40062: NotSent,  # a service is rate limited
    MISSING_ACCESS: Rejected,
    50003: Rejected,  # not in a direct conversation
    50005: Rejected,  # a message of somebody else
    EMPTY: Rejected,
    50007: Rejected,  # this person takes no messages
    NOT_FOR_TEXT: Rejected,  # not a text channel
    50009: Rejected,  # verification level
    MISSING_PERMISSIONS: Rejected,
    50014: NotSent,  # invalid token
    WRONG_CHANNEL_TYPE: Rejected,
    INVALID_FORM: Rejected,  # invalid form
    ARCHIVED: Rejected,  # and locked
    130000: NotSent,  # overloaded
    NO_REPLY_WITHOUT_HISTORY: Rejected,
    THREAD_EXISTS: Rejected,
    LOCKED: Rejected,
    TOO_MANY_THREADS: Rejected,
    TOO_MANY_NEWS_THREADS: Rejected,
    200000: Rejected,  # automatic moderation
    TITLE_BLOCKED: Rejected,
    240000: Rejected,  # harmful links
}

NOT_AS_FILE: Mapping[object, str] = {
    # What Discord says of a message with a file that it may take without -> the remedy.
    TOO_LARGE: "it is too large for this server",
    EMPTY: "it is empty",
    MISSING_PERMISSIONS: "let the bot attach files in this channel",
}

REMEDIES: Mapping[int, str] = {
    40001: "check the token",
    50014: "check the token",
    MISSING_ACCESS: "let the bot see the channel, or it was removed from the server",
    50007: "this person takes no messages from the bot",
    MISSING_PERMISSIONS: "let the bot send messages, and send messages in threads, in this channel",
    UNKNOWN_CHANNEL: "the channel or thread was deleted",
    UNKNOWN_MESSAGE: "the message was deleted",
    ARCHIVED: "the thread is locked",
    LOCKED: "the thread is locked",
    200000: "the server's AutoMod blocks this text",
}


def meaning(call: str, error: Exception) -> ChannelError:
    """What a failed call means: whatever discord.py or aiohttp raised -> ours. `call` says what was done."""
    match error:
        case discord.RateLimited():
            return RateLimited(f"{call}: Discord asks to wait", retry_after=error.retry_after)
        case discord.LoginFailure():
            return NotSent(f"{call}: Discord does not accept the token: check it", code=401)
        case discord.HTTPException():
            return _answered(call, error)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return NotSent(f"{call}: Discord cannot be reached")
        case _:
            return OutcomeUnknown(f"{call}: the connection to Discord ended without an answer")


def _answered(call: str, error: discord.HTTPException) -> ChannelError:
    if error.status == 429:
        return RateLimited(f"{call}: Discord asks to wait", retry_after=_retry_after(error))
    if error.status >= 500:
        return OutcomeUnknown(f"{call}: Discord answered {error.status}")
    if not error.code:
        hint = ": check the token" if error.status == 401 else ""
        return NotSent(f"{call}: Discord answered {error.status}{hint}", code=error.status)
    remedy = REMEDIES.get(error.code)
    said = error.text.partition("\n")[0][:120]
    sentence = f"{call}: Discord says {error.code} ({said})" + (f": {remedy}" if remedy else "")
    return ERRORS.get(error.code, NotSent)(sentence, code=error.code)


def _retry_after(error: discord.HTTPException) -> float:
    try:
        seconds = float(error.response.headers["Retry-After"])
    except (KeyError, ValueError):
        return 1.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 1.0
