"""Files that people send along: their description in messages and by `files.info`, and their download.

https://docs.slack.dev/reference/objects/file-object and https://docs.slack.dev/reference/methods/files.info.
"""

from pathlib import PurePath
from urllib.parse import quote

from aiohttp import web

from adapters.slack.simulator.arguments import ApiError, Args
from adapters.slack.simulator.faults import LOGIN_PAGE, Faults
from adapters.slack.simulator.methods_chat import Method
from adapters.slack.simulator.publisher import Publisher
from adapters.slack.simulator.workspace import Payload, Person, SharedFile, Workspace


def share(workspace: Workspace, url: str, person: Person, shared: SharedFile) -> Payload:
    """Keeps the content and describes the file as a message shows it. `url` is the simulator's."""
    file_id = f"F{len(workspace.contents) + 1:010d}"
    workspace.contents[file_id] = shared.content
    created = int(workspace.clock())
    private = f"{url}/files-pri/{workspace.team_id}-{file_id}/{quote(shared.name)}"
    described: Payload = {
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
