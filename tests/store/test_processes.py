from bridge.store import audit, database, processes
from bridge.store.access import ReloadAsked
from bridge.store.audit import Entries
from bridge.store.processes import ALIVE_SECONDS, KEPT_SECONDS, SEEN_EVERY, own_name
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock
from tests.store.conftest import ON_SQLITE


async def test_a_process_is_known_from_its_first_look_until_it_closes(url: str) -> None:
    clock = Clock()
    store = await SqlStore.open(url, clock=clock)

    def names() -> list[str]:
        with database.transaction(url, read_only=True) as connection:
            return list(processes.running(connection, clock()).values())

    await store.reloads_asked()
    assert names() == [own_name()]
    clock.now += ALIVE_SECONDS[url.partition(":")[0]] - 0.1
    assert names() == [own_name()]
    clock.now += 0.1
    assert names() == []
    await store.reloads_asked()
    assert names() == [own_name()]
    await store.close()
    assert names() == []


async def test_signs_of_life_are_written_now_and_then_only(url: str) -> None:
    clock = Clock()
    store = await SqlStore.open(url, clock=clock)
    await store.reloads_asked()
    began = clock()
    clock.now += SEEN_EVERY - 1
    await store.reloads_asked()
    with database.transaction(url, read_only=True) as connection:
        assert connection.exec_driver_sql("SELECT seen_at FROM processes").scalar() == began
    await store.close()


@ON_SQLITE
async def test_whoever_is_alone_on_a_file_knows_that_those_before_it_are_gone(url: str) -> None:
    clock = Clock()
    before = SqlStore(database.open_engine(url), clock=clock)
    await (await SqlStore.open(url, clock=clock)).close()
    await before.reloads_asked()
    after = await SqlStore.open(url, clock=clock)
    with database.transaction(url, read_only=True) as connection:
        assert processes.running(connection, clock()) == {}
    await after.close()
    await before.close()


async def test_a_request_is_seen_until_it_is_answered_and_older_ones_never(url: str) -> None:
    clock = Clock()
    store = await SqlStore.open(url, clock=clock)
    with database.transaction(url) as connection:
        before = processes.ask(connection, "operator:x", clock())
    assert await store.reloads_asked() == []
    with database.transaction(url) as connection:
        asked = ReloadAsked(processes.ask(connection, "operator:y", clock()), "operator:y")
    assert [await store.reloads_asked() for _ in range(2)] == [[asked], [asked]]
    await store.answer_reload(asked, "{}", done=False)
    assert await store.reloads_asked() == []
    with database.transaction(url, read_only=True) as connection:
        assert list(processes.answers(connection, asked.seq).values()) == ["{}"]
        assert processes.answers(connection, before) == {}
        assert [one.outcome for one in audit.read(connection, Entries(), 9)] == ["refused"]
    clock.now += KEPT_SECONDS + 1
    with database.transaction(url) as connection:
        processes.ask(connection, "operator:z", clock())
        assert processes.answers(connection, asked.seq) == {}
    await store.close()
