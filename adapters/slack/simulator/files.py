"""Files that people send along: their description in messages, and their download.

https://docs.slack.dev/reference/objects/file-object.
"""

from pathlib import PurePath

from aiohttp import web

from adapters.slack.simulator.faults import LOGIN_PAGE
from adapters.slack.simulator.workspace import Payload, Person, SharedFile, Workspace


def share(workspace: Workspace, url: str, person: Person, shared: SharedFile) -> Payload:
    """Keeps the content and describes the file as a message shows it. `url` is the simulator's."""
    file_id = f"F{len(workspace.contents) + 1:010d}"
    workspace.contents[file_id] = shared.content
    created = int(workspace.clock())
    private = f"{url}/files-pri/{workspace.team_id}-{file_id}/{shared.name}"
    return {
        "id": file_id,
        "created": created,
        "timestamp": created,
        "name": shared.name,
        "title": shared.name,
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
