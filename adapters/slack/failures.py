"""What Slack's failures mean to us.

Source: https://docs.slack.dev/reference/methods/chat.postMessage#errors (read 2026-11-21) and
https://docs.slack.dev/reference/methods/files.completeUploadExternal (read 2026-11-22)
"""

import math
from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError

from bridge.errors import ChannelError, NotSent, OutcomeUnknown, RateLimited, Rejected
from bridge.foreign import dig

ERRORS: Mapping[str, type[ChannelError]] = {
    # Slack's error -> ours.
    # An error that is not here did not post either: it is tried again.
    "fatal_error": OutcomeUnknown,  # "some aspect of the operation" may have succeeded
    "internal_error": OutcomeUnknown,
    "request_timeout": OutcomeUnknown,
    "service_unavailable": OutcomeUnknown,
    "file_update_failed": OutcomeUnknown,
    "accesslimited": NotSent,
    "account_inactive": NotSent,
    "invalid_auth": NotSent,
    "missing_scope": NotSent,
    "no_permission": NotSent,
    "not_authed": NotSent,
    "org_login_required": NotSent,
    "team_access_not_granted": NotSent,
    "team_added_to_org": NotSent,
    "token_expired": NotSent,
    "token_revoked": NotSent,
    "cannot_reply_to_message": Rejected,
    "cant_update_message": Rejected,
    "channel_not_found": Rejected,
    "channel_type_not_supported": Rejected,
    "edit_window_closed": Rejected,
    "ekm_access_denied": Rejected,
    "invalid_arg_name": Rejected,
    "invalid_arguments": Rejected,
    "invalid_channel": Rejected,
    "invalid_charset": Rejected,
    "invalid_form_data": Rejected,
    "invalid_post_type": Rejected,
    "invalid_metadata_format": Rejected,
    "is_archived": Rejected,
    "message_not_found": Rejected,
    "messages_tab_disabled": Rejected,
    "metadata_too_large": Rejected,
    "msg_blocks_too_long": Rejected,
    "msg_too_long": Rejected,
    "no_text": Rejected,
    "not_in_channel": Rejected,
    "posting_to_channel_denied": Rejected,
    "restricted_action": Rejected,
    "restricted_action_non_threadable_channel": Rejected,
    "restricted_action_read_only_channel": Rejected,
    "restricted_action_thread_locked": Rejected,
    "restricted_action_thread_only_channel": Rejected,
    "thread_not_found": Rejected,
    "too_many_attachments": Rejected,
    "user_is_external_guest": Rejected,
}

BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
"""What Slack says of a message that it may take without its blocks."""

REMEDIES: Mapping[str, str] = {
    "missing_scope": "add the scope to the app and install it again",
    "not_in_channel": "invite the bot to the channel",
    "channel_not_found": "invite the bot to the channel, or it is gone",
    "is_archived": "the channel is archived",
    "invalid_auth": "check the tokens",
    "token_revoked": "install the app again and write the new token",
    "account_inactive": "install the app again and write the new token",
}

BAD_TOKEN = frozenset({
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type",
})  # fmt: skip


def meaning(method: str, error: SlackApiError) -> ChannelError:
    """What a failed call means: by its HTTP status, then by Slack's code."""
    response: Any = error.response
    status: int = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
    code = dig(getattr(response, "data", None), "error")
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        return RateLimited(f"{method}: Slack asks to wait", retry_after=_retry_after(response))
    if not isinstance(code, str):
        return OutcomeUnknown(f"{method}: Slack answered {status} without a reason")
    if status >= 500:
        return OutcomeUnknown(f"{method}: Slack answered {status} ({code})", code=code)
    remedy = REMEDIES.get(code)
    sentence = f"{method}: Slack says {code}" + (f": {remedy}" if remedy else "")
    return ERRORS.get(code, NotSent)(sentence, code=code)


def _retry_after(response: Any) -> float:
    try:
        seconds = float(response.headers["Retry-After"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return 1.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 1.0
