"""REST routes about the app itself: its user, its application, its gateway, its commands.

https://docs.discord.com/developers/resources/user, https://docs.discord.com/developers/resources/application,
https://docs.discord.com/developers/events/gateway#get-gateway-bot,
https://docs.discord.com/developers/interactions/application-commands.
"""

from typing import cast

from adapters.discord.simulator import commands as checks
from adapters.discord.simulator import objects
from adapters.discord.simulator.answers import Answer, ApiError
from adapters.discord.simulator.api import Api, Args, Route
from adapters.discord.simulator.codes import SESSION_STARTS, SESSION_STARTS_RESET
from adapters.discord.simulator.guild import Guild, Payload, created_at, iso


def me(api: Api, _: Args) -> Answer:
    """Get Current User."""
    return Answer(objects.bot_user(api.guild))


def user(api: Api, args: Args) -> Answer:
    """Get User."""
    person = api.guild.people.get(args.path["user"])
    if person is None:
        raise ApiError(10013)
    return Answer(objects.user(person))


def application(api: Api, _: Args) -> Answer:
    """Get Current Application, and Get Current Bot Application Information."""
    return Answer(_application(api.guild, api.gateway.application_flags))


def gateway(api: Api, _: Args) -> Answer:
    """Get Gateway."""
    return Answer({"url": api.gateway.url})


def gateway_bot(api: Api, _: Args) -> Answer:
    """Get Gateway Bot: every IDENTIFY takes one of the session starts."""
    limit = {
        "total": SESSION_STARTS,
        "remaining": api.gateway.session_starts_left,
        "reset_after": SESSION_STARTS_RESET,
        "max_concurrency": api.gateway.max_concurrency or 1,
    }
    return Answer({"url": api.gateway.url, "shards": 1, "session_start_limit": limit})


def commands(api: Api, args: Args) -> Answer:
    """Get Global or Guild Application Commands."""
    return Answer(_commands(api, args))


def put_commands(api: Api, args: Args) -> Answer:
    """Bulk Overwrite Global or Guild Application Commands; one that has that name keeps its id."""
    body: object = args.body
    if not isinstance(body, list):
        raise ApiError(50035)
    given = cast("list[Payload]", body)
    checks.check(given)
    registered = _commands(api, args)
    known = {each["name"]: each["id"] for each in registered}
    registered[:] = [
        _command(api, args, each) | ({"id": known[each["name"]]} if each["name"] in known else {}) for each in given
    ]
    return Answer(registered)


def post_command(api: Api, args: Args) -> Answer:
    """Create Global or Guild Application Command; one with that name is replaced."""
    registered = _commands(api, args)
    checks.check([args.fields])
    made = _command(api, args, args.fields)
    registered[:] = [each for each in registered if each["name"] != made["name"]]
    registered.append(made)
    return Answer(made, 201)


def _commands(api: Api, args: Args) -> list[Payload]:
    if args.path["application"] != api.guild.application_id:
        raise ApiError(20012, status=403, message="You are not authorized to perform this action on this application")
    return api.commands.setdefault(args.path.get("guild", ""), [])


def _command(api: Api, args: Args, given: Payload) -> Payload:
    made: Payload = {
        "id": api.guild.ids.next(),
        "application_id": api.guild.application_id,
        "version": api.guild.ids.next(),
        "default_member_permissions": None,
        "type": 1,
        "name_localizations": None,
        "description": "",
        "description_localizations": None,
        "nsfw": False,
        "integration_types": [0],
        "contexts": None,
    }
    if "guild" in args.path:
        made["guild_id"] = args.path["guild"]
    return made | given


def _application(guild: Guild, flags: int) -> Payload:
    """https://docs.discord.com/developers/resources/application#application-object."""
    return {
        "id": guild.application_id,
        "name": guild.bot.name,
        "icon": None,
        "description": "",
        "summary": "",
        "type": None,
        "is_monetized": False,
        "is_verified": False,
        "is_discoverable": False,
        "bot": objects.user(guild.bot),
        "bot_public": False,
        "bot_require_code_grant": False,
        "integration_types_config": {"0": {}},
        "verify_key": "0" * 64,
        "flags": flags,
        "hook": True,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": 1 if guild.has_bot else 0,
        "approximate_user_install_count": 0,
        "event_webhooks_url": None,
        "event_webhooks_status": 1,
        "owner": objects.user(guild.owner),
        "team": None,
        "created_at": iso(created_at(guild.application_id)),
    }


_COMMANDS = "/applications/{application}/commands"
_GUILD_COMMANDS = "/applications/{application}/guilds/{guild}/commands"

ROUTES = (
    Route("users.me", "GET", "/users/@me", me),
    Route("user", "GET", "/users/{user}", user),
    Route("application", "GET", "/oauth2/applications/@me", application),
    Route("application", "GET", "/applications/@me", application),
    Route("gateway", "GET", "/gateway", gateway, needs_token=False),
    Route("gateway", "GET", "/gateway/bot", gateway_bot),
    *(
        Route("commands", method, path, handler)
        for path in (_COMMANDS, _GUILD_COMMANDS)
        for method, handler in (("GET", commands), ("PUT", put_commands), ("POST", post_command))
    ),
)
