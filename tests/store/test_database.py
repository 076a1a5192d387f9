import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from bridge.errors import StoreError
from bridge.store import database, sqlite
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


OLD = """
INSERT INTO sessions VALUES ('s', 'c', 'main', 'resp-1', 1.0);
INSERT INTO threads VALUES ('c', 't', 's', 1.0);
INSERT INTO turns VALUES (3, 's', 'p:1', 'c', 'main', 0, 1, '{}', '{"a": 1}', 'answered', 1, 1, 2, 3, NULL, '[]', NULL);
INSERT INTO turns VALUES (4, 's', 'p:2', 'c', 'main', 0, 0, '{"kind":"k","conversation":{"ref":"r"}}', '', 'open', 0, 4, NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (5, 'd1', 3, 'reply', 0, 's', 'c', '{}', '{}', 'delivered', 1, 3, 4, 'm1', NULL);
INSERT INTO deliveries VALUES (6, 'd2', 3, 'reply', 1, 's', 'c', '{}', '{}', 'dead_letter', 7, 3, NULL, NULL, 'why');
INSERT INTO deliveries VALUES (9, 'd3', 3, 'notice', 0, 's', 'c', '{}', '{}', 'pending', 2, 3, NULL, NULL, NULL);
INSERT INTO open_turns VALUES (4, 's', 'main', NULL, 0, 0, 0, NULL);
INSERT INTO open_deliveries VALUES (9, 's', 'c', 'c {}', NULL, 0, 2, 1, 3.5);
"""


def at_0001(path: Path) -> Engine:
    """An empty store of the first version."""
    engine = database.open_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    return engine


def migrated_from_0001(path: Path) -> sqlite3.Connection:
    """A store with something of everything in it, as the first version left it, and then migrated."""
    engine = at_0001(path)
    with engine.begin() as connection:
        for statement in OLD.strip().splitlines():
            connection.exec_driver_sql(statement)
    assert database.migrate(engine) == ("0001", database.HEAD)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()
    return sqlite3.connect(path, isolation_level=None)


def test_a_store_of_the_first_version_keeps_everything(path: Path) -> None:
    store = migrated_from_0001(path)
    kept = {
        table: store.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # noqa: S608 - names of ours
        for table in ("sessions", "threads", "turns", "open_turns", "open_deliveries", "deliveries")
    }
    store.close()
    read = '{"kind":"k","conversation":{"ref":"r"}}'
    assert kept == {
        "sessions": [("s", "c", "main", "resp-1", 1.0)],
        "threads": [("c", "t", "s", 1.0, None, 0, None)],
        "turns": [
            (3, "s", "p:1", "c", "main", 0, 1, "{}", '{"a": 1}', "answered", 1, 1, 2, 3, None, "[]", *[None] * 7),
            (4, "s", "p:2", "c", "main", 0, 0, read, "", "open", 0, 4, *[None] * 9, "k", "r"),
        ],
        "open_turns": [(4, "s", "main", None, 0, 0, 0, None, 0, 0)],
        "open_deliveries": [(9, "s", "c", "c {}", None, 0, 2, 1, 3.5)],
        # and: no earlier run; when it died, as far as that is known; that it may have been posted; no preview
        "deliveries": [
            (5, "d1", 3, "reply", 0, "s", "c", "{}", "{}", "delivered", 1, 3, 4, "m1", None, 0, None, 0, None),
            (6, "d2", 3, "reply", 1, "s", "c", "{}", "{}", "dead_letter", 7, 3, None, None, "why", 0, 3, 1, None),
            (9, "d3", 3, "notice", 0, "s", "c", "{}", "{}", "pending", 2, 3, None, None, None, 0, None, 0, None),
        ],
    }


def test_a_store_of_the_first_version_has_the_new_rules_afterwards(path: Path) -> None:
    store = migrated_from_0001(path)
    assert store.execute("PRAGMA foreign_key_check").fetchall() == []
    assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store.execute("PRAGMA foreign_keys = ON")
    new = "INSERT INTO deliveries (id, turn_seq, kind, part, session_id, channel, conversation, payload, status, attempts, created_at, run)"
    assert store.execute(
        f"{new} VALUES ('d4', 3, 'reply', 2, 's', 'c', '', '', 'dropped', 0, 0, 0) RETURNING seq"
    ).fetchall() == [(10,)]
    store.execute(f"{new} VALUES ('d5', 3, 'reply', 2, 's', 'c', '', '', 'pending', 0, 0, 1)")
    for values, refused in {
        "('d6', 3, 'reply', 2, 's', 'c', '', '', 'pending', 0, 0, 1)": "UNIQUE constraint failed: deliveries.turn_seq",
        "('d5', 3, 'reply', 3, 's', 'c', '', '', 'pending', 0, 0, 0)": "UNIQUE constraint failed: deliveries.id",
        "('d7', 3, 'reply', 3, 's', 'c', '', '', 'lost', 0, 0, 0)": "CHECK constraint failed: deliveries_status",
        "('d8', 99, 'reply', 3, 's', 'c', '', '', 'pending', 0, 0, 0)": "FOREIGN KEY constraint failed",
    }.items():
        with pytest.raises(sqlite3.IntegrityError, match=refused):
            store.execute(f"{new} VALUES {values}")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY constraint failed"):
        store.execute("DELETE FROM deliveries WHERE seq = 9")
    store.close()


def test_a_migration_that_breaks_off_leaves_the_store_as_it_was(path: Path) -> None:
    engine = at_0001(path)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE dead_turns (in_the_way)")
    with pytest.raises(StoreError, match="there is already a table named dead_turns"):
        database.migrate(engine)
    assert database.version(engine) == "0001"
    with engine.connect() as connection:
        columns = [row[1] for row in connection.exec_driver_sql("PRAGMA table_info(deliveries)")]
    engine.dispose()
    assert columns[-1] == "error"


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
        sqlite.lock(f"sqlite:///{tmp_path}/none/store.db")


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
