"""A real OpenClaw gateway on loopback, with a home of its own, and no way to end without its processes' end."""

import asyncio
import atexit
import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

import aiohttp

from tests.openclaw.installation import Installation
from tests.openclaw.model import KEY
from tests.ports import free_port

TOKEN = "gateway-token-of-these-tests"
STARTS_WITHIN = 300.0  # seconds; 10 on an idle machine
ENDS_WITHIN = 60.0  # seconds; three if nothing runs
AT_ONCE = 8
"""Turns that it runs at once, as it does by itself on a machine of up to eight processors."""
_SETTINGS = {  # https://docs.openclaw.ai/gateway/embedding
    "OPENCLAW_DISABLE_BONJOUR": "1",
    "OPENCLAW_EXEC_SHELL_SNAPSHOT": "0",
    "OPENCLAW_NO_AUTO_UPDATE": "1",
    "OPENCLAW_NO_RESPAWN": "1",
    "OPENCLAW_SKIP_CHANNELS": "1",
    "OPENCLAW_SKIP_CRON": "1",
}


class Gateway:
    """Starts, ends and starts again on the same port, and remembers its sessions."""

    def __init__(self, installation: Installation, folder: Path, model: str) -> None:
        self._installation = installation
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._told = 0
        self.log = folder / "gateway.log"
        self.api_key = TOKEN
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self.log.touch()
        (folder / "home").mkdir()
        (folder / "openclaw.json").write_text(json.dumps(configuration(self.port, model, folder)), encoding="utf-8")

    async def ensure(self) -> None:
        """Starts it unless it runs; its log is told from here on."""
        self._told = self.log.stat().st_size
        if self._process is None or self._process.poll() is not None:
            self._kill()
            await self.start()

    async def start(self) -> None:
        """Returns once it takes requests."""
        process = self._spawn()
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                while not await self.ready():
                    assert process.poll() is None, f"the gateway ended:\n{self.tail()}"
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"the gateway was not ready within {STARTS_WITHIN:.0f} s:\n{self.tail()}") from None

    async def end(self, by: int = signal.SIGTERM) -> None:
        """Sends the signal and returns once it is gone; SIGTERM lets it finish what runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(by)
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, ENDS_WITHIN)
        self._kill()

    def tail(self) -> str:
        """Its log, or the end of that."""
        with self.log.open("rb") as log:
            log.seek(self._told)
            return log.read().decode(errors="replace")[-20_000:]

    async def ready(self) -> bool:
        """Whether it takes requests: not while it starts, and not any more once it was told to end."""
        async with aiohttp.ClientSession() as session:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                    return answer.status == 200
        return False

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [self._installation.node, self._installation.openclaw, "gateway", "run", "--port", str(self.port)],
                cwd=self._folder, env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,  # so that Ctrl-C comes to us, and we end it
            )  # fmt: skip
        self._process = process
        atexit.register(self._kill)
        return process

    def _kill(self) -> None:
        """Ends it and what it started."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        atexit.unregister(self._kill)

    def _environment(self) -> dict[str, str]:
        """Nothing of the user's: neither keys nor folders."""
        return {
            "PATH": f"{self._installation.node.parent}:{os.defpath}",
            "HOME": str(self._folder / "home"),
            "TMPDIR": str(self._folder),
            "OPENCLAW_STATE_DIR": str(self._folder / "state"),
            "OPENCLAW_CONFIG_PATH": str(self._folder / "openclaw.json"),
            **_SETTINGS,
        }


def configuration(port: int, model: str, folder: Path) -> dict[str, object]:
    """https://docs.openclaw.ai/gateway/configuration: one model, and the endpoint that the bridge asks."""
    return {
        "gateway": {
            "mode": "local", "port": port, "bind": "loopback", "auth": {"mode": "token", "token": TOKEN},
            "controlUi": {"enabled": False}, "http": {"endpoints": {"responses": {"enabled": True}}},
        },
        "agents": {
            "defaults": {
                "skipBootstrap": True, "model": {"primary": "ours/parrot"}, "heartbeat": {"every": "0m"},
                "maxConcurrent": AT_ONCE,
            }
        },
        "models": {
            "mode": "replace",
            "catalogRefresh": {"enabled": False},
            "providers": {
                "ours": {
                    "baseUrl": model, "apiKey": KEY, "api": "openai-completions",
                    "models": [{
                        "id": "parrot", "name": "Parrot", "reasoning": False, "input": ["text", "image"],
                        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
                        "contextWindow": 200_000, "maxTokens": 8192,
                    }],
                }
            },
        },
        "cron": {"enabled": False},
        "logging": {"file": str(folder / "openclaw.log")},
        "telemetry": {"enabled": False},
        "update": {"checkOnStart": False},
    }  # fmt: skip
