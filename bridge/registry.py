"""Entry points -> classes: what is installed beside the core."""

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

CHANNELS = "bridge.channels"
INSTANCES = "bridge.instances"
SIMULATORS = "bridge.simulators"


class Registry(Mapping[str, Any]):
    """The classes of one entry point group by name, each imported when it is first asked for."""

    def __init__(self, group: str) -> None:
        self._points: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=group)}

    def __getitem__(self, name: str) -> Any:
        return self._points[name].load()

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)
