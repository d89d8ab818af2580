"""A dump that goes on over what kills, copies and changes of the source have left: nothing old passes for new."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dbdump.dump.options import Content, Manner
from dbdump.dump.planfile import read_plan, write_plan
from dbdump.dump.run import Told, dump
from dbdump.image import CATALOG, JOURNAL, LOBS, MANIFEST, PARQUET, PLAN, SQLITE, Manifest, open_image
from dbdump.sources.opening import Access
from dbdump.stored import TypeOptions
from dbdump.verify.offline import verify_offline
from legacy.errors import UsageError

SMALL = 1 << 14
ALONE = Manner(jobs=1)


def nothing(*_: object) -> None:
    return None


TOLD = Told(nothing, nothing, nothing, nothing)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Tables of several chunks, with large values, and with names that end as our own files do."""
    path = tmp_path / "source.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            create table a (id integer primary key, x double, content blob);
            create table z (id integer primary key, x double);
            create table "leftover.part" (id integer primary key);
            create table "rows.parquet" (id integer primary key);
            insert into "leftover.part" values (1), (2);
            insert into "rows.parquet" values (3);
            """
        )
        rows = ((number, number / 7, bytes([number]) * 5000 if number < 3 else b"x") for number in range(3000))
        connection.executemany("insert into a values (?, ?, ?)", rows)
        connection.executemany("insert into z values (?, ?)", ((number, number / 7) for number in range(3000)))
        connection.commit()
    return path


def run(database: Path, image: Path, told: Told = TOLD, manner: Manner = ALONE, **choices: object) -> Manifest:
    content = Content(chunk_size=SMALL, lob_threshold=1000, **choices)  # type: ignore[arg-type]
    return dump(Access(f"sqlite:///{database}"), image, content, manner, told)


def stop_after(chunks: int, database: Path, image: Path, include: tuple[str, ...] = ()) -> None:
    """Begin a dump and end it, as a signal would, after some chunks."""
    left = iter(range(chunks - 1))

    def chunk(*_: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(database, image, Told(nothing, nothing, nothing, chunk), include=include)


def value(image: Path, table: str, number: int) -> object:
    found = next(one for one in open_image(image).manifest.tables if one.name.name == table)
    rows: Iterator[dict[str, object]] = (
        row for part in found.parts for row in pq.read_table(image / part.file.path).to_pylist()
    )
    return next(row["x"] for row in rows if row["id"] == number)


def change(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_value_that_changed_between_two_runs_is_not_missed(database: Path, tmp_path: Path) -> None:
    """The number of rows is the same: only the state of the file tells."""
    image = tmp_path / "image"
    said: list[str] = []
    stop_after(4, database, image, include=("a",))
    change(database, "update a set x = -1")
    manifest = run(database, image, Told(said.append, nothing, nothing, nothing), include=("a",))
    assert [text for text in said if "has changed since" in text]
    assert manifest.complete
    assert {value(image, "a", number) for number in (0, 1500, 2999)} == {-1.0}


def test_a_file_of_other_rows_at_the_same_place_is_not_mixed_in(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    stop_after(4, database, image, include=("a",))
    other = tmp_path / "other.sqlite"
    shutil.copy(database, other)
    change(other, "update a set x = -2")
    other.replace(database)
    run(database, image, include=("a",))
    assert {value(image, "a", number) for number in (0, 1500, 2999)} == {-2.0}


def test_a_source_that_rested_is_not_read_twice(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    again: list[object] = []
    stop_after(4, database, image, include=("a",))
    manifest = run(
        database, image, Told(nothing, nothing, nothing, lambda *facts: again.append(facts[2])), include=("a",)
    )
    assert again.count(True) == 4
    assert manifest.tables[0].proof == "the file was not written to since the earlier run"


@pytest.mark.parametrize("lost", [PARQUET, LOBS, SQLITE, CATALOG])
def test_a_finished_image_that_lost_a_file_is_made_whole(lost: str, database: Path, tmp_path: Path) -> None:
    """So a copy that ended half-way is not called complete."""
    image = tmp_path / "image"
    run(database, image, format="both")
    checksums = (image / "checksums.sha256").read_bytes()
    gone = image / lost
    if gone.is_dir():
        gone = next(path for path in sorted(gone.rglob("*")) if path.is_file())
    gone.unlink()
    assert verify_offline(open_image(image)).failed
    run(database, image, format="both")
    assert not verify_offline(open_image(image)).failed
    assert (image / "checksums.sha256").read_bytes() == checksums


def test_a_part_that_was_cut_short_is_read_again(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    run(database, image)
    part = next((image / PARQUET / "main" / "a").iterdir())
    part.write_bytes(part.read_bytes()[:-100])
    run(database, image)
    assert not verify_offline(open_image(image)).failed


def test_tables_named_like_our_files_do_not_stop_a_run(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    stop_after(2, database, image)
    (image / PARQUET / "main" / "leftover.part").mkdir(parents=True, exist_ok=True)
    assert run(database, image).complete
    (image / MANIFEST).unlink()  # as after a kill just before the end
    assert run(database, image).complete
    assert not verify_offline(open_image(image)).failed


def test_a_kill_while_the_ddl_was_written_does_not_stop_the_next_run(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    run(database, image)
    (image / MANIFEST).unlink()
    (image / "ddl").rename(image / "ddl.part")
    assert run(database, image).complete
    assert not (image / "ddl.part").exists()
    assert not verify_offline(open_image(image)).failed


def test_leftovers_are_removed_where_we_write_and_nowhere_else(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    hidden = image / ".downloads" / "thesis.part"
    hidden.parent.mkdir(parents=True)
    hidden.touch()
    stop_after(2, database, image)
    ours = [image / "catalog.sqlite.part", image / PARQUET / "main" / "a" / "part-00007.parquet.part"]
    for path in ours:
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    run(database, image)
    assert hidden.exists()
    assert not [path for path in ours if path.exists()]


def test_a_source_that_is_away_does_not_cost_the_image(database: Path, tmp_path: Path, program: Path) -> None:
    """An image that misses a table is still an image when the database is gone for ever."""
    change(database, "create table bad (t text)")
    change(database, "insert into bad values (cast(x'ff41' as text))")
    image = tmp_path / "image"
    assert not run(database, image).complete
    before = (image / MANIFEST).read_bytes()
    database.rename(tmp_path / "away.sqlite")
    command = [str(program), "dbdump", "dump", f"sqlite:///{database}", "-o", str(image), "--lob-threshold", "1000"]
    # The plan has another chunk size than the command line knows: let it have its own.
    plan = read_plan(image)
    write_plan(image, replace(plan, content=replace(plan.content, chunk_size=256 << 20)))
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 3, ended.stderr
    assert (image / MANIFEST).read_bytes() == before


def test_raw_text_of_a_column_that_is_not_there_is_refused(database: Path, tmp_path: Path) -> None:
    for name in ("a.contnet", "main.A.x", "x"):
        with pytest.raises(UsageError, match="no table that is dumped has this column"):
            run(database, tmp_path / "image", types=TypeOptions(raw_text=frozenset({name})))
    assert not (tmp_path / "image" / PLAN).exists()


def test_a_table_that_got_another_column_is_planned_again(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    stop_after(4, database, image, include=("z", "a"))
    change(database, "alter table z add column more text")
    assert not run(database, image, include=("z", "a")).complete
    manifest = run(database, image, include=("z", "a"))
    assert manifest.complete
    assert [table.rows for table in manifest.tables] == [3000, 3000]
    assert [column.name for column in manifest.tables[1].columns] == ["id", "x", "more"]
    assert not verify_offline(open_image(image)).failed


def test_a_value_that_does_not_fit_the_planned_type_is_not_rounded(database: Path, tmp_path: Path) -> None:
    """The plan saw whole numbers; then there is a fraction."""
    change(database, "create table n (id integer primary key, x number)")
    change(database, "insert into n select id, id from z")
    image = tmp_path / "image"
    stop_after(1, database, image, include=("n",))
    change(database, "update n set x = 2.5 where id = 2999")
    assert not run(database, image, include=("n",)).complete
    assert run(database, image, include=("n",)).complete
    assert value(image, "n", 2999) == 2.5
    assert value(image, "n", 2998) == 2998


def test_a_table_that_failed_and_still_fits_its_plan_keeps_what_is_done(database: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    stop_after(3, database, image, include=("z",))
    journal = image / JOURNAL
    failed = {"kind": "failed", "table": {"schema": "main", "name": "z"}, "problem": "killed"}
    journal.write_text(journal.read_text(encoding="utf-8") + json.dumps(failed) + "\n", encoding="utf-8")
    again: list[object] = []
    told = Told(nothing, nothing, nothing, lambda *facts: again.append(facts[2]))
    assert run(database, image, told, include=("z",)).complete
    assert again.count(True) == 3
