"""``--format sqlite``: a dump into SQLite files alone, stopped anywhere, and everything that reads it."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dbdump.dump.options import Content, Manner
from dbdump.dump.run import Told, dump
from dbdump.image import (
    CATALOG,
    CHECKSUMS,
    DATAPACKAGE,
    FILES,
    JOURNAL,
    MANIFEST,
    PARQUET,
    PLAN,
    README,
    SQLITE,
    Manifest,
    open_image,
)
from dbdump.sources.opening import Access
from dbdump.verify.offline import verify_offline
from legacy.errors import UsageError

KILLS = 30 if os.environ.get("ANTARES_LEGACY_SOAK") else 1


def nothing(*_: object) -> None:
    return None


QUIET = Told(nothing, nothing, nothing, nothing)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Integers as keys, odd names, exact decimals, numbers as text, LOBs, values of several kinds, no rows."""
    path = tmp_path_factory.mktemp("source") / "source.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            """
            create table rates (id integer primary key, om integer not null, khz double, note text);
            create table "Nothing here" (id integer primary key, text text);
            create table "select/'..'" ("group by" text, "ö" numeric(8, 2), odd numeric(8, 2), "rowid" int);
            create table blobs (id integer primary key, content blob, mixed);
            create table pairs (a text, b integer, primary key (b, a)) without rowid;
            create view mean as select om, avg(khz) as khz from rates group by om;
            create index rates_om on rates (om);
            """
        )
        rows = ((n, n % 885, n / 7, f"note {n} é") for n in range(20_000))
        connection.executemany("insert into rates values (?, ?, ?, ?)", rows)
        odd = [("", 1.25, 1.255, 5), (None, -3, 1, 4), ('x\r\n,"', 99.99, 1e-9, None), ("nul\0", 0.1, None, 1)]
        connection.executemany("""insert into "select/'..'" values (?, ?, ?, ?)""", odd)
        large = bytes(range(256)) * 2000
        blobs = [(1, b"small", 1), (2, large, "x"), (3, None, 1.5), (4, large, None), (5, b"", b"y")]
        connection.executemany("insert into blobs values (?, ?, ?)", blobs)
        connection.executemany("insert into pairs values (?, ?)", [(f"a{n}", -n) for n in range(50)])
    return path


def run(database: Path, image: Path, form: str = "sqlite", told: Told = QUIET) -> Manifest:
    content = Content(format=form, chunk_size=1 << 16, lob_threshold=1000)
    return dump(Access(f"sqlite:///{database}"), image, content, Manner(jobs=1), told)


@pytest.fixture(scope="module")
def whole(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of SQLite files; nobody changes it."""
    image = tmp_path_factory.mktemp("whole") / "image"
    run(database, image)
    return image


@pytest.fixture(scope="module")
def with_parquet(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same database as Parquet; nobody changes it."""
    image = tmp_path_factory.mktemp("parquet") / "image"
    run(database, image, "parquet")
    return image


def files_of(image: Path) -> dict[str, bytes]:
    """All that must not depend on how often a dump was stopped."""
    times = {MANIFEST, JOURNAL, PLAN, FILES}
    return {
        path.relative_to(image).as_posix(): path.read_bytes()
        for path in sorted(image.rglob("*"))
        if path.is_file() and path.name not in times and not path.name.startswith(".")
    }


def timeless(image: Path) -> dict[str, object]:
    plain: dict[str, Any] = json.loads((image / MANIFEST).read_text())
    for key in ("image_id", "started", "finished", "snapshots", "digest"):
        del plain[key]
    for table in plain["tables"]:
        del table["proof"]
    return plain


def test_there_is_no_parquet_and_the_manifest_says_so(whole: Path, with_parquet: Path) -> None:
    manifest, other = open_image(whole).manifest, open_image(with_parquet).manifest
    assert manifest.complete
    assert not (whole / PARQUET).exists()
    assert [file.path for file in manifest.sqlite] == ["sqlite/main.sqlite"]
    assert {str(t.name): t.rows for t in manifest.tables} == {str(t.name): t.rows for t in other.tables}
    for table in manifest.tables:
        assert table.parts == ()
        assert table.sqlite is not None
        assert table.sqlite.digest.isdigit()
    assert "no Parquet files" in (whole / README).read_text()
    package = json.loads((whole / DATAPACKAGE).read_text())
    rates = next(one for one in package["resources"] if one["title"] == "main.rates")
    assert (rates["path"], rates["dialect"]["table"], rates["rowCount"]) == ("sqlite/main.sqlite", "rates", 20_000)
    with closing(sqlite3.connect(whole / CATALOG)) as catalog:
        asked = "SELECT rows, folder FROM tables WHERE table_name = 'rates'"
        assert catalog.execute(asked).fetchall() == [(20_000, "sqlite/main.sqlite")]
    lines = {entry["path"]: entry for entry in map(json.loads, (whole / FILES).read_text().splitlines())}
    assert lines["sqlite/main.sqlite"]["n_events"] == sum(table.rows for table in manifest.tables)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_it_is_verified_at_every_level(level: int, database: Path, whole: Path, cli: Callable[..., Any]) -> None:
    ran = cli("dbdump", "verify", whole, "--url", f"sqlite:///{database}", "--level", level)
    assert ran.code == 0, ran
    assert "nothing wrong" in ran.err


def test_verify_finds_a_row_that_changed(database: Path, whole: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    other = tmp_path / "other.sqlite"
    other.write_bytes(database.read_bytes())
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("update rates set khz = khz + 1e-12 where id = 5001")
    for level in (2, 3):
        ran = cli("dbdump", "verify", whole, "--url", f"sqlite:///{other}", "--level", level)
        assert ran.code == 1
        assert "main.rates" in ran.err
    assert "column khz" in ran.err


def test_it_is_whole_without_the_database(whole: Path, cli: Callable[..., Any]) -> None:
    assert cli("dbdump", "verify", whole, "--offline").code == 0
    ran = cli("dbdump", "verify", whole, "--offline", "--table", "rates", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["files"] == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM rates ORDER BY id LIMIT 2000",
        """SELECT * FROM "select/'..'" """,
        "SELECT * FROM main.blobs ORDER BY id",
        'SELECT count(*) AS n FROM "Nothing here"',
        "SELECT a.id, b.b FROM rates a JOIN pairs b ON a.id = -b.b ORDER BY 1",
        "SELECT count(*) AS n FROM rates a JOIN rates b USING (id)",
        "DESCRIBE rates",
        """SELECT typeof(ö), sum(ö) FROM "select/'..'" GROUP BY ALL""",
    ],
)
def test_queries_answer_as_those_of_parquet(sql: str, whole: Path, with_parquet: Path, cli: Callable[..., Any]) -> None:
    ours, theirs = (cli("dbdump", "query", image, sql, "--json") for image in (whole, with_parquet))
    assert ours.code == 0, ours
    assert ours.out == theirs.out


def test_a_query_sees_nothing_else(whole: Path, cli: Callable[..., Any]) -> None:
    for sql in ("SELECT * FROM 'sqlite/main.sqlite'", "SELECT * FROM sqlite_scan('x', 'y')", "ATTACH 'x.sqlite' AS x"):
        assert cli("dbdump", "query", whole, sql).code == 2
    ran = cli("dbdump", "query", whole, "--json", "SELECT table_name FROM information_schema.tables ORDER BY 1")
    assert len(json.loads(ran.out)) == 5


def sqlite_rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


@pytest.mark.parametrize(
    "choice",
    [
        (),
        ("--table", "rates", "--where", "rates: om = 7 AND khz > 100"),
        ("--table", "rates", "--limit", "3000"),
        ("--table", "rates", "--where", "rates: om < 5", "--limit", "40"),
    ],
)
def test_a_selection_is_that_of_parquet(
    choice: tuple[str, ...], whole: Path, with_parquet: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    for name, image in (("a", whole), ("b", with_parquet)):
        ran = cli("dbdump", "to-sqlite", image, "-o", tmp_path / name, *choice)
        assert ran.code == 0, ran
    assert sqlite_rows(tmp_path / "a", "SELECT count(*), min(id) FROM rates")[0][0] > 20
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_series_are_those_of_parquet(tmp_path: Path, cli: Callable[..., Any]) -> None:
    import netCDF4
    import numpy as np

    source = tmp_path / "practice.sqlite"
    assert cli("dbdump", "practice", source, "--days", 2).code == 0
    for form in ("sqlite", "parquet"):
        command = ("dbdump", "dump", f"sqlite:///{source}", "-o", tmp_path / form, "--format", form, "--jobs", 1)
        assert cli(*command).code == 0
        ran = cli("dbdump", "to-netcdf", tmp_path / form, "--mapping", "practice", "-o", tmp_path / f"{form}.nc.d")
        assert ran.code == 0, ran
    files = sorted((tmp_path / "sqlite.nc.d").glob("*.nc"))
    assert len(files) > 3
    for file in files:
        with netCDF4.Dataset(file) as one, netCDF4.Dataset(tmp_path / "parquet.nc.d" / file.name) as other:
            assert list(one.variables) == list(other.variables)
            for name in one.variables:
                np.testing.assert_array_equal(one[name][:], other[name][:])


def test_the_same_command_does_nothing_more(database: Path, whole: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    said: list[str] = []
    assert run(database, whole, told=Told(said.append, nothing, nothing, nothing)).complete
    assert "nothing is done" in said[0]
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before
    with pytest.raises(UsageError, match="format 'sqlite', now 'both'"):
        run(database, whole, "both")


def start(program: Path, database: Path, image: Path) -> subprocess.Popen[bytes]:
    command = [str(program), "-q", "dbdump", "dump", f"sqlite:///{database}", "-o", str(image), "--format", "sqlite"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


@pytest.fixture(scope="module")
def uncut(database: Path, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command makes that nobody kills."""
    image = tmp_path_factory.mktemp("uncut") / "image"
    process = start(program, database, image)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    return image


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "a part is written": lambda image: any(image.glob("parquet/*/*/*.parquet")),
    "SQLite is being written": lambda image: (image / SQLITE / "main.sqlite.part").is_file(),
    "SQLite is compared": lambda image: (image / SQLITE / "main.sqlite").is_file(),
    "books are written": lambda image: (image / CATALOG).is_file(),
    "the manifest is there": lambda image: (image / MANIFEST).is_file(),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_between_the_steps_the_same_command_makes_the_same_image(
    moment: str, database: Path, uncut: Path, tmp_path: Path, program: Path
) -> None:
    image = tmp_path / "image"
    process = start(program, database, image)
    deadline = time.monotonic() + 60
    while process.poll() is None and not MOMENTS[moment](image) and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    _goes_on(program, database, image, uncut)


@pytest.mark.parametrize("kill", range(KILLS))
def test_killed_at_any_moment_the_same_command_makes_the_same_image(
    kill: int, database: Path, uncut: Path, tmp_path: Path, program: Path
) -> None:
    image, draw = tmp_path / "image", random.Random(kill)
    process = start(program, database, image)
    try:
        process.wait(draw.uniform(0.5, 4.0))
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    _goes_on(program, database, image, uncut)


def _goes_on(program: Path, database: Path, image: Path, uncut: Path) -> None:
    process = start(program, database, image)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    assert files_of(image) == files_of(uncut)
    assert timeless(image) == timeless(uncut)
    assert not list(image.rglob("*.part"))


def test_parts_that_a_kill_has_left_are_removed(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "image"

    def killed(folder: Path, manifest: Manifest) -> None:
        raise KeyboardInterrupt

    # A kill exactly between the manifest and the first part, which no timing hits.
    monkeypatch.setattr("dbdump.sqlite.alone.remove_parts", killed)
    with pytest.raises(KeyboardInterrupt):
        run(database, image)
    monkeypatch.undo()
    assert any(image.rglob("*.parquet"))
    faults = [fault.problem for fault in verify_offline(open_image(image)).faults]
    assert set(faults) == {"it does not belong to the image"}
    read: list[object] = []
    run(database, image, told=Told(nothing, nothing, nothing, lambda *facts: read.append(facts)))
    assert not read
    assert not (image / PARQUET).exists()
    assert not verify_offline(open_image(image)).failed


@pytest.mark.parametrize("lost", [CATALOG, CHECKSUMS, README, FILES])
def test_a_description_that_is_lost_is_written_without_reading_the_source(
    lost: str, database: Path, tmp_path: Path
) -> None:
    image = tmp_path / "image"
    run(database, image)
    before = (image / lost).read_bytes()
    (image / lost).unlink()
    said: list[str] = []
    read: list[object] = []
    run(database, image, told=Told(said.append, nothing, nothing, lambda *facts: read.append(facts)))
    assert not read
    assert "are written again" in said[0]
    if lost != FILES:  # it has times
        assert (image / lost).read_bytes() == before
    assert not verify_offline(open_image(image)).failed


@pytest.mark.parametrize("damage", ["gone", "cut short"])
def test_rows_that_are_lost_are_read_again(damage: str, database: Path, whole: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    run(database, image)
    path = image / SQLITE / "main.sqlite"
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-4096])
    said: list[str] = []
    assert run(database, image, told=Told(said.append, nothing, nothing, nothing)).complete
    assert "are made again" in said[0]
    assert files_of(image) == files_of(whole)


def test_a_table_that_cannot_be_read_keeps_the_parts_until_it_can(database: Path, tmp_path: Path) -> None:
    source, image = tmp_path / "source.sqlite", tmp_path / "image"
    source.write_bytes(database.read_bytes())
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("create table bad (t text)")
        connection.execute("insert into bad values (cast(x'ff41' as text))")
    said: list[str] = []
    manifest = run(source, image, told=Told(said.append, nothing, nothing, nothing))
    assert not manifest.complete
    assert any("the Parquet parts stay" in text for text in said)
    assert not manifest.in_sqlite_alone
    assert not verify_offline(open_image(image)).failed
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("update bad set t = 'good'")
    assert run(source, image).complete
    assert not (image / PARQUET).exists()
    assert sqlite_rows(image / SQLITE / "main.sqlite", "select * from bad") == [("good",)]


def test_a_disk_that_is_too_small_keeps_the_parts(database: Path, whole: Path, tmp_path: Path) -> None:
    small = tmp_path / "disk"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1300k", "none", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        with pytest.raises(Exception, match=r"SQLite cannot write.*free space") as caught:
            run(database, small / "image")
        assert getattr(caught.value, "exit_code", 0) == 3
        assert any((small / "image").rglob("*.parquet"))
        assert not (small / "image" / MANIFEST).exists()
        subprocess.run(["mount", "-o", "remount,size=50m", str(small)], check=True)
        assert run(database, small / "image").complete
        assert files_of(small / "image") == files_of(whole)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_plan_counts_both(database: Path, cli: Callable[..., Any]) -> None:
    url = f"sqlite:///{database}"
    needs = {}
    for form in ("parquet", "both", "sqlite"):
        ran = cli("dbdump", "plan", url, "--format", form, "--json")
        assert ran.code == 0, ran
        needs[form] = json.loads(ran.out)["disk"]
    assert needs["sqlite"]["most"] == needs["both"]["most"] > needs["parquet"]["most"]
    assert needs["sqlite"]["most_after"] == needs["both"]["most"] - needs["parquet"]["most"]
    assert "while it runs" in cli("dbdump", "plan", url, "--format", "sqlite").out
