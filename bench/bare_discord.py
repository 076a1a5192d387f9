"""The bot that one would write by hand in an hour: discord.py, httpx, one lock a thread. The measure for the bridge."""

import asyncio
import os
from collections import defaultdict

import discord
import httpx
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

Route.BASE = os.environ["DISCORD_API_BASE"]
DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY"])

intents = discord.Intents.default()
intents.message_content = True
client = discord.Client(intents=intents, allowed_mentions=discord.AllowedMentions.none())
agent = httpx.AsyncClient(headers={"Authorization": f"Bearer {os.environ['KEY']}"}, timeout=180)
turn_of: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # one answer at a time in each thread


@client.event
async def on_message(message: discord.Message) -> None:
    if message.author.bot:
        return
    if isinstance(message.channel, discord.Thread):
        if client.user and message.channel.owner_id == client.user.id:  # one that it opened
            await answer(message.channel, message.content)
    elif client.user in message.mentions:
        thread = await message.create_thread(name=message.clean_content[:100])
        await answer(thread, message.content)


async def answer(channel: discord.Thread, text: str) -> None:
    async with turn_of[channel.id]:
        address = f"{os.environ['INSTANCE_URL']}/session/{channel.id}/responses"
        response = await agent.post(address, json={"model": "bench", "input": text})
        output = response.raise_for_status().json()["output"]
        said = "".join(part["text"] for item in output for part in item.get("content", ()))
        await channel.send(said[:2000])


if __name__ == "__main__":
    client.run(os.environ["DISCORD_TOKEN"])
