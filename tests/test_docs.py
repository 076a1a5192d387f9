"""What the documents say exists, and what exists is in the documents."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bridge import config
from bridge.channel import Hearing
from bridge.cli.commands import app
from bridge.config import BridgeSettings
from bridge.limits import BudgetsSettings
from bridge.registry import CHANNELS, INSTANCES, Registry
from bridge.rules import Rule
from bridge.store.records import Counts
from bridge.web.metrics import page

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "bench").glob("*.md"), *(ROOT / "adapters").glob("*.md")])
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = set(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_example_can_be_used_as_it_is() -> None:
    loaded = config.load(
        ROOT / "config.example.toml",
        channel_types=Registry(CHANNELS),
        instance_types=Registry(INSTANCES),
        environ=dict.fromkeys(re.findall(r'"env:(\w+)"', EXAMPLE), "xoxb-1"),
    )
    assert loaded.warnings() == []


def test_the_values_of_the_example_are_the_defaults() -> None:
    tables = tomllib.loads(EXAMPLE)
    bridge = BridgeSettings().model_dump()
    assert {key: value for key, value in tables["bridge"].items() if key != "store"} == {
        key: value for key, value in bridge.items() if key in tables["bridge"] and key != "store"
    }
    chowder = Registry(INSTANCES)["chowder"].Settings.model_fields
    said = {key: value for key, value in tables["instances"]["main"].items() if not chowder[key].is_required()}
    defaults = {key: chowder[key].default for key in said if key not in {"extra", "type"}}
    assert {key: value for key, value in said.items() if key not in {"extra", "type"}} == defaults


@pytest.mark.parametrize("group", [CHANNELS, INSTANCES])
def test_every_key_of_every_type_is_in_the_example(group: str) -> None:
    types = Registry(group)
    keys = {key for name in types for key in types[name].Settings.model_fields}
    assert {key for key in keys if not re.search(rf"^(# )?{key} = ", EXAMPLE, re.MULTILINE)} == set()


@pytest.mark.parametrize("model", [BridgeSettings, Rule, BudgetsSettings])
def test_every_key_of_the_core_is_in_the_example(model: Any) -> None:
    assert {key for key in model.model_fields if not re.search(rf"^(# )?{key} = ", EXAMPLE, re.MULTILINE)} == set()


def test_every_variable_of_the_example_is_in_the_example_of_dotenv() -> None:
    needed = set(re.findall(r'^(?!# admin).*"env:(\w+)"', EXAMPLE, re.MULTILINE)) - {"NAME"}
    offered = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert needed == offered


def test_every_command_is_in_the_readme() -> None:
    assert {command for command in COMMANDS if f"`threadbridge {command}" not in README} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_and_target_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`threadbridge ([a-z]+)", text)) <= COMMANDS
    assert set(re.findall(r"(?:`|^    )make ([a-z-]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:bridge|adapters|tests|bench)/[\w./-]*)`", text))
    paths |= set(re.findall(r"\]\(([\w./-]+)\)", text))
    missing = {path for path in paths if not (ROOT / path).exists() and not (document.parent / path).exists()}
    assert missing == set()


def test_every_metric_is_in_the_readme() -> None:
    counts = Counts({"main": 1}, {"c": 1}, 0, 0, {"good": 0, "bad": 0})
    shown = page(counts, {"c": Hearing(connected=True, hears=True, problem=None)}, ["main"], writable=True).decode()
    names = set(re.findall(r"^(threadbridge_\w+)", shown, re.MULTILINE))
    assert len(names) >= 11
    assert {name for name in names if f"`{name}" not in README} == set()
    assert set(re.findall(r"`(threadbridge_\w+)", README)) == names


def test_every_module_of_the_core_has_its_place_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    modules = {path.name for path in (ROOT / "bridge").glob("*.py")} - {"__init__.py", "__main__.py"}
    assert {name for name in modules if f"`{name}`" not in text and f"`bridge/{name}`" not in text} == set()
