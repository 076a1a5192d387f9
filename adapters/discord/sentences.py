"""What the channel itself says to people in a room: one plain sentence each, with what to do. Pure."""

from collections.abc import Mapping

from adapters.discord import failures

_LACKS = "I may not open threads here, so I answer in the channel. (I need the permission to create public threads.)"
NO_THREAD_HERE = "I could not open a thread here, so I answer in the channel."
NO_THREAD: Mapping[object, str] = {
    # Discord's code when a thread is opened -> what people are told.
    failures.MISSING_ACCESS: _LACKS,
    failures.MISSING_PERMISSIONS: _LACKS,
    failures.WRONG_CHANNEL_TYPE: "This channel has no threads, so I answer right here.",
    failures.TOO_MANY_THREADS: "This server has as many active threads as it may have, so I answer in the channel.",
    failures.TOO_MANY_NEWS_THREADS: "This channel has as many active threads as it may have, so I answer right here.",
}
NO_WRITING = (
    "I may not write in threads here, so I answer in the channel. (I need the permission to send messages in threads.)"
)
GO_ON = " Reply to a message of mine to go on."
_KEPT = " It is kept: whoever runs this bot finds it in the store."
GONE = f"I have an answer to something that was deleted.{_KEPT}"
SHUT: Mapping[object, str] = {
    # Discord's code when something is posted in a thread -> what people are told in the room.
    failures.MISSING_ACCESS: f"I have an answer for <#{{thread}}>, but I may not write there.{_KEPT}",
    failures.MISSING_PERMISSIONS: f"I have an answer for <#{{thread}}>, but I may not write there.{_KEPT}",
    failures.LOCKED: f"I have an answer for <#{{thread}}>, but it is locked.{_KEPT}",
    failures.ARCHIVED: f"I have an answer for <#{{thread}}>, but it is closed.{_KEPT}",
}
