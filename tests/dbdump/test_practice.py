import math
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.engine import URL, make_url

from dbdump.lobs import LobStore
from dbdump.plan import TablePlan
from dbdump.practice import seawater, signals, write_practice_database
from dbdump.practice.tables import ODD_TABLE, TABLES, VIEWS
from dbdump.schema import KeyKind, TableSchema
from dbdump.sources.contract import Reading, Source
from dbdump.sources.sqlite import connect
from dbdump.stored import Form, TypeOptions, choose_all
from legacy.errors import MachineError, UsageError

DAYS = 10


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("practice") / "practice.sqlite"
    write_practice_database(path, days=DAYS)
    return path


@pytest.fixture
def database(practice: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(practice)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def source(practice: Path) -> Iterator[Source]:
    opened = connect(URL.create("sqlite", database=str(practice)))
    yield opened
    opened.close()


def one(database: sqlite3.Connection, statement: str) -> object:
    return database.execute(statement).fetchone()[0]


def test_keys_hold(database: sqlite3.Connection) -> None:
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert one(database, "PRAGMA integrity_check") == "ok"
    with pytest.raises(sqlite3.IntegrityError, match="rate_fraction"):
        database.execute("UPDATE om_rate SET burst_fraction = 1.5")


def test_counts(database: sqlite3.Connection) -> None:
    measured = DAYS - 0.25  # six hours without power
    expected = {
        "detector_line": 2,
        "storey": 8,
        "optical_module": 24,
        "instrument": 5,
        "run_info": 8 * DAYS,
        "om_rate": 24 * 96 * measured,
        "ctd": 2 * 288 * measured,
        "adcp_profile": 48 * measured,
        "adcp_cell": 20 * 48 * measured,
        "oxygen": 48 * measured,
        "sound_velocity": 96 * measured,
        "compass": 8 * 96 * measured,
        "positioning": 8 * 48 * measured,
        "calibration": 24,
        "logbook": 4,
        "alarm": 0,
        ODD_TABLE: 4,
    }
    assert list(expected) == [table.name for table in TABLES]
    names = {name: '"' + name.replace('"', '""') + '"' for name in expected}
    assert {name: one(database, f"SELECT count(*) FROM {names[name]}") for name in expected} == expected


def test_the_same_bytes_twice_and_others_with_another_seed(practice: Path, tmp_path: Path) -> None:
    write_practice_database(str(tmp_path / "again.sqlite"), days=DAYS)
    assert (tmp_path / "again.sqlite").read_bytes() == practice.read_bytes()
    write_practice_database(f"sqlite:///{tmp_path}/other.sqlite", days=DAYS, seed=2)
    assert (tmp_path / "other.sqlite").read_bytes() != practice.read_bytes()


def test_the_burst_is_visible(database: sqlite3.Connection) -> None:
    """Rates rise from tens of kHz to MHz within an hour or two, and decay over days."""
    by_day = dict(
        database.execute(
            "SELECT date(measured_at), max(rate_khz) FROM om_rate WHERE om_id = 1250 GROUP BY 1"
        ).fetchall()
    )
    assert by_day["2009-03-13"] < 400 < 1000 < by_day["2009-03-14"] < 5000
    assert by_day["2009-03-14"] > by_day["2009-03-15"] > by_day["2009-03-17"] > 3 * by_day["2009-03-19"] / 2
    calm, storm = (
        one(database, f"SELECT avg(burst_fraction) FROM om_rate WHERE measured_at LIKE '2009-03-{day}%'")
        for day in (10, 15)
    )
    assert calm < 0.3
    assert storm > 0.9
    assert one(database, "SELECT count(*) FROM burst") > 1000


def test_values_are_those_of_the_site(database: sqlite3.Connection) -> None:
    def ends(column: str, table: str) -> tuple[float, float]:
        return database.execute(f"SELECT min({column}), max({column}) FROM {table}").fetchone()

    low, high = ends("baseline_khz", "om_rate WHERE measured_at < '2009-03-14'")
    assert 50 < low < high < 85
    low, high = ends("temperature_degc", "ctd")
    assert 13.15 < low < high < 13.3
    low, high = ends("salinity_psu", "ctd")
    assert 38.46 < low < high < 38.5
    low, high = ends("pressure_dbar", "ctd WHERE instrument_id = 1")
    assert 2495 < low < high < 2512
    low, high = ends("velocity_m_s", "sound_velocity")
    assert 1544 < low < high < 1548
    low, high = ends("oxygen_umol_l", "oxygen")
    assert 190 < low < high < 210


def test_gaps_are_null_and_flagged(database: sqlite3.Connection) -> None:
    assert one(database, "SELECT count(*) FROM om_rate WHERE (rate_khz IS NULL) <> (quality = 9)") == 0
    assert 0 < one(database, "SELECT count(*) FROM ctd WHERE quality = 9") < 600
    dead = "SELECT count(*) FROM om_rate WHERE om_id = 1012 AND measured_at > '2009-03-16 01' AND rate_khz IS NOT NULL"
    assert one(database, dead) == 0
    assert (
        one(
            database, "SELECT count(*) FROM om_rate WHERE measured_at BETWEEN '2009-03-12 12:00' AND '2009-03-12 17:59'"
        )
        == 0
    )


def test_decimals_are_decimals(practice: Path, source: Source) -> None:
    found = {}
    for table in source.reflect(["main"]).tables:
        for stored in choose_all(table, source.probe(table, table.columns), TypeOptions()):
            found[table.name.name, stored.name] = stored.arrow
    assert found["om_rate", "rate_khz"] == "decimal128(9, 3)"
    assert found["om_rate", "obs_year"] == "int64"
    assert found["ctd", "conductivity_s_m"] == "decimal128(8, 6)"
    assert found["compass", "heading_deg"] == "double"
    assert found["optical_module", "in_use"] == "bool"
    assert found["calibration", "t0_ns"] == "string"
    assert found[ODD_TABLE, "Größe/mm"] == "decimal128(30, 10)"
    assert not [name for _, name in found if name.endswith("__class")]


def test_the_source_reads_all_of_it(source: Source, tmp_path: Path) -> None:
    schema = source.reflect(["main"])
    assert [view.name.name for view in schema.views] == sorted(view.name for view in VIEWS)
    assert schema.warnings == ()
    for table in schema.tables:
        columns = choose_all(table, source.probe(table, table.columns), TypeOptions())
        plan = TablePlan(table, columns, source.chunks(table, 1 << 20))
        store = LobStore(tmp_path / "lobs")
        rows = sum(batch.num_rows for part in plan.chunks for batch in source.read(plan, part, Reading(), store))
        assert rows == source.count(table)
    assert len(list((tmp_path / "lobs").rglob("??/*"))) == 2  # a calibration and a report


def table(source: Source, name: str) -> TableSchema:
    return next(table for table in source.reflect(source.schemas()).tables if table.name.name == name)


def test_comments_and_keys_are_in_the_statement(source: Source) -> None:
    rates = table(source, "om_rate")
    assert "-- share of the time above 1.2 times the baseline, 0 to 1\n" in rates.ddl
    assert rates.primary_key == ("om_id", "measured_at")
    assert sorted(key.target.name for key in rates.keys if key.kind == KeyKind.FOREIGN) == [
        "optical_module",
        "run_info",
    ]
    assert [index.name for index in rates.indexes] == ["om_rate_time", "om_rate_year"]


def test_names_of_oracle(tmp_path: Path) -> None:
    write_practice_database(tmp_path / "o.sqlite", days=1, lines=1, oracle_names=True)
    connection = sqlite3.connect(tmp_path / "o.sqlite")
    types = dict(connection.execute("SELECT name, type FROM pragma_table_info('om_rate')").fetchall())
    facts = connection.execute('SELECT table_name, column_name, comments FROM "oracle$comments"').fetchall()
    sequences = connection.execute('SELECT * FROM "oracle$sequences"').fetchall()
    exact = connection.execute("SELECT typeof(t0_ns), t0_ns FROM calibration").fetchone()
    connection.close()
    assert (types["measured_at"], types["rate_khz"], types["om_id"]) == ("DATE", "NUMBER(9, 3)", "NUMBER(9)")
    assert ("CTD", "PRESSURE_DBAR", "pressure without that of the air, dbar") in facts
    assert ("BURST", None, VIEWS[0].comment) in facts
    assert (ODD_TABLE, "Größe/mm", "letters beyond ASCII, and a slash") in facts
    assert sequences == [("LOGBOOK_ENTRY", "1000"), ("RUN_NUMBER", "50000")]
    assert exact[0] == "text"
    assert len(exact[1]) > 20


def test_more_lines(tmp_path: Path) -> None:
    write_practice_database(tmp_path / "l.sqlite", days=1, lines=12)
    connection = sqlite3.connect(tmp_path / "l.sqlite")
    assert one(connection, "SELECT count(DISTINCT om_id) FROM om_rate") == 144
    connection.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"days": 0}, "0 days cannot be written; choose 1 to 10000"),
        ({"days": 10**6}, "choose 1 to"),
        ({"lines": 13}, "13 lines"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_impossible_sizes(tmp_path: Path, arguments: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write_practice_database(tmp_path / "x.sqlite", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_impossible_targets(tmp_path: Path) -> None:
    taken = tmp_path / "taken.sqlite"
    taken.write_bytes(b"mine")
    with pytest.raises(UsageError, match="is there already"):
        write_practice_database(taken, days=1)
    assert taken.read_bytes() == b"mine"
    for target in ("oracle+oracledb://a@h/?service_name=x", "sqlite://", "mysql://h/d", "postgresql://u:p@h/d"):
        with pytest.raises(UsageError):
            write_practice_database(target, days=1)
    with pytest.raises(MachineError, match="cannot be written"):
        write_practice_database(tmp_path / "no" / "folder.sqlite", days=1)


def test_salinity_is_that_of_unesco() -> None:
    """Check values of UNESCO technical papers in marine science 44 (1983)."""
    ratio, temperature, pressure = (np.array(values) for values in ([1, 1.2, 0.65], [15, 20, 5], [0, 2000, 1500]))
    found = seawater.salinity(4.2914 * ratio, temperature, pressure)
    assert found == pytest.approx([35.0, 37.245628, 27.995347], abs=1e-6)
    assert seawater.conductivity(found, temperature, pressure) == pytest.approx(4.2914 * ratio, rel=1e-9)


def test_velocity_of_sound() -> None:
    """Check value of Mackenzie (1981)."""
    assert seawater.sound_velocity(np.array([25.0]), np.array([35.0]), 1000.0) == pytest.approx([1550.744], abs=1e-3)


def test_currents_turn_with_the_inertial_period() -> None:
    times = signals.moments(60, 3600)
    east, north = signals.current(times, 1)
    spectrum = np.abs(np.fft.rfft(east - east.mean()))
    frequency = np.fft.rfftfreq(len(times), 1 / 24)
    strongest = frequency[10:][np.argmax(spectrum[10:])]
    assert 1 / strongest == pytest.approx(math.pi / (7.2921e-5 * math.sin(math.radians(42.8))) / 86400, rel=0.03)
    assert np.hypot(east, north).max() < 40


@pytest.mark.postgresql
def test_postgresql(practice: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    name = os.environ.get("ANTARES_LEGACY_TEST_DB")
    if not name:
        pytest.skip("ANTARES_LEGACY_TEST_DB names no server")
    import psycopg

    from dbdump.sources.postgresql.source import connect as connect_postgresql

    url = make_url(name).set(drivername="postgresql")
    plain = url.render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA practice")
    try:
        inside = url.update_query_dict({"options": "-csearch_path=practice"})
        monkeypatch.setenv("ANTARES_LEGACY_DB_PASSWORD", url.password)
        target = inside._replace(password=None).render_as_string()
        write_practice_database(target, days=DAYS)
        with pytest.raises(UsageError, match="already exists; give a database or schema without these tables"):
            write_practice_database(target, days=1)
        server = connect_postgresql(inside, url.password)
        schema = server.reflect(["practice"])
        server.begin("readonly")
        try:
            compare(server, source, schema.tables)
        finally:
            server.close()
        assert sorted(code.name.name for code in schema.code if code.kind == "sequences") == [
            "logbook_entry",
            "run_number",
        ]
        rates = next(item for item in schema.tables if item.name.name == "om_rate")
        assert rates.comment == "Counting rates of the optical modules, one row every 15 minutes"
        assert rates.column("rate_khz").comment == "mean counting rate, kHz"
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute("DROP SCHEMA practice CASCADE")


def compare(server: Source, source: Source, tables: tuple[TableSchema, ...]) -> None:
    """Sums and ends that PostgreSQL and SQLite compute are the same."""
    here = {item.name.name: item for item in source.reflect(["main"]).tables}
    assert {item.name.name for item in tables} == set(here)
    compared = 0
    for there in tables:
        mine = here[there.name.name]
        plans = [
            replace(
                TablePlan(item, (), (None,)), columns=choose_all(item, one.probe(item, item.columns), TypeOptions())
            )
            for one, item in ((server, there), (source, mine))
        ]
        facts = [one.aggregates(plan) for one, plan in zip((server, source), plans, strict=True)]
        types = [{stored.name: (stored.form, stored.arrow) for stored in plan.columns} for plan in plans]
        compared += sum(types[0][column.name] == types[1][column.name] for column in mine.columns)
        for column in mine.columns:
            if types[0][column.name] == types[1][column.name] != (Form.VALUE, "double"):
                assert facts[0][column.name] == facts[1][column.name], (there.name, column.name)
        assert server.count(there) == source.count(mine)
    assert compared > 60
