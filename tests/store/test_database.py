import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bridge.errors import StoreError
from bridge.store import database
from bridge.store.schema import metadata


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def test_migrating_an_empty_database_gives_exactly_the_schema(path: Path) -> None:
    engine = database.open_engine(f"sqlite:///{path}")
    assert database.migrate(engine) == (None, database.HEAD)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_migrating_twice_changes_nothing(path: Path) -> None:
    engine = database.open_engine(f"sqlite:///{path}")
    database.migrate(engine)
    assert database.migrate(engine) == (database.HEAD, database.HEAD)
    engine.dispose()


def test_the_newest_migration_is_the_one_the_program_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [database.HEAD]


def test_a_newer_schema_is_refused_with_the_reason(path: Path) -> None:
    engine = database.open_engine(f"sqlite:///{path}")
    database.migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"was written by a newer threadbridge \(schema 9999"):
        database.migrate(engine)
    engine.dispose()


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"this is no database at all, but long enough to be looked at" * 20)
    engine = database.open_engine(f"sqlite:///{path}")
    with pytest.raises(StoreError, match=r"store\.db cannot be used: file is not a database"):
        database.migrate(engine)
    engine.dispose()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"its folder is not there, make it or name another"):
        database.lock(f"sqlite:///{tmp_path}/none/store.db")


def test_reading_a_store_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .*none\.db yet: start `threadbridge run` first"):
        database.open_engine(f"sqlite:///{tmp_path}/none.db", read_only=True)


def test_durability_is_the_one_that_survives_a_power_cut(path: Path) -> None:
    engine = database.open_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        modes = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    engine.dispose()
    assert modes == ["wal", 2, 1]


def test_a_reader_cannot_write(path: Path) -> None:
    writer = database.open_engine(f"sqlite:///{path}")
    database.migrate(writer)
    reader = database.open_engine(f"sqlite:///{path}", read_only=True)
    with reader.connect() as connection, pytest.raises(Exception, match="attempt to write a readonly database"):
        connection.exec_driver_sql("DELETE FROM turns")
    reader.dispose()
    writer.dispose()
    assert sqlite3.sqlite_version_info >= (3, 35), "RETURNING needs SQLite 3.35"
