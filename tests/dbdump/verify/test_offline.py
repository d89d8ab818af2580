"""Images against their own manifest: each kind of damage is named with its file and the next step."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dbdump.errors import ImageError
from dbdump.image import CHECKSUMS, Image, open_image, write_manifest
from dbdump.stored import Form
from dbdump.verify.offline import verify_offline
from dbdump.verify.report import Report

CTD, RUNS = "parquet/SEA/CTD/part-00000.parquet", "parquet/SEA/RUNS/part-00001.parquet"


@pytest.fixture
def image(images: Callable[[], Any], given: Any) -> Image:
    """Two tables, one of them with values in files, and all books."""
    made = images()
    large = "x" * 1000
    made.table(
        "CTD",
        given("id", "int64", [1, 2, 3]),
        given("log", "string", ["a", None, None], Form.LOB),
        given("log__lob", "string", [None, made.lob(large.encode()), None], Form.LOB_FILE, "log"),
        given("log__size", "int64", [1, 1000, None], Form.LOB_SIZE, "log"),
        given("at", "timestamp[s]", [0, 1, None]),
    )
    made.table("EMPTY", given("a", "int64", []))
    made.table("RUNS", given("run", "int64", range(10)), given("x", "double", [0.5] * 10), parts=(4, 3))
    image: Image = made.finish_with_books({"format": "both"})
    return image


def reseal(image: Image, **changes: Any) -> Image:
    """Make checksums and manifest agree with changed files, as somebody would who covers up a change."""
    lines = []
    for line in (image.folder / CHECKSUMS).read_text().splitlines():
        path = line[66:]
        if (image.folder / path).is_file():
            lines.append(f"{hashlib.sha256((image.folder / path).read_bytes()).hexdigest()}  {path}\n")
    (image.folder / CHECKSUMS).write_text("".join(lines))
    sums = {line[66:-1]: line[:64] for line in lines}

    def renewed(file: Any) -> Any:
        return replace(file, size=(image.folder / file.path).stat().st_size, sha256=sums[file.path])

    tables = tuple(
        replace(table, parts=tuple(replace(part, file=renewed(part.file)) for part in table.parts))
        for table in image.manifest.tables
    )
    digest = hashlib.sha256((image.folder / CHECKSUMS).read_bytes()).hexdigest()
    databases = tuple(renewed(file) for file in image.manifest.sqlite)
    manifest = replace(image.manifest, tables=tables, sqlite=databases, checksums=digest)
    write_manifest(image.folder, replace(manifest, **changes))
    return open_image(image.folder)


def wrong(report: Report) -> dict[str, str]:
    """Return what is wrong by file, with the advice."""
    faults = [fault for table in report.tables for fault in table.faults] + list(report.faults)
    assert all(fault.advice for fault in faults), "each fault names the next step"
    return {fault.path: fault.problem for fault in faults}


def lob(image: Image) -> Path:
    (path,) = (path for path in (image.folder / "lobs").rglob("*") if path.is_file())
    return path


def test_good_image(image: Image) -> None:
    seen = []
    report = verify_offline(image, on_bytes=lambda size, failed: seen.append(size))
    assert not report.failed, report.to_text()
    listed = (image.folder / CHECKSUMS).read_text().splitlines()
    assert report.files == len(listed) == len(seen)
    assert report.size == sum(seen) == sum((image.folder / line[66:]).stat().st_size for line in listed)
    assert [(table.table, table.rows) for table in report.tables] == [
        ("SEA.CTD", 3),
        ("SEA.EMPTY", 0),
        ("SEA.RUNS", 10),
    ]


def test_read_only_image(image: Image) -> None:
    for path in image.folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert not verify_offline(image).failed


def test_damaged_parts(image: Image) -> None:
    part = image.folder / CTD
    content = part.read_bytes()
    part.write_bytes(content[:-30])
    assert wrong(verify_offline(image))[CTD].startswith(f"cut short: {len(content) - 30:,} bytes, the manifest says")
    part.write_bytes(content + b"x")
    assert wrong(verify_offline(image))[CTD].startswith("too long")
    middle = len(content) // 2
    part.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    report = verify_offline(image)
    assert list(wrong(report)) == [CTD]
    assert "SHA-256" in wrong(report)[CTD]
    assert [table.table for table in report.tables if table.failed] == ["SEA.CTD"]
    part.unlink()
    assert wrong(verify_offline(image))[CTD] == "it is missing"
    assert "delete it and run the same dump again" in "\n".join(verify_offline(image).to_text())


def test_only_the_tables_that_were_named(image: Image) -> None:
    (image.folder / CTD).write_bytes(b"")
    assert not verify_offline(image, tables=["runs"]).failed
    assert list(wrong(verify_offline(image, tables=["ctd"]))) == [CTD]
    (image.folder / CTD).unlink()
    assert wrong(verify_offline(image, tables=["ctd"])) == {CTD: "it is missing"}
    with pytest.raises(ImageError, match="no table is called"):
        verify_offline(image, tables=["nothing"])


def test_large_value_changed_missing_or_not_used(image: Image) -> None:
    path = lob(image)
    name = path.relative_to(image.folder).as_posix()
    path.write_bytes(b"y" * 1000)
    assert "SHA-256" in wrong(verify_offline(image))[name]
    path.unlink()
    found = wrong(verify_offline(image))
    assert "missing" in found[name]
    assert found["lobs"] == "0 files of 0 bytes, the manifest says 1 files of 1,000 bytes"
    other = image.folder / "lobs" / "ab" / ("ab" + "0" * 62)
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(b"")
    relative = other.relative_to(image.folder).as_posix()
    assert wrong(verify_offline(image))[relative] in ("it does not belong to the image", "no row points to it")


def test_rows_point_to_values_that_no_book_knows(image: Image) -> None:
    name = lob(image).relative_to(image.folder).as_posix()
    lob(image).unlink()
    found = wrong(verify_offline(reseal(image, lobs=(0, 0))))
    assert found[name] == "it is missing, and a row points to it (table SEA.CTD, column log__lob)"


def test_files_too_many(image: Image) -> None:
    (image.folder / "notes.txt").write_text("x")
    (image.folder / "parquet/SEA/CTD/part-00001.parquet.part").write_text("x")
    (image.folder / "ddl" / "link").symlink_to(image.folder / "README.md")
    assert wrong(verify_offline(image)) == {
        "ddl/link": "it is no plain file",
        "notes.txt": "it does not belong to the image",
        "parquet/SEA/CTD/part-00001.parquet.part": "a leftover of a run that was killed",
    }


def test_edited_checksums(image: Image) -> None:
    path = image.folder / CHECKSUMS
    text = path.read_text()
    path.write_text(text.replace(text[:64], "0" * 64, 1))
    assert "was changed" in wrong(verify_offline(image))[CHECKSUMS]
    path.write_text("../../etc/passwd\n" + f"{'0' * 64}  ../../etc/passwd\n")
    assert "was changed" in wrong(verify_offline(image))[CHECKSUMS]
    path.unlink()
    assert wrong(verify_offline(image))[CHECKSUMS] == "it is missing"


def test_edited_manifest(image: Image) -> None:
    path = image.folder / "manifest.json"
    path.write_text(path.read_text().replace('"rows": 10', '"rows": 11').replace('"test"', '"best"'))
    with pytest.raises(ImageError, match=r"changed after it was written.*restore"):
        open_image(image.folder)


def test_manifest_with_other_rows_and_a_good_digest(image: Image) -> None:
    runs = image.table("RUNS")
    parts = (*runs.parts[:1], replace(runs.parts[1], rows=4), *runs.parts[2:])
    tables = [replace(runs, parts=parts) if table == runs else table for table in image.manifest.tables]
    write_manifest(image.folder, replace(image.manifest, tables=tuple(tables)))
    report = verify_offline(open_image(image.folder))
    found = [(fault.path, fault.problem) for fault in (*report.tables[-1].faults, *report.faults)]
    assert found[0] == (RUNS, "it has 3 rows, the manifest says 4")
    assert ("catalog.sqlite", "table SEA.RUNS has 10 rows in it, the manifest says 11") in found
    assert ("catalog.sqlite", "the parts of table SEA.RUNS are not those of the manifest") in found
    assert ("datapackage.json", "table SEA.RUNS has 10 rows in it, the manifest says 11") in found
    assert ("sqlite/SEA.sqlite", "table SEA.RUNS has 10 rows, the manifest says 11") in found


def test_part_with_other_columns_and_good_checksums(image: Image) -> None:
    table = pq.read_table(image.folder / CTD)
    pq.write_table(table.rename_columns(["ID", *table.column_names[1:]]), image.folder / CTD)
    found = wrong(verify_offline(reseal(image)))
    assert found[CTD] == "its columns are not those of the manifest (missing: id)"


@pytest.mark.parametrize("name", ["sqlite/SEA.sqlite", "catalog.sqlite"])
def test_truncated_sqlite_file(image: Image, name: str) -> None:
    path = image.folder / name
    path.write_bytes(path.read_bytes()[:-4096])
    problem = wrong(verify_offline(image))[name]
    assert ("cut short" if name.startswith("sqlite") else "SHA-256") in problem
    assert "SQLite" in wrong(verify_offline(reseal(image)))[name]
    path.write_bytes(b"not a database at all" * 500)
    assert "SQLite cannot read it: file is not a database" in wrong(verify_offline(reseal(image)))[name]


def test_sqlite_file_with_other_rows(image: Image) -> None:
    with closing(sqlite3.connect(image.folder / "sqlite/SEA.sqlite")) as database, database:
        database.execute("DELETE FROM RUNS WHERE run = 3")
        database.execute("DROP TABLE CTD")
    text = "\n".join(verify_offline(reseal(image)).to_text())
    assert "sqlite/SEA.sqlite: table SEA.RUNS has 9 rows, the manifest says 10; restore it from a copy" in text
    assert "sqlite/SEA.sqlite: it has no table SEA.CTD" in text


def test_catalog_that_says_something_else(image: Image) -> None:
    with closing(sqlite3.connect(image.folder / "catalog.sqlite")) as database, database:
        database.execute("UPDATE image_columns SET arrow_type = 'string' WHERE name = 'x'")
        database.execute("UPDATE parts SET rows = 9 WHERE path LIKE '%CTD%'")
        database.execute("INSERT INTO tables (schema_name, table_name, kind) VALUES ('SEA', 'MORE', 'table')")
    faults = [fault.problem for fault in verify_offline(reseal(image)).faults if fault.path == "catalog.sqlite"]
    assert faults == [
        "the parts of table SEA.CTD are not those of the manifest",
        "the columns of table SEA.RUNS are not those of the manifest",
        "it has a table SEA.MORE, the manifest has not",
    ]


def test_data_package_that_says_something_else(image: Image) -> None:
    path = image.folder / "datapackage.json"
    package = json.loads(path.read_text())
    package["resources"][0]["schema"]["fields"][0]["name"] = "ID"
    package["resources"].pop()
    path.write_text(json.dumps(package))
    faults = [fault.problem for fault in verify_offline(reseal(image)).faults if fault.path == "datapackage.json"]
    assert faults == [
        "the fields of table SEA.CTD are not the columns of the manifest",
        "table SEA.RUNS is not in it with its files",
        "it has 2 resources, the manifest 3 tables",
    ]
    for text in ("[]", "{", '{"resources": [{"path": []}]}', '{"resources": [{"path": 1}]}'):
        path.write_text(text)
        assert "datapackage.json" in wrong(verify_offline(reseal(image)))


def test_list_for_the_ingest(image: Image) -> None:
    path = image.folder / "manifest.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0].replace('"sha256": "', '"sha256": "0'), *lines[2:]]) + "\n")
    faults = [fault.problem for fault in verify_offline(image).faults]
    assert any(problem.startswith("it has another size or SHA-256 for") for problem in faults)
    assert any(problem.endswith("is not in it") for problem in faults)
    path.write_text("{}\n")
    assert wrong(verify_offline(image)) == {"manifest.jsonl": "line 1 is no entry of a file"}
    path.unlink()
    assert wrong(verify_offline(image)) == {"manifest.jsonl": "it is missing"}


def test_table_that_was_not_dumped_is_told(image: Image, tmp_path: Path) -> None:
    shutil.rmtree(image.folder / "sqlite")
    tables = [replace(t, parts=(), problem="denied") if t.name.name == "RUNS" else t for t in image.manifest.tables]
    write_manifest(image.folder, replace(image.manifest, tables=tuple(tables), sqlite=()))
    report = verify_offline(open_image(image.folder))
    assert "note: SEA.RUNS is not in the image: denied" in report.to_text()
