"""Slack's numbers, each with the page it was read on."""

TEXT_CHARS = 4_000
"""Most for one message's `text`. Slack cuts over 40,000 (https://docs.slack.dev/reference/methods/chat.postMessage) and
makes further messages of what is over 4,000 (https://github.com/chainloop-dev/chainloop/issues/272, read 2026-11-21),
which would not carry the delivery's id."""

EDIT_SECONDS = 1.5
"""Between two edits: `chat.update` may be called "50+ per minute" in a workspace (tier 3); some are left for the ends.
https://docs.slack.dev/reference/methods/chat.update, https://docs.slack.dev/apis/web-api/rate-limits"""

MARKDOWN_CHARS = 12_000
"""Most for all markdown blocks of a message together; over it Slack refuses the message.
https://docs.slack.dev/reference/block-kit/blocks/markdown-block (read 2026-11-22)"""

PAGE = 200
"""Messages asked for at once; Slack recommends no more than 200.
https://docs.slack.dev/apis/web-api/pagination"""
