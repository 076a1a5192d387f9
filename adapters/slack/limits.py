"""Slack's numbers, each with the page it was read on."""

from bridge.abilities import StreamLimits

TEXT_CHARS = 4_000
"""Most for one message's `text`. Slack cuts over 40,000 (https://docs.slack.dev/reference/methods/chat.postMessage) and
makes further messages of what is over 4,000 (https://github.com/chainloop-dev/chainloop/issues/272, read 2026-11-21),
which would not carry the delivery's id."""

EDIT_SECONDS = 1.5
"""Between two edits: `chat.update` may be called "50+ per minute" in a workspace (tier 3); some are left for the ends.
https://docs.slack.dev/reference/methods/chat.update, https://docs.slack.dev/apis/web-api/rate-limits"""

STREAM = StreamLimits(at_once=5, between_starts=4.5, between_appends=0.7, idle=20.0, longest=240.0, chars=10_000)
"""`chat.startStream` and `chat.stopStream` may be called "20+ per minute" (tier 2): so many starts and what was open
before them stay below that. `chat.appendStream` "100+" (tier 4). https://docs.slack.dev/apis/web-api/rate-limits.
Slack ends a stream by itself after about five minutes (https://github.com/vercel/chat/issues/637) or some time without
an append (https://github.com/vercel/chat/issues/607), and then shows it as broken until it is edited. 12,000 characters
are the most for one call (https://docs.slack.dev/reference/methods/chat.appendStream, all read 2026-11-22)."""

STATUS_SECONDS = 120.0
"""How long a status is shown. https://docs.slack.dev/reference/methods/assistant.threads.setStatus (2026-11-22)"""

STATUS_CHARS = 50
"""For one line of a status; more is cut with "…". Slack documents no limit."""

REACT_SECONDS = 1.5
"""Between two reactions: `reactions.add` may be called "50+ per minute" (tier 3).
https://docs.slack.dev/reference/methods/reactions.add"""

MARKDOWN_CHARS = 12_000
"""Most for all markdown blocks of a message together; over it Slack refuses the message.
https://docs.slack.dev/reference/block-kit/blocks/markdown-block (read 2026-11-22)"""

PAGE = 200
"""Messages asked for at once; Slack recommends no more than 200.
https://docs.slack.dev/apis/web-api/pagination"""
