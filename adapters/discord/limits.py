"""Discord's numbers, each with the page it was read on (2026-11-22)."""

MESSAGE_CHARS = 2_000
"""Most for one message's `content`; counted here in UTF-16 units, of which no other way of counting finds more.
https://docs.discord.com/developers/resources/message#create-message"""

EDIT_SECONDS = 0.1
"""Between two edits: 50 requests a second are allowed in all, and most are for posts. What a channel allows is in its
bucket's headers.
https://docs.discord.com/developers/topics/rate-limits#global-rate-limit"""

CALLS_PER_SECOND = 50
"""Allowed in all.
https://docs.discord.com/developers/topics/rate-limits#global-rate-limit"""

SPARE_BELOW = 30
"""Calls within a second below which there is room for those that nobody misses.
https://docs.discord.com/developers/topics/rate-limits#global-rate-limit"""

THREAD_NAME_CHARS = 100
"""https://docs.discord.com/developers/resources/channel#start-thread-from-message"""

PAGE = 100
"""Messages that can be asked for at once.
https://docs.discord.com/developers/resources/message#get-channel-messages"""

REACT_SECONDS = 0.5
"""Between two reactions. Discord documents no number for them; the answers' headers name the bucket.
https://docs.discord.com/developers/topics/rate-limits"""

TYPING_SECONDS = 10.0
"""How long typing is shown. https://docs.discord.com/developers/resources/channel#trigger-typing-indicator"""

ANSWER_SECONDS = 3.0
"""After these an interaction cannot be answered any more.
https://docs.discord.com/developers/interactions/receiving-and-responding#responding-to-an-interaction"""

FILE_BYTES = 10 * 1024 * 1024
"""Most for one file where nobody pays for more. The page says 20 MiB now and said 10 MiB before; the smaller one is
taken everywhere. https://docs.discord.com/developers/reference#uploading-files"""
