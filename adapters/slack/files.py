"""The content of attached files: from Slack's hosts alone, and the token to no other.

Source: https://docs.slack.dev/reference/objects/file-object (`url_private` wants the bot's token and `files:read`)
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from adapters.slack import attached
from adapters.slack.client import SlackClient
from bridge import download
from bridge.abilities import Attachment
from bridge.envelope import Envelope
from bridge.errors import ChannelError, Rejected
from bridge.foreign import dig

_log = structlog.get_logger(__name__)

DOMAINS = ("slack.com", "slack-gov.com")
"""files.slack.com, the workspaces' own, and GovSlack's (https://docs.slack.dev/govslack)."""
NO_SCOPE = "this Slack app may not read files; ask whoever runs it to add the scope files:read and install it again"
REMEDY = "add files:read at OAuth & Permissions > Bot Token Scopes, and install the app again"

_NEVER = {  # code of files.info -> why the file cannot be had
    "access_denied": attached.UNSEEN,
    "file_deleted": attached.DELETED,
    "file_not_found": attached.DELETED,
    "missing_scope": NO_SCOPE,
}
"""https://docs.slack.dev/reference/methods/files.info#errors"""


class Files:
    """Describes and fetches what people attach."""

    def __init__(self, name: str, client: SlackClient, token: str, api_base: str) -> None:
        self._name = name
        self._client = client
        self._token = token
        self._hosts = download.Hosts(origin=api_base, domains=DOMAINS)
        self._told = False

    async def attached(self, envelope: Envelope) -> Sequence[Attachment]:
        """What is attached to that message. Slack is asked only about the files of other organisations."""
        return [await self._described(file) for file in attached.files(envelope.raw)]

    async def fetch(self, attachment: Attachment, most: int) -> bytes | None:
        """The content, or None if it is longer than `most` bytes. Raises ChannelError."""
        address = self._hosts.address(attachment.address)
        if address is None:
            raise Rejected(attached.ELSEWHERE)
        answer = await download.get(address, most, headers={"Authorization": f"Bearer {self._token}"})
        if answer.status in (404, 410):
            raise Rejected(attached.DELETED)
        if is_login(answer, attachment):
            self._tell()
            raise Rejected(NO_SCOPE)
        if answer.status != 200:
            raise Rejected(f"Slack does not hand it over ({answer.status}); attach it again")
        return answer.content

    async def _described(self, file: object) -> Attachment:
        asked_for = attached.must_be_asked_for(file)
        if asked_for is None:
            return attached.described(file)
        try:
            answer = await self._client.call("files.info", {"file": asked_for})
        except ChannelError as error:
            if error.code not in _NEVER:
                raise
            if error.code == "missing_scope":
                self._tell()
            return replace(attached.described(file), unavailable=_NEVER[str(error.code)])
        return attached.described(dig(answer, "file"))

    def _tell(self) -> None:
        """The operator reads it once, whoever attaches how much."""
        if not self._told:
            self._told = True
            _log.error("channel.lacks_scope", channel=self._name, scope="files:read", remedy=REMEDY)


def is_login(answer: download.Answer, attachment: Attachment) -> bool:
    """Slack sends whoever may not read a file to its login, or shows that in its place with status 200. Pure.

    https://github.com/slackapi/deno-slack-sdk/issues/285, https://github.com/vercel/eve/pull/1531 (read 2026-11-22).
    """
    if answer.status != 200:
        return 300 <= answer.status < 400 or answer.status in (401, 403)
    if answer.content is None:
        return answer.media_type == "text/html" != attachment.media_type
    if len(answer.content) == attachment.size:
        return False
    begins = answer.content[:200].lstrip().lower()
    is_page = answer.media_type == "text/html" or begins.startswith((b"<!doctype html", b"<html"))
    return is_page and (attachment.media_type != "text/html" or attachment.size is not None)
