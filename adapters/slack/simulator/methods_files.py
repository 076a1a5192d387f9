"""The API methods that upload: `files.getUploadURLExternal` and `files.completeUploadExternal`.

https://docs.slack.dev/reference/methods/files.getUploadURLExternal and
https://docs.slack.dev/reference/methods/files.completeUploadExternal, errors as there (read 2026-11-22).
"""

from collections.abc import Callable

from adapters.slack.simulator import files
from adapters.slack.simulator.arguments import ApiError, Args, room_named
from adapters.slack.simulator.files import Upload, Uploads
from adapters.slack.simulator.methods_chat import Method
from adapters.slack.simulator.publisher import Publisher
from adapters.slack.simulator.workspace import Message, Payload

GET_URL, COMPLETE = "files.getUploadURLExternal", "files.completeUploadExternal"
NAMES = frozenset({GET_URL, COMPLETE})


def methods(uploads: Uploads, url: Callable[[], str], later: Callable[[Callable[[], None]], None]) -> dict[str, Method]:
    """The methods over these uploads. `later` shares: Slack answers before the message is there.

    https://github.com/slackapi/bolt-js/issues/2115.
    """

    def get_upload_url(publisher: Publisher, args: Args) -> Payload:
        """`files.getUploadURLExternal`."""
        name, length = args.text("filename"), args.integer("length", 0)
        if not name or length <= 0:
            raise ApiError("missing_argument")
        file_id = files.new_id(publisher.workspace)
        uploads.pending[file_id] = Upload(name, length)
        return {"ok": True, "upload_url": f"{url()}/upload/v1/{file_id}", "file_id": file_id}

    def complete_upload(publisher: Publisher, args: Args) -> Payload:
        """`files.completeUploadExternal`: once for each file; without `channel_id` nobody is shown anything."""
        asked = args.objects("files")
        ids = [str(one.get("id")) for one in asked]
        if not asked or not all(file_id in uploads.pending for file_id in ids):
            raise ApiError("file_not_found")
        taken = [uploads.pending[file_id] for file_id in ids]
        if any(upload.content is None for upload in taken):
            raise ApiError("file_not_found")
        share = _sharing(publisher, args)
        described: list[Payload] = []
        for one, file_id, upload in zip(asked, ids, taken, strict=True):
            del uploads.pending[file_id]
            publisher.workspace.contents[file_id] = upload.content or b""
            title = str(one.get("title") or upload.name)
            described.append(
                files.described(
                    publisher.workspace, url(), publisher.workspace.bot, upload.shared(), file_id, title=title
                )
            )
        if share is not None:
            later(lambda: share(described))
        return {"ok": True, "files": described}

    return {COMPLETE: complete_upload, GET_URL: get_upload_url}


def _sharing(publisher: Publisher, args: Args) -> Callable[[list[Payload]], None] | None:
    """What makes a message of files where the arguments say so. A wrong thread's error is not documented."""
    if not args.text("channel_id"):
        return None
    workspace = publisher.workspace
    room = room_named(workspace, args, "channel_id")
    thread_ts = args.text("thread_ts")
    if workspace.bot.id not in room.members:
        raise ApiError("not_in_channel")
    if room.is_archived:
        raise ApiError("posting_to_channel_denied")
    if thread_ts and thread_ts not in room.messages:
        raise ApiError("thread_not_found")

    def share(described: list[Payload]) -> None:
        message = Message(
            room.id, "", workspace.bot.id, args.text("initial_comment"), thread_ts, subtype="file_share",
            files=described,
        )  # fmt: skip
        workspace.post(room, message)
        publisher.posted(message)

    return share
