"""Files that people and the app send along: their description in messages and by `files.info`, upload and download.

https://docs.slack.dev/reference/objects/file-object and https://docs.slack.dev/reference/methods/files.info.
"""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from adapters.slack.simulator.arguments import ApiError, Args
from adapters.slack.simulator.faults import LOGIN_PAGE, Faults
from adapters.slack.simulator.methods_chat import Method
from adapters.slack.simulator.publisher import Publisher
from adapters.slack.simulator.workspace import Payload, Person, SharedFile, Workspace


def share(workspace: Workspace, url: str, person: Person, shared: SharedFile) -> Payload:
    """Keeps the content and describes the file as a message shows it. `url` is the simulator's."""
    file_id = new_id(workspace)
    workspace.contents[file_id] = shared.content
    return described(workspace, url, person, shared, file_id)


def new_id(workspace: Workspace) -> str:
    """An id for a file, whose content is still to come."""
    file_id = f"F{len(workspace.contents) + 1:010d}"
    workspace.contents[file_id] = b""
    return file_id


def described(
    workspace: Workspace, url: str, person: Person, shared: SharedFile, file_id: str, *, title: str = ""
) -> Payload:
    """A file object."""
    created = int(workspace.clock())
    private = f"{url}/files-pri/{workspace.team_id}-{file_id}/{quote(shared.name)}"
    described: Payload = {
        "id": file_id,
        "created": created,
        "timestamp": created,
        "name": shared.name,
        "title": title or shared.name,
        "mimetype": shared.mimetype,
        "filetype": PurePath(shared.name).suffix.removeprefix(".") or "text",
        "user": person.id,
        "user_team": workspace.team_id,
        "editable": False,
        "size": len(shared.content),
        "mode": "hosted",
        "is_external": False,
        "is_public": True,
        "url_private": private,
        "url_private_download": private.replace("/files-pri/", "/files-pri/download/", 1),
        "permalink": f"https://{workspace.team_domain}.slack.com/files/{person.id}/{file_id}/{shared.name}",
        "file_access": "visible",
    }
    workspace.files[file_id] = described
    return _undescribed(file_id) if shared.of_others else described


def info(publisher: Publisher, args: Args) -> Payload:
    """`files.info`."""
    found = publisher.workspace.files.get(args.required("file"))
    if found is None:
        raise ApiError("file_not_found")
    return {"ok": True, "file": found, "comments": [], "response_metadata": {"next_cursor": ""}}


METHODS: dict[str, Method] = {"files.info": info}


def _undescribed(file_id: str) -> Payload:
    """As a message shows a file of another organisation.

    https://docs.slack.dev/reference/events/message/file_share (Slack Connect files); the shape as quoted at
    https://zenn.dev/straydog/articles/42c4152bf963e3 (read 2026-11-22).
    """
    body: Payload = {"id": file_id, "mode": "file_access", "file_access": "check_file_info"}
    return body | {"created": 0, "timestamp": 0, "user": ""}


@dataclass(slots=True)
class Upload:
    """A file on its way: an address was given out for it."""

    name: str
    length: int
    content: bytes | None = None
    """What was uploaded so far; None if nothing was."""

    def shared(self) -> SharedFile:
        """The file as it was uploaded."""
        mimetype = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return SharedFile(self.name, self.content or b"", mimetype)


@dataclass(slots=True)
class Uploads:
    """The files that the app uploads, until `files.completeUploadExternal` makes messages of them.

    https://docs.slack.dev/reference/methods/files.getUploadURLExternal: bytes as they are, or a form; 200 if it was
    successful. The address alone lets one upload: no token is asked for.
    """

    pending: dict[str, Upload] = field(default_factory=dict[str, Upload])
    """File id -> what is not completed yet."""
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    """Of every upload that came."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One upload."""
        self.headers.append(dict(request.headers))
        upload = self.pending.get(request.match_info["file"])
        content = await _content(request)
        if upload is None or len(content) != upload.length:
            raise web.HTTPBadRequest(text="the ticket or the length is wrong")
        upload.content = content
        return web.Response(text=f"OK - {len(content)}")


async def _content(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.content.read()
    part = await (await request.multipart()).next()
    return bytes(await part.read()) if isinstance(part, BodyPartReader) else b""


class Downloads:
    """Gives out the content for the bot's token; without it or without `files:read` a login page, status 200."""

    def __init__(self, workspace: Workspace, faults: Faults, bot_token: str, scopes: frozenset[str] | None) -> None:
        self._workspace = workspace
        self._faults = faults
        self._authorization = f"Bearer {bot_token}"
        self._allowed = scopes is None or "files:read" in scopes

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One download; its faults are those of `files-pri`."""
        fault = self._faults.take("files-pri")
        if fault is not None:
            after = {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}
            status = 429 if fault.retry_after else fault.status
            return web.Response(status=status, body=fault.body, content_type=fault.content_type, headers=after)
        if not self._allowed or request.headers.get("Authorization") != self._authorization:
            return web.Response(body=LOGIN_PAGE, content_type="text/html")
        content = self._workspace.contents.get(request.match_info["file"].rpartition("-")[2])
        if content is None:
            raise web.HTTPNotFound
        return web.Response(body=content, content_type="application/octet-stream")
