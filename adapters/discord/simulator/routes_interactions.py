"""REST routes that answer a command or a press: the first answer, its edits, and follow-ups. They need no bot token.

https://docs.discord.com/developers/interactions/receiving-and-responding.
"""

from adapters.discord.simulator import objects
from adapters.discord.simulator.answers import NO_CONTENT, Answer, ApiError
from adapters.discord.simulator.api import Api, Args, Route
from adapters.discord.simulator.guild import Message, MessageType, Payload, Room
from adapters.discord.simulator.interaction import Interaction
from adapters.discord.simulator.routes_messages import apply_edit, drafted

PONG, SHOWN, DEFERRED, NOTHING_SHOWN = 1, 4, 5, 6

EPHEMERAL = 1 << 6
LOADING = 1 << 7
"""https://docs.discord.com/developers/resources/message#message-object-message-flags."""

ORIGINAL = "@original"


def callback(api: Api, args: Args) -> Answer:
    """Create Interaction Response: within three seconds, once."""
    interaction = api.interactions.get(args.path["token"])
    if interaction is None or interaction.id != args.path["interaction"]:
        raise ApiError(10062)
    if interaction.response:
        raise ApiError(40060)
    if not interaction.answered_in_time():
        raise ApiError(10062)
    kind = args.fields.get("type")
    data: Payload = args.fields.get("data") or {}
    inner = Args(args.path, args.query, data, args.files)
    if kind == SHOWN:
        shown_as = MessageType.DEFAULT if interaction.pressed else MessageType.CHAT_INPUT_COMMAND
        interaction.original = _show(api, interaction, inner, shown_as)
    elif kind == DEFERRED:
        interaction.original = _loading(api, interaction, ephemeral=bool(int(data.get("flags") or 0) & EPHEMERAL))
    elif kind != PONG and not (kind == NOTHING_SHOWN and interaction.pressed):
        raise ApiError(50035)
    interaction.response.append(args.fields)
    if args.query.get("with_response", "").lower() not in ("1", "true"):
        return NO_CONTENT
    return Answer(_callback_body(api, interaction, int(kind)))


def get(api: Api, args: Args) -> Answer:
    """Get Original Interaction Response, or a follow-up."""
    interaction = _open(api, args)
    return Answer(objects.message(api.guild, _shown(interaction, args)))


def edit(api: Api, args: Args) -> Answer:
    """Edit Original Interaction Response, which ends a deferred one's waiting, or a follow-up."""
    interaction = _open(api, args)
    message = _shown(interaction, args)
    loading = bool(message.flags & LOADING)
    message.flags &= ~LOADING
    if message.flags & EPHEMERAL:
        message.content = str(args.fields.get("content") or "")
    else:
        apply_edit(api, args, message, marked=not loading)
    body = objects.message(api.guild, message)
    interaction.followups.append(body)
    return Answer(body)


def delete(api: Api, args: Args) -> Answer:
    """Delete Original Interaction Response, or a follow-up."""
    interaction = _open(api, args)
    message = _shown(interaction, args)
    del interaction.messages[message.id]
    if not message.flags & EPHEMERAL:
        api.publisher.delete(message)
    return NO_CONTENT


def follow_up(api: Api, args: Args) -> Answer:
    """Create Followup Message. There is no nonce here."""
    interaction = _open(api, args)
    message = _show(api, interaction, args, MessageType.DEFAULT)
    body = objects.message(api.guild, message)
    interaction.followups.append(body)
    return Answer(body)


def _open(api: Api, args: Args) -> Interaction:
    interaction = api.interactions.get(args.path["token"])
    if interaction is None or args.path["application"] != api.guild.application_id:
        raise ApiError(10015)
    if not interaction.open_for_more():
        raise ApiError(50027)
    return interaction


def _shown(interaction: Interaction, args: Args) -> Message:
    wanted = args.path["message"]
    message = interaction.original if wanted == ORIGINAL else interaction.messages.get(wanted)
    if message is None or message.id not in interaction.messages:
        raise ApiError(10008)
    return message


def _show(api: Api, interaction: Interaction, args: Args, kind: int) -> Message:
    """Puts a message where the command was used; an ephemeral one only the person sees."""
    room = _place(api, interaction)
    message = drafted(api, room, args)
    message.flags |= int(args.fields.get("flags") or 0) & EPHEMERAL
    return _put(api, interaction, message, kind)


def _loading(api: Api, interaction: Interaction, *, ephemeral: bool) -> Message:
    flags = LOADING | (EPHEMERAL if ephemeral else 0)
    message = Message(interaction.room, api.guild.bot, "", flags=flags)
    return _put(api, interaction, message, MessageType.CHAT_INPUT_COMMAND)


def _put(api: Api, interaction: Interaction, message: Message, kind: int) -> Message:
    guild = api.guild
    message.type = kind
    message.webhook_id = message.application_id = guild.application_id
    metadata: Payload = {
        "id": interaction.id,
        "type": 3 if interaction.pressed else 2,
        "user": objects.user(interaction.person),
        "authorizing_integration_owners": {"0": guild.id},
    }
    if interaction.pressed:
        message.interaction_metadata = metadata | {"interacted_message_id": interaction.pressed.id}
    else:
        message.interaction_metadata = metadata | {"name": interaction.command, "command_type": 1}
    if message.flags & EPHEMERAL:
        message.id = guild.ids.next()
    else:
        api.publisher.post(_place(api, interaction), message)
    interaction.messages[message.id] = message
    return message


def _place(api: Api, interaction: Interaction) -> Room:
    """Where the command was used; the bot needs no permission to answer there."""
    room = api.guild.rooms.get(interaction.room)
    if room is None:
        raise ApiError(10003)
    return room


def _callback_body(api: Api, interaction: Interaction, kind: int) -> Payload:
    described: Payload = {"id": interaction.id, "type": 3 if interaction.pressed else 2, "activity_instance_id": None}
    body: Payload = {"interaction": described}
    message = interaction.original
    if message is not None:
        described |= {
            "response_message_id": message.id,
            "response_message_loading": kind == DEFERRED,
            "response_message_ephemeral": bool(message.flags & EPHEMERAL),
        }
        body["resource"] = {"type": kind, "message": objects.message(api.guild, message)}
    return body


_WEBHOOK = "/webhooks/{application}/{token}"
_SHOWN = f"{_WEBHOOK}/messages/{{message}}"

ROUTES = (
    Route("interaction", "POST", "/interactions/{interaction}/{token}/callback", callback, needs_token=False),
    Route("webhook", "POST", _WEBHOOK, follow_up, needs_token=False),
    Route("webhook", "GET", _SHOWN, get, needs_token=False),
    Route("webhook", "PATCH", _SHOWN, edit, needs_token=False),
    Route("webhook", "DELETE", _SHOWN, delete, needs_token=False),
)
