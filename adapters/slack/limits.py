"""Slack's numbers, each with the page it was read on."""

TEXT_CHARS = 4_000
"""Recommended most for one message's `text`; over 40,000 it is cut off.
https://docs.slack.dev/reference/methods/chat.postMessage (read 2026-11-21)"""

PAGE = 200
"""Messages asked for at once; Slack recommends no more than 200.
https://docs.slack.dev/apis/web-api/pagination (read 2026-11-21)"""

EVENT_SECONDS = 3.0
"""An event that is not acknowledged by then is delivered again.
https://docs.slack.dev/apis/events-api (read 2026-11-21)"""
