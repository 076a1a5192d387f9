"""A temporary folder for servers that refuse to run as root; both end with the process that made it."""

import contextlib
import os
import pwd
import subprocess
import tempfile
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds for a start or an end."""


class OrdinaryFolder:
    """Belongs to whoever runs this, or, if that is root, to `postgres` or `nobody`."""

    def __init__(self, prefix: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        self.as_its_owner: dict[str, Any] = {
            "cwd": self.path,
            # Nothing of the user's: PGDATA, PGPORT and the like would lead elsewhere.
            "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            "start_new_session": True,  # so that Ctrl-C comes to us, and we end it
        }
        """How `subprocess` starts a program in it, as its owner."""
        if os.geteuid() == 0:
            account = _ordinary_account()
            os.chown(self.path, account.pw_uid, account.pw_gid)
            self.as_its_owner |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._watcher: subprocess.Popen[bytes] | None = None

    def watch(self, script: str, *arguments: Path) -> None:
        """Starts the watcher: `sh`, in a session of its own, with the folder as `$0`.

        When this process ends, however it does, or closes this, a line that the script reads from its input ends. It
        then has to end what runs here, and to take the folder away.
        """
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", script, self.path, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.as_its_owner,
        )  # fmt: skip

    def close(self) -> None:
        """Returns once the watcher has done that."""
        if self._watcher is not None:
            self._watcher.communicate(timeout=PATIENCE)


def _ordinary_account() -> pwd.struct_passwd:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")
