"""Discord's numbers, each with the page it was read on (2026-11-22)."""

MESSAGE_CHARS = 2_000
"""Most for one message's `content`; counted here in UTF-16 units, of which no other way of counting finds more.
https://docs.discord.com/developers/resources/message#create-message"""

EDIT_SECONDS = 0.05
"""Between two edits: 50 requests a second are allowed in all. What a channel allows is in its bucket's headers.
https://docs.discord.com/developers/topics/rate-limits#global-rate-limit"""

THREAD_NAME_CHARS = 100
"""https://docs.discord.com/developers/resources/channel#start-thread-from-message"""

PAGE = 100
"""Messages that can be asked for at once.
https://docs.discord.com/developers/resources/message#get-channel-messages"""

TYPING_SECONDS = 10.0
"""How long typing is shown. https://docs.discord.com/developers/resources/channel#trigger-typing-indicator"""

FILE_BYTES = 10 * 1024 * 1024
"""Most for one file where nobody pays for more. The page says 20 MiB now and said 10 MiB before; the smaller one is
taken everywhere. https://docs.discord.com/developers/reference#uploading-files"""
