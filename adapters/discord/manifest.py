"""How the Discord app that the bridge needs is registered; Discord takes no manifest, so these are the steps.

Source: https://docs.discord.com/developers/topics/permissions and https://docs.discord.com/developers/topics/oauth2
"""

PERMISSIONS: dict[str, int] = {
    # what the bot needs in a channel -> its bit
    "Add Reactions": 1 << 6,
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
    "Create Public Threads": 1 << 35,
    "Send Messages in Threads": 1 << 38,
}

MANIFEST = f"""\
1. https://discord.com/developers/applications > New Application. Name it as the bot shall be called.
2. Bot > Reset Token. Copy the token: it is shown once.
3. Bot > Privileged Gateway Intents: switch on Message Content Intent.
4. General Information: copy the Application ID, put it into this address and open it to invite the bot:
   https://discord.com/oauth2/authorize?client_id=APPLICATION_ID&scope=bot+applications.commands&permissions={sum(PERMISSIONS.values())}
   (permissions: {", ".join(PERMISSIONS)})
"""
