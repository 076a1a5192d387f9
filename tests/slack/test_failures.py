"""What Slack's error codes mean to us."""

from types import SimpleNamespace

import pytest
from slack_sdk.errors import SlackApiError

from adapters.slack.failures import BAD_TOKEN, ERRORS, REMEDIES, meaning
from bridge.errors import NotSent, OutcomeUnknown, RateLimited, Rejected

# https://docs.slack.dev/reference/methods/chat.postMessage#errors, written down by hand on 2026-11-21
MAY_HAVE_POSTED = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
WAIT = {"rate_limited", "ratelimited"}
NEVER = {
    "cannot_reply_to_message", "channel_not_found", "ekm_access_denied", "invalid_arg_name", "invalid_arguments",
    "invalid_charset", "invalid_form_data", "invalid_metadata_format", "invalid_post_type",
    "is_archived", "messages_tab_disabled", "metadata_too_large", "msg_blocks_too_long", "msg_too_long", "no_text",
    "not_in_channel", "restricted_action", "restricted_action_non_threadable_channel",
    "restricted_action_read_only_channel", "restricted_action_thread_locked",
    "restricted_action_thread_only_channel", "too_many_attachments",
}  # fmt: skip
REPAIRABLE = {
    "accesslimited", "account_inactive", "invalid_auth", "missing_scope", "no_permission", "not_authed",
    "org_login_required", "team_access_not_granted", "team_added_to_org", "token_expired", "token_revoked",
}  # fmt: skip
NOT_SENT_ON_PURPOSE = {
    # an administrator can change these, and then the answer arrives
    "access_denied", "enterprise_is_restricted", "message_limit_exceeded", "not_allowed_token_type",
    "two_factor_setup_required", "external_channel_migrating",
    # about what the bridge never sends: blocks, files, other users, canvases, other encodings
    "as_user_not_supported", "block_mismatch", "deprecated_endpoint", "duplicate_channel_not_found",
    "duplicate_message_not_found", "invalid_array_arg", "invalid_blocks", "invalid_blocks_format",
    "invalid_metadata_schema", "markdown_text_conflict",
    "metadata_must_be_sent_from_app", "method_deprecated", "missing_post_type", "slack_connect_blocked_file_type",
    "slack_connect_canvas_sharing_blocked", "slack_connect_clip_sharing_blocked",
    "slack_connect_file_link_sharing_blocked", "slack_connect_file_upload_sharing_blocked",
    "slack_connect_lists_sharing_blocked", "team_not_found", "too_many_contact_cards",
}  # fmt: skip


def failed(code, status=200, headers=None):
    response = SimpleNamespace(status_code=status, data={"ok": False, "error": code}, headers=headers or {})
    return SlackApiError("failed", response)


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (MAY_HAVE_POSTED, OutcomeUnknown),
        (WAIT, RateLimited),
        (NEVER, Rejected),
        (REPAIRABLE | NOT_SENT_ON_PURPOSE, NotSent),
    ],
)
def test_every_documented_code_means_what_follows_from_it(codes, kind):
    assert {code: type(meaning("chat.postMessage", failed(code))) for code in codes} == dict.fromkeys(codes, kind)


def test_the_table_holds_every_documented_code_that_is_not_left_out_on_purpose():
    assert ERRORS.keys() >= MAY_HAVE_POSTED | NEVER | REPAIRABLE
    assert not ERRORS.keys() & (NOT_SENT_ON_PURPOSE | WAIT)


def test_remedies_and_bad_tokens_are_codes_that_are_known():
    assert ERRORS.keys() | NOT_SENT_ON_PURPOSE >= REMEDIES.keys() | BAD_TOKEN


def test_a_code_that_nobody_knows_did_not_post():
    assert type(meaning("chat.postMessage", failed("brand_new_error"))) is NotSent


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_may_have_posted_whatever_it_says(status):
    assert type(meaning("chat.postMessage", failed("not_in_channel", status))) is OutcomeUnknown


@pytest.mark.parametrize("data", [b"<html>", "oops", None, {}, {"ok": False}, {"error": 7}])
def test_an_answer_without_a_reason_may_have_posted(data):
    error = SlackApiError("failed", SimpleNamespace(status_code=200, data=data, headers={}))
    assert type(meaning("chat.postMessage", error)) is OutcomeUnknown


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "30"}, 30.0), ({"Retry-After": "0"}, 0.0), ({"Retry-After": "-5"}, 0.0), ({"Retry-After": "soon"}, 1.0), ({}, 1.0)],
)  # fmt: skip
def test_a_rate_limit_carries_the_seconds_that_slack_asks_for(headers, seconds):
    limited = meaning("chat.postMessage", failed("ratelimited", 429, headers))
    assert isinstance(limited, RateLimited)
    assert limited.retry_after == seconds


@pytest.mark.parametrize("odd", ["nan", "inf"])
def test_a_rate_limit_that_is_no_number_of_seconds_is_waited_for_a_moment(odd):
    limited = meaning("chat.postMessage", failed("ratelimited", 429, {"Retry-After": odd}))
    assert isinstance(limited, RateLimited)
    assert 0 <= limited.retry_after < 3600


def test_a_429_without_slacks_json_is_a_rate_limit():
    error = SlackApiError("failed", SimpleNamespace(status_code=429, data=b"<html>", headers={"Retry-After": "9"}))
    limited = meaning("chat.postMessage", error)
    assert isinstance(limited, RateLimited)
    assert limited.retry_after == 9


def test_the_sentence_names_the_call_the_code_and_what_to_do():
    assert str(meaning("chat.postMessage", failed("not_in_channel")).args[0]) == (
        "chat.postMessage: Slack says not_in_channel: invite the bot to the channel"
    )
