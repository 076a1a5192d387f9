"""The gateway's numbers: opcodes, close codes, limits.

https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway.
"""

VERSION = "10"

MAX_PAYLOAD = 4096
"""Bytes an app may send at once. https://docs.discord.com/developers/events/gateway#sending-events."""

MAX_SENT = 120
SENT_WINDOW = 60.0  # seconds
"""So many payloads may an app send in that time. https://docs.discord.com/developers/events/gateway#rate-limiting."""

ZOMBIE_AFTER = 1.5
"""Heartbeat intervals without a heartbeat after which a connection is closed. Discord's tolerance is not documented."""

SESSION_STARTS = 1000
SESSION_STARTS_RESET = 86_400_000  # milliseconds
"""https://docs.discord.com/developers/events/gateway#identifying."""

IDENTIFY_INTERVAL = 5.0
"""Seconds for `max_concurrency` identifies. https://docs.discord.com/developers/events/gateway#rate-limiting."""

MESSAGE_CONTENT_LIMITED = 1 << 19
"""The app's flag for an enabled intent in fewer than 100 guilds.
https://docs.discord.com/developers/resources/application#application-object-application-flags."""

HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 1, 2, 3, 4, 6
RECONNECT, MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 7, 8, 9, 10, 11
SOUNDBOARD, CHANNEL_INFO = 31, 43
IGNORED = frozenset({PRESENCE, VOICE, MEMBERS, SOUNDBOARD, CHANNEL_INFO})
"""Opcodes that an app may send, and that nothing here answers."""

# what the app did -> the code that closes its connection
UNKNOWN_ERROR, UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, AUTHENTICATION_FAILED = 4000, 4001, 4002, 4003, 4004
ALREADY_AUTHENTICATED, INVALID_SEQUENCE, RATE_LIMITED, TIMED_OUT = 4005, 4007, 4008, 4009
INVALID_SHARD, INVALID_VERSION, INVALID_INTENTS, DISALLOWED_INTENTS = 4010, 4012, 4013, 4014

ENDS_SESSION = frozenset({1000, 1001})
"""Close codes of the app after which its session is gone.
https://docs.discord.com/developers/events/gateway#initiating-a-disconnect."""
