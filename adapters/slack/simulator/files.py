"""Files that people and the app send along: their description in messages, their upload and their download.

https://docs.slack.dev/reference/objects/file-object.
"""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from aiohttp import BodyPartReader, web

from adapters.slack.simulator.faults import LOGIN_PAGE
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
    private = f"{url}/files-pri/{workspace.team_id}-{file_id}/{shared.name}"
    return {
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

    def __init__(self, workspace: Workspace, bot_token: str, scopes: frozenset[str] | None) -> None:
        self._workspace = workspace
        self._authorization = f"Bearer {bot_token}"
        self._allowed = scopes is None or "files:read" in scopes

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One download."""
        if not self._allowed or request.headers.get("Authorization") != self._authorization:
            return web.Response(body=LOGIN_PAGE, content_type="text/html")
        content = self._workspace.contents.get(request.match_info["file"].rpartition("-")[2])
        if content is None:
            raise web.HTTPNotFound
        return web.Response(body=content, content_type="application/octet-stream")
