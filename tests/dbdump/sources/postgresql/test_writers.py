"""Which rows an earlier snapshot has seen as they are, on a real PostgreSQL."""

import time
from typing import Any

import pytest

from dbdump.plan import Snapshot

pytestmark = pytest.mark.postgresql


def counted(source: Any, plan: Any, seen: str) -> tuple[int, int]:
    found: tuple[int, int] = source.count_written(plan.schema, plan.chunks[0], Snapshot("readonly", seen=seen))
    return found


def settle(database: Any) -> None:
    """Wait until the rows are older than every transaction that still runs, in databases of other tests too."""
    older = b"SELECT max(xmin::text::int8) < pg_snapshot_xmin(pg_current_snapshot())::text::int8 FROM w"
    deadline = time.monotonic() + 60
    while database.writer.execute(older).fetchone() != (True,):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def plan(database: Any, source: Any) -> Any:
    database.run("CREATE TABLE w (n int)", "INSERT INTO w SELECT generate_series(1, 10)")
    settle(database)
    return database.plan(source, "w")


def test_only_rows_that_were_written_since_count(database: Any, source: Any, plan: Any) -> None:
    seen = source.begin("none").seen
    assert counted(source, plan, seen) == (10, 0)
    database.run("UPDATE w SET n = -n WHERE n < 4", "DELETE FROM w WHERE n = 10")
    assert counted(source, plan, seen) == (9, 3)
    database.run("VACUUM (FREEZE) w")
    assert counted(source, plan, seen) == (9, 3)
    settle(database)
    assert counted(source, plan, source.begin("none").seen) == (9, 0)


@pytest.mark.parametrize("how", ["garbage", "set back", "nothing"])
def test_where_nothing_can_be_told_everything_counts(database: Any, source: Any, plan: Any, how: str) -> None:
    later = int(source.begin("none").seen.split(":")[1]) + 100_000
    seen = {"garbage": "1:2:3'; --", "set back": f"{later}:{later}:", "nothing": ""}[how]
    assert counted(source, plan, seen) == (10, 10)


def test_so_many_transactions_later_nothing_can_be_told() -> None:
    """No server of a test gets that old."""
    from dbdump.sources.postgresql.proofs import _unseen

    assert _unseen("5:5:", 5 + 2**32) == "true"
    assert _unseen("5:5:", 4 + 2**32) != "true"


@pytest.mark.parametrize("rounds", [0, 1, 3])
@pytest.mark.parametrize(("written", "since", "now", "new"), [(100, 90, 200, True), (89, 90, 200, False)])
def test_numbers_of_32_bits_are_those_of_the_last_round(
    source: Any, rounds: int, written: int, since: int, now: int, new: bool
) -> None:
    """Also where the 32 bits begin again between the two."""
    from dbdump.sources.postgresql.proofs import _unseen

    for shift in (0, 2**32 - 95):
        base = rounds * 2**32 + shift
        condition = _unseen(f"{since + base}:{since + base}:", now + base)
        number = (written + base) % 2**32
        if number < 3:
            continue
        ((found,),) = source._session.rows(f"SELECT {condition} FROM (VALUES ('{number}'::xid)) AS rows (xmin)")
        assert found is new


def test_the_place_tells_databases_apart(source: Any, database: Any) -> None:
    here = source.begin("none")
    ((system,),) = database.writer.execute("SELECT system_identifier::text FROM pg_control_system()").fetchall()
    assert here.place.startswith(f"{system}/")
    assert not here.is_elsewhere(source.begin("none"))
    number = here.place.rpartition("/")[2]
    for place, elsewhere in (
        (f"1/{number}", True),
        (f"{system}/1", True),
        (f"?/{number}", False),
        ("?/1", True),
        ("", False),
    ):
        assert Snapshot("none", place=place).is_elsewhere(here) is elsewhere
        assert here.is_elsewhere(Snapshot("none", place=place)) is elsewhere


def test_an_account_that_may_not_ask_for_the_system_has_a_place_all_the_same(database: Any) -> None:
    database.run("CREATE ROLE plain_reader LOGIN PASSWORD 'x'")
    try:
        database.run("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        other = database.open(username="plain_reader", password="x")
        try:
            snapshot = other.begin("readonly")
        finally:
            other.close()
        assert snapshot.place.startswith("?/")
        assert snapshot.seen.count(":") == 2
    finally:
        database.run("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC", "DROP ROLE plain_reader")
