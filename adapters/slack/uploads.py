"""Files out: an address to upload to, the bytes, and the call that makes a message of them.

https://docs.slack.dev/reference/methods/files.getUploadURLExternal (read 2026-11-22). Only that last call shows
anything, and Slack does what it says some time after it answered (https://github.com/slackapi/bolt-js/issues/2115). So
the message is waited for: what is said next must not come before it, and its ts is in no answer.
"""

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

import structlog

from adapters.slack import ids
from adapters.slack.client import SlackClient
from bridge.channel import Delivery, MessageRef
from bridge.errors import ChannelError, FileRefused, NotSent, OutcomeUnknown, RateLimited
from bridge.files import File
from bridge.foreign import items_at, text_at

_log = structlog.get_logger(__name__)

LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks for a message with a file."""
_HOSTS = ("slack.com", "slack-gov.com")
_NEED_SCOPE = "add files:write to the app and install it again"
REFUSED: Mapping[str, str] = {
    # What Slack says of files it will not take -> the remedy.
    # https://docs.slack.dev/reference/methods/files.getUploadURLExternal and files.completeUploadExternal
    "file_type_not_allowed": "the workspace does not allow this type of file",
    "file_upload_size_restricted": "the workspace does not allow files of this size",
    "file_uploads_disabled": "the workspace does not allow files",
    "file_uploads_except_images_disabled": "the workspace allows images only",
    "missing_argument": "Slack takes no empty file",
    "missing_scope": _NEED_SCOPE,
    "not_allowed_token_type": _NEED_SCOPE,
    "storage_limit_reached": "the workspace has no room for files left",
    "unknown_method": "this is no Slack that takes files",
}


class Uploads:
    """Posts files into threads."""

    def __init__(self, name: str, client: SlackClient, api_base: str) -> None:
        self._name = name
        self._client = client
        self._origin = _origin(api_base)

    async def post(self, delivery: Delivery, file: File) -> MessageRef:
        """Posts a file once, the delivery's id in its name. Raises ChannelError."""
        where = ids.place(delivery.conversation.ref)
        uploaded = await self._upload(ids.file_name(file.name, delivery.id), file.content)
        arguments = {"files": json.dumps([{"id": uploaded, "title": file.name}]), "channel_id": where.room}
        if where.thread is not None:
            arguments["thread_ts"] = where.thread
        try:
            answer = await self._client.in_room(where.room, "files.completeUploadExternal", arguments)
        except ChannelError as error:
            raise _refused(error) from error
        if not items_at(answer, "files"):
            raise OutcomeUnknown("files.completeUploadExternal answered without the file")
        return await self._shown(delivery) or ids.message_ref(where.room, uploaded)

    async def find(self, delivery: Delivery) -> MessageRef | None:
        """The message with the delivery's file, which Slack may still be about to show. Raises ChannelError."""
        found = await self._client.find(delivery)
        for wait in LOOKS:
            if found is not None:
                break
            await asyncio.sleep(wait)
            found = await self._client.find(delivery)
        return found

    async def _shown(self, delivery: Delivery) -> MessageRef | None:
        """The message, once it is there. None if it does not come, or nobody can look: Slack has taken the file."""
        try:
            found = await self.find(delivery)
        except ChannelError as error:
            _log.warning("file.not_seen", channel=self._name, delivery=delivery.id, reason=str(error))
            return None
        if found is None:
            _log.warning("file.not_seen", channel=self._name, delivery=delivery.id, reason="Slack took it")
        return found

    async def _upload(self, name: str, content: bytes) -> str:
        """The id of an uploaded file, which nobody sees yet."""
        method = "files.getUploadURLExternal"
        try:
            answer = await self._client.call(method, {"filename": name, "length": len(content)})
            address, uploaded = text_at(answer, "upload_url"), text_at(answer, "file_id")
            if address is None or uploaded is None:
                raise NotSent(f"{method}: the answer is not Slack's")
            if not self._is_slacks(address):
                raise NotSent(f"{method}: the address {address[:60]!r} is not Slack's, so the file was not sent there")
            await self._client.put(address, content)
        except OutcomeUnknown as error:
            raise NotSent(str(error)) from error
        except ChannelError as error:
            raise _refused(error) from error
        return uploaded

    def _is_slacks(self, address: str) -> bool:
        """Whether bytes may go there: to a host of Slack's, or to where its API is."""
        origin = _origin(address)
        scheme, host, _ = origin
        ours = scheme == "https" and any(host == one or host.endswith(f".{one}") for one in _HOSTS)
        return bool(host) and (ours or origin == self._origin)


def _refused(error: ChannelError) -> ChannelError:
    remedy = REFUSED.get(error.code) if isinstance(error.code, str) else None
    if remedy is None or isinstance(error, RateLimited):
        return error
    return FileRefused(f"Slack does not take the file ({error.code}): {remedy}", code=error.code)


def _origin(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; no host where programs could read it differently."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", "", None
    return parts.scheme, "" if "@" in parts.netloc or "\\" in address else host, port
