"""A person presses a button or uses a slash command: the payloads of it, and what is shown of the answer.

https://docs.slack.dev/interactivity/implementing-slash-commands for commands; for presses
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload, and for the names and types of its fields
json-logs/samples/app-backend/interactive-components/BlockActionPayload.json of slackapi/java-slack-sdk (2026-11-22).
"""

import uuid

from adapters.slack.simulator.blocks import buttons
from adapters.slack.simulator.events import message_body
from adapters.slack.simulator.workspace import Message, Payload, Person, Room, Workspace
from bridge.foreign import text_at

DIRECT_NAME = "directmessage"
"""What the payload calls a direct conversation."""


COMMAND = "/threadbridge"
"""What the manifest calls the app's command."""
NOT_IN_THREADS = "{command} is not supported in threads. Sorry!"
"""What Slack says there, and the app hears nothing. https://github.com/slackapi/bolt-python/issues/873 (2026-11-22)"""
FAILED = '{command} failed with the error "operation_timeout"'
"""What Slack says to that person where there is no acknowledgement within three seconds; which error it names where it
comes and says no is not documented. https://docs.slack.dev/interactivity/implementing-slash-commands"""
_NAMES = {"im": DIRECT_NAME, "group": "privategroup"}


def commanded(workspace: Workspace, person: Person, room: Room, command: str, text: str) -> dict[str, str]:
    """The fields of a slash command. Nothing in them tells of a thread or a time."""
    return {
        "token": workspace.verification_token,
        "team_id": workspace.team_id,
        "team_domain": workspace.team_domain,
        "channel_id": room.id,
        "channel_name": _NAMES.get(room.kind, room.name),
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "response_url": f"https://hooks.slack.com/commands/{workspace.team_id}/{uuid.uuid4().int % 10**12}/simulated",
        "trigger_id": _trigger(),
    }


def shown(answer: object) -> str:
    """What that person alone is shown of an acknowledgement, which is JSON or plain text."""
    if isinstance(answer, str):
        return answer
    if text_at(answer, "response_type") not in (None, "ephemeral"):
        raise ValueError('this Slack shows an answer to whoever typed the command: leave out "response_type"')
    return text_at(answer, "text") or ""


def _trigger() -> str:
    return f"{uuid.uuid4().int % 10**12}.{uuid.uuid4().int % 10**12}.{uuid.uuid4().hex}"


def pressed(workspace: Workspace, person: Person, room: Room, message: Message, label: str) -> Payload:
    """The payload of that person's pressing the button with that label. Raises LookupError if there is none."""
    action = next((action for text, action in buttons(message.blocks) if text == label), None)
    if action is None:
        raise LookupError(f"no button {label!r} under the message {message.ts}")
    container: Payload = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": room.id,
        "is_ephemeral": False,
    }
    return {
        "type": "block_actions",
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": workspace.team_id},
        "api_app_id": workspace.app_id,
        "token": workspace.verification_token,
        "container": container | ({"thread_ts": message.thread_ts} if message.thread_ts else {}),
        "trigger_id": _trigger(),
        "team": {"id": workspace.team_id, "domain": workspace.team_domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": room.id, "name": DIRECT_NAME if room.kind == "im" else room.name},
        "message": message_body(workspace, message),
        "state": {"values": {}},
        "response_url": f"https://hooks.slack.com/actions/{workspace.team_id}/{uuid.uuid4().int % 10**12}/simulated",
        "actions": [action | {"action_ts": workspace.timestamps.next()}],
    }
