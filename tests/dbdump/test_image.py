"""Names on disk, and the manifest: what is written is what is read, and a change shows."""

import json
from pathlib import Path

import pytest

from dbdump.dump.options import Content
from dbdump.encoding import from_plain, to_plain
from dbdump.errors import ImageError
from dbdump.image import (
    MANIFEST,
    FileFacts,
    ImageTable,
    Manifest,
    Part,
    manifest_text,
    open_image,
    path_name,
    table_folder,
    write_manifest,
)
from dbdump.plan import Snapshot
from dbdump.schema import Column, Family, Key, KeyKind, ServerFacts, TableName, TableSchema
from dbdump.stored import Form, StoredColumn, TypeOptions

SUMS = ("0" * 64, "1" * 32, "2" * 8)


def manifest(*names: TableName, path: str = "parquet/A/B/part-00000.parquet") -> Manifest:
    column = Column("ID", "NUMBER(10)", Family.DECIMAL, 10, 0, comment="key «clé»")
    key = Key(KeyKind.PRIMARY, "PK", ("ID",))
    stored = StoredColumn("ID", "ID", Form.VALUE, "int64")
    parts = (Part(FileFacts(path, 5, *SUMS), 7, 0),)
    tables = tuple(ImageTable(TableSchema(name, (column,), keys=(key,)), (stored,), parts) for name in names)
    server = ServerFacts("oracle", "19.3", "oracledb 26.1 thin", "ANTARES", snapshots=("scn",))
    snapshot = Snapshot("scn", "12345", "2026-11-21T00:00:00Z")
    return Manifest("id", "tool", "a", "b", True, server, (snapshot,), "counts", {"format": "parquet"}, tables)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CTD", "CTD"),
        ("a.b_c-9", "a.b_c-9"),
        ("a/b", "a%2Fb"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("", "%"),
        ("100%", "100%25"),
        ("été", "%C3%A9t%C3%A9"),
        ('say "x"', "say%20%22x%22"),
        ("a\0b\n", "a%00b%0A"),
    ],
)
def test_names_on_disk(name: str, expected: str) -> None:
    assert path_name(name) == expected


def test_different_names_have_different_folders() -> None:
    names = ["a/b", "a%2Fb", ".", "%2E", "", "%", "a.b", "A.B", "天" * 128, "天" * 127 + "地"]
    assert all(len(path_name(name)) <= 200 for name in names)
    assert len({table_folder(TableName("S", name)) for name in names}) == len(names)


def test_the_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    wanted = manifest(TableName("A", "B"))
    write_manifest(tmp_path, wanted)
    found = open_image(tmp_path).manifest
    assert to_plain(found) == to_plain(wanted) | {"digest": found.digest}
    assert found.tables == wanted.tables
    assert found.server == wanted.server


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plain: plain["tables"][0]["parts"][0].update(rows=8), "changed after it was written"),
        (lambda plain: plain.update(digest="0" * 64), "changed after it was written"),
        (lambda plain: plain.pop("server"), "missing keys"),
        (lambda plain: plain.update(extra=1), "unknown keys"),
        (lambda plain: plain.update(tables={}), "a list is expected"),
        (lambda plain: plain["tables"][0]["parts"][0].update(rows="8"), "int is expected"),
    ],
)
def test_an_edited_manifest_is_refused(tmp_path: Path, change: object, message: str) -> None:
    write_manifest(tmp_path, manifest(TableName("A", "B")))
    plain = json.loads((tmp_path / MANIFEST).read_text())
    change(plain)  # type: ignore[operator]
    (tmp_path / MANIFEST).write_text(json.dumps(plain))
    with pytest.raises(ImageError, match=message):
        open_image(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"image_version": "\ud800"}'])
def test_what_is_no_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, errors="surrogatepass")
    with pytest.raises(ImageError, match="not a manifest"):
        open_image(tmp_path)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "parquet/../../x", "a\0b"])
def test_no_part_leads_out_of_the_image(tmp_path: Path, path: str) -> None:
    write_manifest(tmp_path, manifest(TableName("A", "B"), path=path))
    with pytest.raises(ImageError, match="leads out"):
        open_image(tmp_path)


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="give the folder"):
        open_image(tmp_path)
    (tmp_path / "plan.json").touch()
    with pytest.raises(ImageError, match="run the same dump command again"):
        open_image(tmp_path)


def test_tables_are_found_by_their_names(tmp_path: Path) -> None:
    names = [TableName("A", "CTD"), TableName("B", "CTD"), TableName("A", "Rates"), TableName("A", "rates")]
    write_manifest(tmp_path, manifest(*names))
    image = open_image(tmp_path)
    assert image.table("A.CTD").name == names[0]
    assert image.table("b.ctd").name == names[1]
    assert image.table("Rates").name == names[2]
    with pytest.raises(ImageError, match=r"more than one table is called 'CTD': A\.CTD, B\.CTD"):
        image.table("CTD")
    with pytest.raises(ImageError, match=r"did you mean 'A\.CTD'"):
        image.table("A.CTF")


def test_the_digest_is_of_the_whole_manifest() -> None:
    one, other = manifest(TableName("A", "B")), manifest(TableName("A", "C"))
    digests = {json.loads(manifest_text(each))["digest"] for each in (one, one, other)}
    assert len(digests) == 2


def test_choices_are_written_and_read() -> None:
    content = Content(("A",), ("A.*",), (), "both", 7, TypeOptions(True, frozenset({"T.C", "T.B"})))
    assert from_plain(Content, json.loads(json.dumps(to_plain(content)))) == content
