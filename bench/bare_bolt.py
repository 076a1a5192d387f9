"""The bot that one would write by hand in an hour: slack-bolt, httpx, one lock a thread. The measure for the bridge."""

import asyncio
import os
from collections import defaultdict
from typing import Any

import httpx
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncSay
from slack_sdk.web.async_client import AsyncWebClient

app = AsyncApp(client=AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_BASE"]))
agent = httpx.AsyncClient(headers={"Authorization": f"Bearer {os.environ['KEY']}"}, timeout=180)
turn_of: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # one answer at a time in each thread
seen: set[str] = set()  # a mention inside a thread comes as two events


@app.event("app_mention")
async def mentioned(event: dict[str, Any], say: AsyncSay) -> None:
    await answer(event, say)


@app.event("message")
async def written(event: dict[str, Any], say: AsyncSay) -> None:
    if "thread_ts" in event and "subtype" not in event:
        await answer(event, say)


async def answer(event: dict[str, Any], say: AsyncSay) -> None:
    if event["ts"] in seen:
        return
    seen.add(event["ts"])
    thread = event.get("thread_ts", event["ts"])
    async with turn_of[thread]:
        address = f"{os.environ['INSTANCE_URL']}/session/{event['channel']}-{thread}/responses"
        response = await agent.post(address, json={"model": "bench", "input": event["text"]})
        output = response.raise_for_status().json()["output"]
        text = "".join(part["text"] for item in output for part in item.get("content", ()))
        await say(text=text, thread_ts=thread)


async def main() -> None:
    await AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(main())
