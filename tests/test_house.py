"""The house's rules that no linter knows."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = sorted((ROOT / "bridge").rglob("*.py"))
ADAPTERS = sorted((ROOT / "adapters").rglob("*.py"))


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(linter)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_core_names_no_platform() -> None:
    named = [path.name for path in CORE if re.search("slack|discord", path.read_text(encoding="utf-8"), re.IGNORECASE)]
    assert named == []


def test_adapters_do_not_see_each_other() -> None:
    for path in ADAPTERS:
        own = path.relative_to(ROOT / "adapters").parts[0]
        seen = {name.split(".")[1] for name in imported(path) if name.startswith("adapters.")}
        assert seen <= {own}, path


@pytest.mark.parametrize("path", [*CORE, *ADAPTERS], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_its_one_job_and_fits_in_the_head(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "a module docstring, one sentence, its job"
    assert len(text.splitlines()) <= 400
    assert path.stem not in {"utils", "util", "common", "helpers", "helper", "base", "misc", "manager", "service"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
