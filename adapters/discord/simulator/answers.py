"""What REST calls are answered with, and the errors that refuse them.

Codes: https://docs.discord.com/developers/topics/opcodes-and-status-codes#json. Which HTTP status comes with which code
is not documented: here 404 for what is unknown, 403 for what is not allowed, and mostly 400 for the rest.
"""

from dataclasses import dataclass, field

from adapters.discord.simulator.guild import Payload

# code -> HTTP status, message
ERRORS = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    40005: (413, "Request entity too large"),
    40058: (400, "Cannot send a message in a forum channel"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50033: (400, "Invalid Recipient(s)"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (400, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (403, "Thread is locked"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered with. Status 0 closes the connection instead."""

    body: object = None
    status: int = 200
    code: int = 0
    """Discord's error code."""
    headers: dict[str, str] = field(default_factory=dict[str, str])


NO_CONTENT = Answer(status=204)


class ApiError(Exception):
    """The call is refused with that code."""

    def __init__(self, code: int, *, status: int = 0, message: str = "", errors: Payload | None = None) -> None:
        known_status, known_message = ERRORS.get(code, (400, ""))
        self.code = code
        self.status = status or known_status
        self.message = message or known_message
        self.errors = errors
        super().__init__(self.message)

    def answer(self) -> Answer:
        """https://docs.discord.com/developers/reference#error-messages."""
        body: Payload = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return Answer(body, self.status, self.code)


def unauthorized() -> ApiError:
    """The token is missing or wrong."""
    return ApiError(0, status=401, message="401: Unauthorized")


def not_found() -> ApiError:
    """There is no such route."""
    return ApiError(0, status=404, message="404: Not Found")


def invalid_form(field_name: str, code: str, message: str) -> ApiError:
    """A field of the body is wrong; a dot leads into a nested one."""
    errors: Payload = {"_errors": [{"code": code, "message": message}]}
    for name in reversed(field_name.split(".")):
        errors = {name: errors}
    return ApiError(50035, errors=errors)


def too_long(field_name: str, longest: int) -> ApiError:
    """The text has more characters than are allowed."""
    return invalid_form(field_name, "BASE_TYPE_MAX_LENGTH", f"Must be {longest} or fewer in length.")


def required(field_name: str) -> ApiError:
    """The field is missing."""
    return invalid_form(field_name, "BASE_TYPE_REQUIRED", "This field is required")
