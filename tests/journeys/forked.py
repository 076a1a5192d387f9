"""The program in a process of its own, forked from one that has made its imports already.

These are most of what a start costs, and journeys start it hundreds of times. What runs is `threadbridge` as it is: it has
a process id, can be killed and stopped, and ends with an exit code.
"""

import asyncio
import importlib
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from bridge import faultpoints, registry
from bridge.cli import main

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([
    __name__, "bridge.app", "bridge.store.postgresql",
    *(point.module for group in (registry.CHANNELS, registry.INSTANCES) for point in entry_points(group=group)),
])  # fmt: skip


class Forked:
    """What `asyncio.subprocess.Process` is of a program that was executed."""

    def __init__(
        self,
        process: multiprocessing.process.BaseProcess,
        stdout: asyncio.StreamReader | None,
        stderr: asyncio.StreamReader,
    ) -> None:
        self._process = process
        self.stdout = stdout
        self.stderr = stderr

    @classmethod
    async def start(
        cls, arguments: Sequence[str], environment: Mapping[str, str], limit: int, *, stdout: bool = False
    ) -> Self:
        """Starts `threadbridge` with these arguments; a line that is read of it has at most `limit` bytes.

        `stdout`: whether its standard output is of interest.
        """
        out = _FORKS.Pipe(duplex=False) if stdout else None
        err = _FORKS.Pipe(duplex=False)
        process = _FORKS.Process(target=_run, args=(arguments, dict(environment), out and out[1], err[1]), daemon=True)
        await asyncio.to_thread(process.start)
        return cls(process, out and await _read_end(*out, limit), await _read_end(*err, limit))

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    async def wait(self) -> int:
        await asyncio.to_thread(self._process.join)
        assert self.returncode is not None
        return self.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """All that it wrote to standard output and to standard error, once it has ended."""
        assert self.stdout is not None
        said = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return said[0], said[1]


async def _read_end(ours: Connection, theirs: Connection, limit: int) -> asyncio.StreamReader:
    theirs.close()
    with ours:
        pipe = os.fdopen(os.dup(ours.fileno()), "rb", 0)
    reader = asyncio.StreamReader(limit)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


def _run(
    arguments: Sequence[str], environment: Mapping[str, str], stdout: Connection | None, stderr: Connection
) -> None:
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2((stdout or nowhere).fileno(), 1)
    os.dup2(stderr.fileno(), 2)
    for pipe in filter(None, (stdout, stderr)):
        pipe.close()
    os.environ.clear()
    os.environ.update(environment)
    importlib.reload(faultpoints)  # it reads the environment as it is imported
    sys.argv = ["threadbridge", *arguments]
    main()
