from bridge.store import audit, database
from bridge.store.audit import Entries, Entry, Written, operator
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock

REFUSED = Entry("p:eve", "access", "C1", "refused", "c", once_in=3600)


async def test_entries_are_kept_in_order_and_found_by_who_where_and_when(url: str) -> None:
    clock = Clock()
    store = await SqlStore.open(url, clock=clock)
    began = clock()
    await store.note([Entry("p:ada", "!new", "s-1", "done", "c"), Entry("operator:root", "reload", "host:1", "done")])
    clock.now += 60
    await store.note([Entry("p:ada", "!stop", "s-1", "done", "d")])
    await store.close()
    with database.transaction(url, read_only=True) as connection:
        everything = audit.read(connection, Entries(), 10)
        assert everything[0] == Written(began, "c", "p:ada", "!new", "s-1", "done")
        assert [one.action for one in everything] == ["!new", "reload", "!stop"]
        assert [one.action for one in audit.read(connection, Entries(), 2)] == ["reload", "!stop"]
        assert [one.action for one in audit.read(connection, Entries(actor="p:ada", channel="c"), 9)] == ["!new"]
        assert [one.action for one in audit.read(connection, Entries(since=began + 1), 9)] == ["!stop"]


async def test_the_same_again_is_written_once_in_its_time(url: str) -> None:
    clock = Clock()
    store = await SqlStore.open(url, clock=clock)
    others = [
        Entry("p:bo", "access", "C1", "refused", "c", once_in=3600),
        Entry("p:eve", "access", "C2", "refused", "c", once_in=3600),
        Entry("p:eve", "access", "C1", "refused", "d", once_in=3600),
    ]
    await store.note([REFUSED, REFUSED, *others])
    clock.now += 3599
    await store.note([REFUSED])
    clock.now += 1
    await store.note([REFUSED])
    await store.close()
    with database.transaction(url, read_only=True) as connection:
        found = [(one.actor, one.target, one.channel) for one in audit.read(connection, Entries(), 99)]
    assert found == [(one.actor, one.target, one.channel) for one in (REFUSED, *others, REFUSED)]


async def test_an_entry_belongs_to_the_transaction_of_what_it_tells_of(url: str) -> None:
    await (await SqlStore.open(url)).close()
    try:
        with database.transaction(url) as connection:
            audit.write(connection, [REFUSED], 1.0)
            raise RuntimeError("what it tells of failed")
    except RuntimeError:
        pass
    with database.transaction(url, read_only=True) as connection:
        assert audit.read(connection, Entries(), 9) == []


def test_whoever_runs_a_command_has_a_name() -> None:
    assert operator().startswith("operator:")
