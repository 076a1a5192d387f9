"""A person presses a button: the `block_actions` payload of it.

https://docs.slack.dev/reference/interaction-payloads/block_actions-payload, and for the names and types of its fields
json-logs/samples/app-backend/interactive-components/BlockActionPayload.json of slackapi/java-slack-sdk (2026-11-22).
"""

import uuid

from adapters.slack.simulator.blocks import buttons
from adapters.slack.simulator.events import message_body
from adapters.slack.simulator.workspace import Message, Payload, Person, Room, Workspace

DIRECT_NAME = "directmessage"
"""What the payload calls a direct conversation."""


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
        "trigger_id": f"{uuid.uuid4().int % 10**12}.{uuid.uuid4().int % 10**12}.{uuid.uuid4().hex}",
        "team": {"id": workspace.team_id, "domain": workspace.team_domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": room.id, "name": DIRECT_NAME if room.kind == "im" else room.name},
        "message": message_body(workspace, message),
        "state": {"values": {}},
        "response_url": f"https://hooks.slack.com/actions/{workspace.team_id}/{uuid.uuid4().int % 10**12}/simulated",
        "actions": [action | {"action_ts": workspace.timestamps.next()}],
    }
