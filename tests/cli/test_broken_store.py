"""A store that cannot be used: every command says in one sentence which and what to do."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.store import database, sqlite
from tests.cli.typed import configured, typed

COMMANDS = (("sessions",), ("dead", "list"), ("dead", "show", "d1"), ("trace", "d1"), ("migrate",), ("check",))
PAGE = 4096


def _directory(store: Path) -> None:
    store.unlink()
    store.mkdir()


def _something_else(store: Path) -> None:
    store.write_text("no database at all\n" * 1000, encoding="utf-8")


def _cut_off(store: Path) -> None:
    store.write_bytes(store.read_bytes()[: 3 * PAGE])


def _overwritten(store: Path) -> None:
    store.write_bytes(store.read_bytes()[:PAGE] + b"U" * PAGE * 20)


def _of_another_program(store: Path) -> None:
    store.unlink()
    with sqlite3.connect(store) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()


def _migrated_by_another_program(store: Path) -> None:
    store.unlink()
    with sqlite3.connect(store) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num)")
        connection.execute("INSERT INTO alembic_version VALUES ('f00ba4')")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_directory, "cannot be used: unable to open database file; check that it is a file, and the rights of"),
        (_something_else, "cannot be used: file is not a database; it holds something else: put a backup in its place"),
        (_cut_off, "cannot be used: database disk image is malformed; it is damaged, so nothing is written any more"),
        (_overwritten, "cannot be used: database disk image is malformed; it is damaged, so nothing is written any"),
        (_of_another_program, "is another program's database: name another file"),
        (_migrated_by_another_program, "is another program's database: name another file"),
    ],
)
def test_every_command_names_the_store_and_the_remedy(
    tmp_path: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    url = configured(tmp_path)
    database.migrate_at(url)
    spoil(sqlite.path_of(url))
    for command in COMMANDS:
        done = typed(tmp_path, *command)
        begins = "wrong    bridge.store: " if command == ("check",) else "threadbridge: "
        assert (done.returncode, done.stdout) == (1, ""), (command, done)
        assert done.stderr.startswith(f"{begins}the store {sqlite.path_of(url)} {sentence}"), (command, done.stderr)
        assert done.stderr.count("\n") == 1


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    configured(tmp_path)
    config = tmp_path / "config.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("sqlite:///", "sqlite:///none/"), encoding="utf-8")
    said = {command: typed(tmp_path, *command).stderr for command in COMMANDS}
    missing = "its folder is not there, make it or name another"
    assert (missing in said["migrate",], missing in said["check",]) == (True, True)
    assert "there is no store at" in said["sessions",]
    assert not (tmp_path / "none").exists()


def test_a_store_that_does_not_exist_yet_is_no_mistake(tmp_path: Path) -> None:
    configured(tmp_path)
    assert typed(tmp_path, "check").returncode == 0
    assert "start `threadbridge run` first" in typed(tmp_path, "sessions").stderr


def test_a_file_that_is_empty_is_filled_by_run_and_not_by_reading(tmp_path: Path) -> None:
    store = sqlite.path_of(configured(tmp_path))
    store.touch()
    assert "is empty: start `threadbridge run` first" in typed(tmp_path, "sessions").stderr
    assert (store.stat().st_size, typed(tmp_path, "migrate").returncode) == (0, 0)


def test_a_log_beside_the_store_that_is_not_its_own_is_passed_over(tmp_path: Path) -> None:
    url = configured(tmp_path)
    database.migrate_at(url)
    shutil.copy(tmp_path / "config.toml", f"{sqlite.path_of(url)}-wal")
    assert typed(tmp_path, "migrate").returncode == 0
    assert typed(tmp_path, "sessions").stdout == "There is no session yet.\n"


def test_damage_that_stands_in_no_commands_way_is_found_by_a_look(tmp_path: Path) -> None:
    url = configured(tmp_path)
    database.migrate_at(url)
    store = sqlite.path_of(url)
    pages = store.read_bytes()
    store.write_bytes(pages[:-PAGE] + b"U" * PAGE)
    assert typed(tmp_path, "migrate").returncode == 1
