"""The arguments of an API call, whichever way they came, and the error that refuses one."""

import json
from collections.abc import Mapping
from typing import Any, cast

from adapters.slack.simulator.workspace import Message, Payload, Room, Workspace


class ApiError(Exception):
    """The call is answered with `ok: false`, this error code and these further fields."""

    def __init__(self, code: str, **fields: object) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields


def invalid_arguments(detail: str) -> ApiError:
    """What Slack answers for a missing or malformed argument."""
    return ApiError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {detail}"]})


class Args:
    """Reads typed values out of query, form and JSON alike.

    Slack takes booleans as `true`, `1` or JSON, and in a form JSON values as text.
    https://docs.slack.dev/apis/web-api#basics.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        """The value as text, empty where it is missing."""
        value = self.values.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        """The value as text, or `invalid_arguments`."""
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        """True for true, 1, "1" and "true"."""
        return str(self.values.get(name, "")).lower() in {"1", "true"}

    def integer(self, name: str, default: int) -> int:
        """The value as a number, the default where it is missing or zero."""
        try:
            return int(self.text(name) or default) or default
        except ValueError:
            raise invalid_arguments(f"must provide an integer [json-pointer:/{name}]") from None

    def json(self, name: str) -> Any:
        """A list or an object, also out of text; None where it is missing."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ApiError(f"invalid_{name}") from None

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty where it is missing."""
        value = self.json(name)
        return [str(each) for each in cast("list[object]", value)] if isinstance(value, list) else []

    def objects(self, name: str) -> list[Payload]:
        """A list of objects; empty where it is missing."""
        value = self.json(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise ApiError(f"invalid_{name}")
        return cast("list[Payload]", value)


def room_named(workspace: Workspace, args: Args, name: str = "channel") -> Room:
    """The room that the argument names, or `channel_not_found`."""
    room = workspace.find_room(args.text(name))
    if room is None:
        raise ApiError("channel_not_found")
    return room


def message_named(workspace: Workspace, args: Args, ts: str) -> tuple[Room, Message]:
    """The message that `channel` and the argument `ts` name, or `message_not_found`."""
    room = room_named(workspace, args)
    message = room.messages.get(args.text(ts))
    if message is None:
        raise ApiError("message_not_found")
    return room, message
