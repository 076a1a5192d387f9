"""Where `make test-openclaw` installs OpenClaw, and what it says where it cannot."""

import json
from pathlib import Path

import pytest

from tests.openclaw.installation import NODE, OPENCLAW, Installation, NotInstalled


@pytest.fixture
def installation(tmp_path):
    return Installation.chosen({"THREADBRIDGE_OPENCLAW": str(tmp_path / "openclaw")})


def programs(folder, **scripts):
    """A folder with these programs, as PATH."""
    folder.mkdir()
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder)}


def listing(installation, openclaw):
    packages = {
        "node_modules/openclaw": {"version": openclaw},
        f"node_modules/{installation.node_package}": {"version": NODE},
    }
    return json.dumps({"packages": packages})


def test_it_goes_to_the_folder_that_is_named_else_to_the_users_cache(tmp_path):
    assert Installation.chosen({"THREADBRIDGE_OPENCLAW": str(tmp_path)}).folder == tmp_path / f"openclaw-{OPENCLAW}"
    cache = Installation.chosen({"XDG_CACHE_HOME": str(tmp_path)}).folder
    assert cache == tmp_path / "threadbridge" / f"openclaw-{OPENCLAW}"


def test_a_folder_in_the_checkout_is_refused():
    with pytest.raises(NotInstalled, match="name one outside of it"):
        Installation.chosen({"THREADBRIDGE_OPENCLAW": str(Path(__file__).parent)})


def test_what_is_there_is_used_again_without_npm(installation, tmp_path):
    modules = installation.folder / "node_modules"
    modules.mkdir(parents=True)
    (modules / ".package-lock.json").write_text(listing(installation, OPENCLAW), encoding="utf-8")
    installation.make(pytest.fail, programs(tmp_path / "bin"))


def test_another_version_is_replaced(installation, tmp_path):
    modules = installation.folder / "node_modules"
    modules.mkdir(parents=True)
    (modules / ".package-lock.json").write_text(listing(installation, "2026.1.1"), encoding="utf-8")
    new = listing(installation, OPENCLAW)
    said = []
    installation.make(
        said.append, programs(tmp_path / "bin", npm=f"echo '{new}' > node_modules/.package-lock.json", node="")
    )
    assert installation.complete
    assert len(said) == 1


def test_where_npm_is_missing_it_says_what_to_install(installation, tmp_path):
    with pytest.raises(NotInstalled, match="npm was not found: install Node"):
        installation.make(pytest.fail, programs(tmp_path / "bin"))


def test_where_npm_fails_it_says_what_to_look_at(installation, tmp_path):
    with pytest.raises(NotInstalled, match=r"npm could not install OpenClaw.*npm ping.*run this again"):
        installation.make([].append, programs(tmp_path / "bin", npm="exit 1", node=""))


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    there = Installation.chosen({"THREADBRIDGE_OPENCLAW": str(tmp_path / "file" / "openclaw")})
    with pytest.raises(NotInstalled, match=r"Cannot write to .*: name another in THREADBRIDGE_OPENCLAW"):
        there.make(pytest.fail)
