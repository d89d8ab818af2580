"""A whole dump of a real SQLite database: what it writes, what it refuses, and how it goes on."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dbdump.dump.journal import read_progress
from dbdump.dump.options import Content, Manner
from dbdump.dump.run import Told, dump
from dbdump.image import CHECKSUMS, JOURNAL, MANIFEST, PLAN, Manifest, open_image
from dbdump.sources.opening import Access
from legacy.errors import UsageError

KILLS = 30 if os.environ.get("ANTARES_LEGACY_SOAK") else 2  # killed once, and twice in a row
SMALL = 1 << 16
"""Bytes of a chunk: small databases then have many."""


def nothing(*_: object) -> None:
    return None


TOLD = Told(nothing, nothing, nothing, nothing)
ALONE = Manner(jobs=1)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A small database with what is awkward: odd names, no rows, LOBs, values of several kinds."""
    path = tmp_path / "source.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            create table "rates" (id integer primary key, om integer not null, khz double, note text);
            create table "Nothing here" (id integer primary key, text text);
            create table "select/'..'" ("group by" text, "ö" numeric(8, 2));
            create table blobs (id integer primary key, content blob);
            create view mean as select om, avg(khz) as khz from rates group by om;
            """
        )
        rows = ((number, number % 885, number / 7, f"note {number} é") for number in range(20_000))
        connection.executemany("insert into rates values (?, ?, ?, ?)", rows)
        odd = [("", 1.25), (None, -3), ('x\r\n,"', 99.99)]
        connection.executemany("""insert into "select/'..'" values (?, ?)""", odd)
        blobs = [(1, b"small"), (2, bytes(range(256)) * 2000), (3, None), (4, bytes(range(256)) * 2000), (5, b"")]
        connection.executemany("insert into blobs values (?, ?)", blobs)
    connection.close()
    return path


def content(**choices: object) -> Content:
    return Content(chunk_size=SMALL, **choices)  # type: ignore[arg-type]


def run(database: Path, image: Path, manner: Manner = ALONE, told: Told = TOLD, **choices: object) -> Manifest:
    return dump(Access(f"sqlite:///{database}"), image, content(**choices), manner, told)


def rows_of(image: Path, manifest: Manifest, name: str) -> list[dict[str, object]]:
    (table,) = (table for table in manifest.tables if table.name.name == name)
    return [row for part in table.parts for row in pq.read_table(image / part.file.path).to_pylist()]


def files_of(image: Path) -> dict[str, bytes]:
    """All that must not depend on how often a dump was stopped."""
    times = {MANIFEST, JOURNAL, PLAN, "manifest.jsonl"}
    return {
        path.relative_to(image).as_posix(): path.read_bytes()
        for path in sorted(image.rglob("*"))
        if path.is_file() and path.name not in times and not path.name.startswith(".")
    }


def timeless(image: Path) -> dict[str, object]:
    plain = json.loads((image / MANIFEST).read_text())
    for key in ("image_id", "started", "finished", "snapshots", "digest"):
        del plain[key]
    for table in plain["tables"]:
        del table["proof"]
    return plain


def test_every_row_is_in_the_image(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    manifest = run(database, image)
    assert manifest.complete
    assert {str(table.name): table.rows for table in manifest.tables} == {
        "main.rates": 20_000,
        "main.Nothing here": 0,
        "main.select/'..'": 3,
        "main.blobs": 5,
    }
    rates = rows_of(image, manifest, "rates")
    assert rates == [{"id": n, "om": n % 885, "khz": n / 7, "note": f"note {n} é"} for n in range(20_000)]
    odd = rows_of(image, manifest, "select/'..'")
    assert [row["group by"] for row in odd] == ["", None, 'x\r\n,"']
    assert [str(row["ö"]) for row in odd] == ["1.25", "-3.00", "99.99"]
    assert len(next(table for table in manifest.tables if table.name.name == "rates").parts) > 3


def test_large_values_are_files_and_equal_ones_one_file(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    manifest = run(database, image, lob_threshold=1000)
    assert manifest.lobs == (1, 512_000)
    rows = rows_of(image, manifest, "blobs")
    assert [row["content"] for row in rows] == [b"small", None, None, None, b""]
    assert [row["content__size"] for row in rows] == [5, 512_000, None, 512_000, 0]
    names = [row["content__lob"] for row in rows]
    assert names[0] is names[2] is names[4] is None
    assert names[1] == names[3]
    assert open_image(image).lob_path(str(names[1])).read_bytes() == bytes(range(256)) * 2000


def test_two_dumps_are_equal(database: Path, tmp_path: Path) -> None:
    run(database, tmp_path / "a")
    run(database, tmp_path / "b", Manner(jobs=2))
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert timeless(tmp_path / "a") == timeless(tmp_path / "b")


def test_a_finished_dump_is_left_alone(database: Path, tmp_path: Path) -> None:
    first = run(database, tmp_path / "image")
    before = (tmp_path / "image" / MANIFEST).stat().st_mtime_ns
    assert run(database, tmp_path / "image") == open_image(tmp_path / "image").manifest
    assert (tmp_path / "image" / MANIFEST).stat().st_mtime_ns == before
    assert first.complete


def test_other_choices_need_another_folder(database: Path, tmp_path: Path) -> None:
    run(database, tmp_path / "image")
    with pytest.raises(UsageError, match="lob-threshold '262144', now '7'"):
        run(database, tmp_path / "image", lob_threshold=7)
    other = tmp_path / "other.sqlite"
    shutil.copy(database, other)
    with pytest.raises(UsageError, match="of another URL"):
        run(other, tmp_path / "image")


def test_a_folder_with_other_things_is_refused(database: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(UsageError, match="no image of ours"):
        run(database, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_include_and_exclude(database: Path, tmp_path: Path) -> None:
    manifest = run(database, tmp_path / "image", include=("main.*",), exclude=("blobs", "select*"))
    assert [table.name.name for table in manifest.tables] == ["Nothing here", "rates"]
    with pytest.raises(UsageError, match="none of 4 tables is left"):
        run(database, tmp_path / "none", include=("x*",))
    with pytest.raises(UsageError, match=r"schema 'mian' is not there.*main"):
        run(database, tmp_path / "none", schemas=("mian",))
    assert not (tmp_path / "none" / PLAN).exists()


def start(program: Path, database: Path, image: Path) -> subprocess.Popen[bytes]:
    command = [str(program), "-q", "dbdump", "dump", f"sqlite:///{database}", "-o", str(image), "--jobs", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


@pytest.fixture(scope="module")
def big_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough rows for a dump that takes a second or two, in several tables."""
    path = tmp_path_factory.mktemp("big") / "source.sqlite"
    with sqlite3.connect(path) as connection:
        for table in range(4):
            connection.execute(f"create table t{table} (id integer primary key, x double, note text, content blob)")
            rows = ((n, n / 3, f"row {n}", bytes([n % 256]) * (n % 2000)) for n in range(20_000))
            connection.executemany(f"insert into t{table} values (?, ?, ?, ?)", rows)
    connection.close()
    return path


@pytest.fixture(scope="module")
def whole_image(big_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = tmp_path_factory.mktemp("whole") / "image"
    dump(Access(f"sqlite:///{big_database}"), image, Content(), Manner(jobs=1), TOLD)
    return image


@pytest.mark.parametrize("kill", range(KILLS))
def test_killed_at_any_moment_the_same_command_makes_the_same_image(
    kill: int, big_database: Path, whole_image: Path, tmp_path: Path, program: Path
) -> None:
    image, draw = tmp_path / "image", random.Random(kill)
    for _ in range(1 + kill % 2):
        process = start(program, big_database, image)
        try:
            process.wait(draw.uniform(0.3, 2.5))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    process = start(program, big_database, image)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    assert files_of(image) == files_of(whole_image)
    assert timeless(image) == timeless(whole_image)
    assert CHECKSUMS in files_of(image)
    assert not list(image.rglob("*.part"))


def test_a_killed_worker_does_not_stop_the_dump(
    big_database: Path, whole_image: Path, tmp_path: Path, program: Path, workers_of: Callable[[int], list[int]]
) -> None:
    image = tmp_path / "image"
    process = start(program, big_database, image)
    killed, deadline = 0, time.monotonic() + 60
    while process.poll() is None and not killed and time.monotonic() < deadline:
        for child in workers_of(process.pid):
            if (image / "parquet").is_dir() and any(image.rglob("*.part")):
                os.kill(child, signal.SIGKILL)
                killed += 1
                break
        time.sleep(0.005)
    _, errors = process.communicate(timeout=120)
    assert killed
    assert process.returncode == 0, errors.decode()
    assert files_of(image) == files_of(whole_image)


def test_a_source_that_changed_meanwhile_is_read_again(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    _stop_after(5, database, image, include=("rates",))
    done = next(done for done in read_progress(image).done.values() if done.table.name == "rates")
    gone = pq.read_table(image / done.parts[0].file.path)["id"].to_pylist()[3]
    with sqlite3.connect(database) as connection:
        connection.execute("delete from rates where id = ?", (gone,))
    connection.close()
    said: list[str] = []
    manifest = run(database, image, ALONE, Told(said.append, nothing, nothing, nothing), include=("rates",))
    assert any("main.rates has changed since the earlier run" in text for text in said)
    assert [row["id"] for row in rows_of(image, manifest, "rates")] == [n for n in range(20_000) if n != gone]


def _stop_after(chunks: int, database: Path, image: Path, **choices: object) -> None:
    """Begin a dump and end it, as a signal would, after some chunks."""
    seen: list[object] = []

    def chunk(*facts: object) -> None:
        seen.append(facts)
        if len(seen) == chunks:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(database, image, ALONE, Told(nothing, nothing, nothing, chunk), **choices)
    assert not (image / MANIFEST).exists()


def test_a_part_that_is_gone_is_read_again(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    run(database, tmp_path / "whole")
    _stop_after(4, database, image)
    part = next(image.rglob("part-*.parquet"))
    part.unlink()
    run(database, image)
    assert files_of(image) == files_of(tmp_path / "whole")


def test_without_a_snapshot_counts_are_proved(database: Path, tmp_path: Path) -> None:
    manifest = run(database, tmp_path / "image", Manner("none", jobs=1))
    assert {table.proof for table in manifest.tables if table.name.name == "rates"} == {
        "it had 20000 rows before and after"
    }


def test_without_a_snapshot_a_change_is_found_and_the_table_is_read_again(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"

    def add_a_row(*facts: object) -> None:
        with sqlite3.connect(database, timeout=0) as connection:
            connection.execute("insert into rates (om, khz) values (1, 2.0)")
        connection.close()

    manifest = run(database, image, Manner("none", jobs=1), Told(nothing, nothing, nothing, add_a_row))
    assert not manifest.complete
    (problem,) = (table.problem for table in manifest.tables if table.problem)
    assert "main.rates: it changed while it was dumped" in problem
    assert run(database, image).complete
    assert rows_of(image, open_image(image).manifest, "rates")[-1]["khz"] == 2.0


def test_a_table_that_is_dropped_is_told_and_the_others_are_dumped(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    _stop_after(1, database, image)
    with sqlite3.connect(database) as connection:
        connection.execute("drop table blobs")
    connection.close()
    manifest = run(database, image)
    (failed,) = (table for table in manifest.tables if table.problem)
    assert failed.name.name == "blobs"
    assert sum(table.rows for table in manifest.tables if table.name.name == "rates") == 20_000


def test_a_full_disk_ends_the_run_and_the_same_command_goes_on(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    small = tmp_path / "disk"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        with pytest.raises(Exception, match=r"No space left on device.*free some space.*same command"):
            run(database, small / "image")
        assert not list((small / "image").rglob("*.part"))
        subprocess.run(["mount", "-o", "remount,size=50m", str(small)], check=True)
        assert run(database, small / "image").complete
        run(database, image)
        assert files_of(small / "image") == files_of(image)
    finally:
        subprocess.run(["umount", str(small)], check=True)
