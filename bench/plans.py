"""How PostgreSQL finds what may be claimed: the scans of the claim statement, as it really ran."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import text

from bridge.store import database, postgresql
from bridge.store.claims import oldest_free
from bridge.store.schema import open_deliveries, open_turns
from bridge.store.sqlstore import LEASE_SECONDS

BY_INDEX = frozenset({"Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Bitmap Index Scan"})


def scans(url: str) -> list[str]:
    """A line for each table that a claim looks at now."""
    engine = database.open_engine(url)
    found: list[str] = []
    as_the_bridge = postgresql.Shared(engine, "nobody", LEASE_SECONDS)
    with engine.begin() as connection:
        as_the_bridge.begin(connection, ())
        for table, line in ((open_turns, open_turns.c.session_id), (open_deliveries, open_deliveries.c.line)):
            wanted = {"me": "nobody", "alive": [0], "now": 4e9, "over": 4e9}
            statement = oldest_free(table, line).limit(64).params(wanted)
            written = statement.compile(engine, compile_kwargs={"literal_binds": True})
            plan = connection.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {written}")).scalar_one()
            plan = json.loads(plan) if isinstance(plan, str) else plan
            found += [f"{table.name}: {_told(node)}" for node in _nodes(plan[0]["Plan"]) if "Relation Name" in node]
    as_the_bridge.close()
    engine.dispose()
    return found


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _told(node: Mapping[str, Any]) -> str:
    by = f" by {node['Index Name']}" if "Index Name" in node else ""
    rows = node["Actual Rows"] * node["Actual Loops"]
    milliseconds = node["Actual Total Time"] * node["Actual Loops"]
    mark = "" if node["Node Type"] in BY_INDEX else "  <- not by an index"
    return f"{node['Node Type']}{by} of {node['Alias']}: {rows:.0f} rows, {milliseconds:.2f} ms{mark}"
