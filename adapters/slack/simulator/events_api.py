"""The Events API over HTTP: signed posts to the app's URL, with Slack's retries.

https://docs.slack.dev/apis/events-api and
https://docs.slack.dev/authentication/verifying-requests-from-slack.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout

from adapters.slack.simulator.delivery import Event, Journal, next_attempt
from adapters.slack.simulator.faults import Faults

# What happened -> X-Slack-Retry-Reason
_TIMED_OUT = "http_timeout"
_NOT_CONNECTED = "connection_failed"
_WRONG_STATUS = "http_error"


def signed_headers(signing_secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers that let the app verify the body. `timestamp` is in Unix seconds."""
    base = b"v0:%d:%s" % (timestamp, body)
    signature = hmac.new(signing_secret.encode(), base, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": str(timestamp),
        "X-Slack-Signature": f"v0={signature}",
    }


class EventsApi:
    """Posts every event to `url`; HTTP 2xx within `ack_timeout` seconds is the acknowledgement.

    `url` may be set anew at any time. Answers with `X-Slack-No-Retry: 1` end the retries. Slack's switching off of a
    subscription that fails for most of an hour is not simulated.
    """

    def __init__(
        self,
        url: str,
        faults: Faults,
        journal: Journal,
        *,
        signing_secret: str,
        schedule: Sequence[float],
        ack_timeout: float,
    ) -> None:
        self.url = url
        self._faults = faults
        self._journal = journal
        self._signing_secret = signing_secret
        self._schedule = tuple(schedule)
        self._timeout = ClientTimeout(total=ack_timeout)
        self._session: ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def unacked(self) -> int:
        """How many deliveries are under way or wait for a retry."""
        return len(self._tasks)

    def publish(self, event: Event) -> None:
        """See `Transport.publish`."""
        if self._faults.take_drop():
            return
        self._start(event, 0, "")
        if self._faults.take_duplicate():
            self._start(event, 1, _TIMED_OUT)

    def redeliver(self, event: Event) -> None:
        """See `Transport.redeliver`."""
        self._start(event, 1, _TIMED_OUT)

    async def interact(self, payload: str) -> bool:
        """See `Transport.interact`. The request is a form with one field, `payload`, signed like an event."""
        if self._faults.blackout or self._faults.deaf:
            return False
        body = urlencode({"payload": payload}).encode()
        headers = self._headers(body) | {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            async with self._open().post(self.url, data=body, headers=headers) as answer:
                await answer.read()
                return answer.status == 200
        except (TimeoutError, ClientConnectionError):
            return False

    async def command(self, fields: Mapping[str, str]) -> object:
        """See `Transport.command`. The request is a form of the payload's fields, signed like an event."""
        if self._faults.blackout or self._faults.deaf:
            return None
        body = urlencode(fields).encode()
        headers = self._headers(body) | {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            async with self._open().post(self.url, data=body, headers=headers) as answer:
                text = await answer.text()
                if answer.status != 200:
                    return None
                return json.loads(text) if answer.content_type == "application/json" else text
        except (TimeoutError, ClientConnectionError, ValueError):
            return None

    async def verify_url(self, token: str) -> bool:
        """Sends `url_verification`, as Slack does when the URL is entered; true where the challenge came back.

        https://docs.slack.dev/reference/events/url_verification.
        """
        challenge = hashlib.sha256(self.url.encode()).hexdigest()
        body = json.dumps({"token": token, "challenge": challenge, "type": "url_verification"}).encode()
        async with self._open().post(self.url, data=body, headers=self._headers(body)) as answer:
            text = await answer.text()
            return answer.status == 200 and challenge in text

    async def stop(self) -> None:
        """Ends what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(timeout=self._timeout)
        return self._session

    def _headers(self, body: bytes) -> dict[str, str]:
        return signed_headers(self._signing_secret, body, int(time.time()))

    def _start(self, event: Event, attempt: int, reason: str) -> None:
        task = asyncio.create_task(self._deliver(event, attempt, reason))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._journal.changes.notify()

    async def _deliver(self, event: Event, attempt: int, reason: str) -> None:
        while True:
            failure, retry = await self._post(event, attempt, reason)
            if not failure:
                self._journal.acknowledged(event)
                return
            following = next_attempt(attempt, self._schedule) if retry else None
            if following is None:
                self._journal.gave_up(event)
                return
            attempt, delay = following
            reason = failure
            await asyncio.sleep(delay)

    async def _post(self, event: Event, attempt: int, reason: str) -> tuple[str, bool]:
        """Why it failed (empty where it did not), and whether a retry is wanted."""
        if self._faults.blackout or self._faults.deaf:
            return _NOT_CONNECTED, True
        body = event.payload.encode()
        headers = self._headers(body)
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        try:
            async with self._open().post(self.url, data=body, headers=headers) as answer:
                self._journal.delivered()
                await answer.read()
                return ("" if answer.ok else _WRONG_STATUS), not _refuses_retries(answer.headers)
        except TimeoutError:
            return _TIMED_OUT, True
        except ClientConnectionError:
            return _NOT_CONNECTED, True


def _refuses_retries(headers: Mapping[str, str]) -> bool:
    return headers.get("X-Slack-No-Retry") == "1"
