"""From arguments to items."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest.inputs import read_inputs
from ingest.item import Item, Sums
from ingest.schemas import load_schema
from ingest.settings import Settings
from legacy import manifest
from legacy.errors import CorruptInputError, InputError, MetadataError, UsageError
from legacy.manifest import ManifestEntry

SETTINGS = Settings(scope="antares", rse="ANTARES_INPLACE")
ENTRY = ManifestEntry(
    path="sub/a.root",
    size=10,
    adler32="0" * 8,
    md5="1" * 32,
    sha256="2" * 64,
    n_events=3,
    run=51870,
    run_last=51871,
    level=3,
    kind="data",
    channel="",
    detector="antares",
    generator="",
    production_version="",
    start="2010-10-01T00:00:00.500Z",
    stop="2010-10-01T02:00:00Z",
    source="é.evt",
    source_sha256="3" * 64,
    provenance_id="x",
)


def read(
    *paths: Path | str, settings: Settings = SETTINGS, say: Callable[[str], object] | None = None, **options: Any
) -> list[Item]:
    def heard(text: str) -> None:
        # The names of these tests are none of ANTARES; what is said of that is tested in test_naming.py.
        if say is not None and "no pattern knows" not in text:
            say(text)

    return list(read_inputs([str(path) for path in paths], settings, heard, **options))


def files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def names(items: list[Item]) -> list[str]:
    assert [item.problem for item in items if item.problem] == []
    return [item.name for item in items]


def test_a_file_without_any_metadata(tmp_path: Path) -> None:
    path = files(tmp_path, "a.root") / "a.root"
    assert read(path) == [Item(str(path), "a.root", {"schema": "antares-1.0"}, origin=str(path))]


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files(tmp_path, "sub/a.root"))
    (item,) = read("sub/../sub/a.root")
    assert item.location == str(tmp_path / "sub" / "a.root")


def test_a_folder(tmp_path: Path) -> None:
    files(tmp_path, "b.root", "a/z.root", "a/y/x.root", "c/.hidden/no.root", "manifest.json.root")
    files(
        tmp_path,
        ".lock",
        "a.part",
        "x.lock",
        "p.l3.h5.prov.json",
        "manifest.jsonl",
        "report.2-of-3.json",
        "run.journal",
    )
    files(tmp_path, "manifest.1-of-2.jsonl", "report.json", "up.rucio.upload", "antares-legacy.yaml")
    (tmp_path / "to_folder").symlink_to(tmp_path / "a")
    (tmp_path / "to_file.root").symlink_to(tmp_path / "b.root")
    (tmp_path / "to_nothing").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "fifo")
    said: list[str] = []
    items = read(tmp_path, say=said.append, leave_out={str(tmp_path / "run.journal")})
    # A link to nothing and a special file are given out: `ingest` refuses them by name.
    irregular = ["fifo", "loop", "to_nothing"]
    assert [name for name in names(items) if name not in irregular] == [
        *("x.root", "z.root", "b.root", "manifest.json.root", "to_file.root")
    ]
    assert sorted(set(names(items)) & set(irregular)) == irregular
    assert {item.origin for item in items} == {str(tmp_path)}
    counts = {" ".join(text.split(", the first is ")[0].split()[3:]): int(text.split()[2]) for text in said}
    assert counts == {
        "hidden files": 1,
        "hidden folders": 1,
        "files under way": 3,
        "provenance files of products": 1,
        "manifests and reports": 5,
        "files of this run itself": 1,
        "links to folders": 1,
    }


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path, "bad/a.root", "c.root")
    listed = os.scandir

    def scan(folder: str) -> Any:
        if folder.endswith("bad"):
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    # Tests run as root, who may list everything.
    monkeypatch.setattr(os, "scandir", scan)
    first, second = read(tmp_path)
    assert "cannot be listed (Permission denied)" in first.problem
    assert second.name == "c.root"


def test_names_from_paths(tmp_path: Path) -> None:
    files(tmp_path, "v4.0/a.root", "v4.2/a.root")
    first, second = read(tmp_path)
    assert first.problem == ""
    assert str(tmp_path / "v4.0" / "a.root") in second.problem
    assert str(tmp_path / "v4.2" / "a.root") in second.problem
    assert names(read(tmp_path, settings=replace(SETTINGS, name="{path}"))) == ["v4.0.a.root", "v4.2.a.root"]
    slashes = replace(SETTINGS, name="{path}", allow_slash=True)
    assert names(read(tmp_path, settings=slashes)) == ["v4.0/a.root", "v4.2/a.root"]
    assert names(read(tmp_path / "v4.0", settings=replace(SETTINGS, name="{scope}.{stem}"))) == ["antares.a"]


def test_the_same_file_twice_is_one_file(tmp_path: Path) -> None:
    files(tmp_path, "a.root")
    said: list[str] = []
    assert names(read(tmp_path, tmp_path / "a.root", say=said.append)) == ["a.root"]
    assert said == [f"passed over: 1 files named twice, the first is {tmp_path / 'a.root'}"]


@pytest.mark.parametrize("name", ["a b.root", "a+b", "-rf", "été.root", "x" * 251, "a..b"])
def test_impossible_names(name: str, tmp_path: Path) -> None:
    (item,) = read(files(tmp_path, name))
    assert item.problem.startswith("name '")


def test_names_that_no_terminal_should_see(tmp_path: Path) -> None:
    (item,) = read(files(tmp_path, "a\x1b[2J.root"))
    assert "control characters" in item.problem
    assert item.problem.isprintable()
    (tmp_path / "a\x1b[2J.root").unlink()
    (tmp_path / os.fsdecode(b"\xff.root")).touch()
    (item,) = read(tmp_path)
    assert "no UTF-8" in item.problem
    assert item.problem.isprintable()


def test_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files(tmp_path, "a.root", "sub/b.root", "sub/c.root"))
    listed = tmp_path / "list.txt"
    listed.write_text("# comment\n\n  a.root \nsub\nroot://door.example//d.root\nmissing.root\nroot://bad\n")
    items = read(f"@{listed}")
    assert [item.name for item in items] == ["a.root", "b.root", "c.root", "d.root", "missing.root", "bad"]
    assert [bool(item.problem) for item in items] == [False] * 5 + [True]
    assert items[0].origin == str(listed)


def test_a_list_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\xff\n")
    with pytest.raises(InputError, match="the list cannot be read"):
        read(f"@{tmp_path}/list.txt")


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("missing.root", "no such file"),
        ("@missing.txt", "no such file"),
        ("@.", "neither file nor folder"),
        ("/dev/null", "neither file nor folder"),
        ("x" * 5000, "no such file"),
        ("https://door.example/a", "a protocol that is not read"),
        ("root://door.example//a/../b", "'..'"),
        ("root://door.example", "cannot be understood"),
    ],
)
def test_arguments_that_name_nothing(argument: str, says: str) -> None:
    # At once: not when the first item is asked for.
    with pytest.raises(UsageError) as raised:
        read_inputs([argument], SETTINGS)
    assert says in str(raised.value)


def test_no_argument() -> None:
    with pytest.raises(UsageError, match="no input"):
        read_inputs([], SETTINGS)


def test_urls() -> None:
    items = read("root://Door.example:1094//hpss/antares/a.root", "roots://door.example//b.root")
    assert names(items) == ["a.root", "b.root"]
    assert items[0].location == "root://door.example:1094//hpss/antares/a.root"


def test_a_folder_behind_a_door(monkeypatch: pytest.MonkeyPatch) -> None:
    door = "root://door.example//hpss/antares"

    class Door:
        def list(self, folder: str) -> list[str]:
            assert folder == door
            return [f"{door}/{name}" for name in ("a.root", "v4/b.root", "v4/.hidden", "b.l3.h5.prov.json")]

    # A real door is asked in the tests of the storage; here it only has to be asked the right question.
    monkeypatch.setattr("ingest.storage.opened.storage_of", lambda location: Door())
    said: list[str] = []
    assert names(read(f"{door}/", settings=replace(SETTINGS, name="{path}"), say=said.append)) == [
        "a.root",
        "v4.b.root",
    ]
    assert len(said) == 2


def written(folder: Path, *lines: dict[str, Any] | ManifestEntry) -> Path:
    path = folder / "manifest.jsonl"
    texts = [line.to_json() if isinstance(line, ManifestEntry) else json.dumps(line) for line in lines]
    path.write_text("".join(text + "\n" for text in texts))
    return path


def test_a_manifest(tmp_path: Path) -> None:
    path = written(tmp_path, replace(ENTRY, n_events=99), ENTRY)
    (item,) = read(path)
    assert item == Item(
        location=str(tmp_path / "sub" / "a.root"),
        name="a.root",
        metadata={
            "run": 51870,
            "run_last": 51871,
            "level": 3,
            "kind": "data",
            "n_events": 3,
            "detector": "antares",
            "start": "2010-10-01T00:00:00.500Z",
            "stop": "2010-10-01T02:00:00Z",
            "start_epoch": 1285891200.5,
            "stop_epoch": 1285898400.0,
            "year": 2010,
            "source": "é.evt",
            "source_sha256": "3" * 64,
            "provenance_id": "x",
            "schema": "antares-1.0",
        },
        stated=Sums(10, "0" * 8, "1" * 32, "2" * 64, "manifest"),
        stated_ns=path.stat().st_mtime_ns,
        origin=f"{path} line 2",
    )
    assert load_schema("antares-1.0").check(item.metadata) == []


def test_a_manifest_of_another_program(tmp_path: Path) -> None:
    lines = [{"path": f"{n}.root", "run": n, "owner": "me", "detector": None} for n in range(10)]
    said: list[str] = []
    items = read(written(tmp_path, *lines, {"path": "x.root", "adler32": "ABCDEF01", "colour\x1b": 1}), say=said.append)
    assert items[3].metadata == {"run": 3, "schema": "antares-1.0"}
    assert items[3].stated == Sums()
    assert items[3].stated_ns == 0
    assert items[-1].stated == Sums(adler32="abcdef01", by="manifest")
    (text,) = said
    assert "does not have them: colour\\x1b, owner (first in" in text
    assert "manifest.jsonl line 1)" in text


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("../outside.root", "has '..'"),
        ("a/../../outside.root", "has '..'"),
        ("/etc/passwd", "absolute path"),
        ("", "names no file"),
        (".", "names no file"),
        ("sub/", "names no file"),
        ("a\x00b", "control characters"),
        ("a\n", "control characters"),
        ("\ud800", "no UTF-8"),
        ("root://door.example//a/../b", "'..'"),
    ],
)
def test_a_manifest_that_leads_away(path: str, says: str, tmp_path: Path) -> None:
    first, second = read(written(tmp_path, {"path": path}, {"path": "good.root"}))
    assert says in first.problem
    assert first.problem.isprintable()
    assert second.problem == ""


def test_paths_of_a_manifest_are_cleaned(tmp_path: Path) -> None:
    (item,) = read(written(tmp_path, {"path": "./sub//a.root"}), settings=replace(SETTINGS, name="{path}"))
    assert item.location == str(tmp_path / "sub" / "a.root")
    assert item.name == "sub.a.root"


def test_a_manifest_may_name_files_behind_a_door(tmp_path: Path) -> None:
    (item,) = read(written(tmp_path, {"path": "root://Door.example//hpss/a.root", "run": 5}))
    assert (item.location, item.name, item.problem) == ("root://door.example//hpss/a.root", "a.root", "")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"run": "5"}, "run: expected a whole number, found '5' (text)"),
        ({"run": 5.0}, "run: expected a whole number, found '5.0'"),
        ({"level": 7}, "level: 7"),
        ({"start_epoch": float("nan")}, "no finite number"),
        ({"channel": "a\x00"}, "control characters"),
        ({"channel": {"a": 1}}, "channel: expected text"),
        ({"size": 0}, "the file is empty"),
        ({"size": -5}, "impossible"),
        ({"md5": "xyz"}, "md5 'xyz'"),
        ({"start": "2019-10-03T00:00:00Z", "stop": "2019-09-17T00:00:00Z"}, "start_epoch"),
        ({"generator": "x" * 2000}, "too long"),
    ],
)
def test_impossible_values_are_a_problem_of_their_file(values: dict[str, Any], says: str, tmp_path: Path) -> None:
    first, second = read(written(tmp_path, {"path": "a.root", **values}, {"path": "b.root"}))
    assert says in first.problem
    assert first.problem.isprintable()
    assert second.problem == ""


def test_a_broken_manifest(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"path": "a"}\nnonsense\n{"path": "b"}\n')
    with pytest.raises(CorruptInputError, match="line 2"):
        read(path)


def test_defaults_and_sidecars(tmp_path: Path) -> None:
    """A sidecar says more than a manifest, a manifest more than the settings."""
    folder = files(tmp_path, "a.root", "b.root")
    (folder / "a.root.json").write_text('{"level": 2, "channel": "mu", "md5": "%s"}' % ("1" * 32))
    path = written(folder, {"path": "a.root", "level": 1, "kind": "mc"}, {"path": "b.root", "size": 5})
    settings = replace(SETTINGS, sidecar=".json", metadata={"level": 0, "kind": "data", "license": "CC0-1.0"})
    first, second = read(path, settings=settings)
    assert first.metadata == {"level": 2, "kind": "mc", "license": "CC0-1.0", "channel": "mu", "schema": "antares-1.0"}
    assert first.stated == Sums(md5="1" * 32, by="sidecar")
    assert first.stated_ns == (folder / "a.root.json").stat().st_mtime_ns
    assert second.metadata == {"level": 0, "kind": "data", "license": "CC0-1.0", "schema": "antares-1.0"}
    assert second.stated == Sums(size=5)


def test_sums_stated_twice(tmp_path: Path) -> None:
    folder = files(tmp_path, "a.root")
    path = written(folder, {"path": "a.root", "size": 5, "adler32": "0" * 8})
    settings = replace(SETTINGS, sidecar=".json")
    (folder / "a.root.json").write_text('{"size": 5, "md5": "%s"}' % ("1" * 32))
    os.utime(folder / "a.root.json", ns=(5, 5))
    (item,) = read(path, settings=settings)
    assert item.stated == Sums(5, "0" * 8, "1" * 32, "", "manifest")
    assert item.stated_ns == 5
    (folder / "a.root.json").write_text('{"size": 6, "adler32": "00000001"}')
    (item,) = read(path, settings=settings)
    assert "size is stated as 5 and as 6" in item.problem
    assert "adler32 is stated as 00000000 and as 00000001" in item.problem


def test_sidecars_in_a_folder_are_no_data(tmp_path: Path) -> None:
    files(tmp_path, "a.root", "a.root.json", "orphan.json")
    (tmp_path / "a.root.json").write_text('{"run": 5}')
    said: list[str] = []
    items = read(tmp_path, settings=replace(SETTINGS, sidecar=".json"), say=said.append)
    assert names(items) == ["a.root", "orphan.json"]
    assert items[0].metadata["run"] == 5
    assert any("1 sidecars" in text for text in said)
    assert any("1 files have no sidecar" in text for text in said)


def test_a_csv_file(tmp_path: Path) -> None:
    files(tmp_path, "a.root", "b.root")
    (tmp_path / "files.csv").write_text("path,run,start\na.root,51870,2010-10-01T00:00:00Z\nb.root,five,\n")
    first, second = read(tmp_path, settings=replace(SETTINGS, sidecar=str(tmp_path / "files.csv")))
    assert first.metadata["year"] == 2010
    assert first.origin == str(tmp_path)
    assert "files.csv line 3: run: expected a whole number" in second.problem


def test_a_csv_file_with_an_unknown_column(tmp_path: Path) -> None:
    files(tmp_path, "a.root")
    (tmp_path / "files.csv").write_text("path,rnu\n")
    with pytest.raises(MetadataError, match="did you mean 'run'"):
        read(tmp_path, settings=replace(SETTINGS, sidecar=str(tmp_path / "files.csv")))


def test_names_of_datasets_are_looked_at_too(tmp_path: Path) -> None:
    settings = replace(SETTINGS, dataset="{channel}")
    (item,) = read(written(tmp_path, {"path": "a.root", "channel": "+x"}), settings=settings)
    assert "dataset or container: name '_x' has a part that begins with '_'" in item.problem


def test_a_schema_of_the_site(tmp_path: Path) -> None:
    schema = {"properties": {"trigger": {"type": "string"}, "year": {"type": "integer"}, "start": {"type": "string"}}}
    (tmp_path / "own-2.json").write_text(json.dumps({**schema, "required": ["year"]}))
    settings = replace(SETTINGS, schema=str(tmp_path / "own-2.json"), dataset="a.{year}", containers=())
    line = {"trigger": "3N", "start": "2010-10-01T00:00:00Z", "run": 5}
    first, second = read(written(tmp_path, {"path": "a.root", **line}, {"path": "b.root"}), settings=settings)
    assert first.metadata == {"trigger": "3N", "start": "2010-10-01T00:00:00Z", "year": 2010}
    assert first.problem == ""
    assert "year: this key is required" in second.problem


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory, sample: Callable[[str], Path], run_program: Any) -> Path:
    out = tmp_path_factory.mktemp("converted")
    sources = [sample("evt/example_numuCC.evt"), sample("seatray/antares.h5")]
    for kind in ("hdf5", "csv"):
        done = run_program("convert", *sources, "-o", out / kind, "--to", kind)
        assert done.code == 0, done.err
    return out


@pytest.mark.parametrize("kind", ["hdf5", "csv"])
def test_real_products(kind: str, converted: Path) -> None:
    """A folder of products gives what its manifest gives, and the program that made them."""
    folder = converted / kind
    by_manifest = {item.location: item for item in read(folder / "manifest.jsonl")}
    assert len(by_manifest) == 2
    said: list[str] = []
    for item in read(folder, say=said.append):
        same = by_manifest.pop(item.location)
        assert item.problem == same.problem == ""
        assert item.metadata["format"] == kind
        assert item.metadata == {
            **same.metadata,
            "software": "antares-legacy",
            "software_version": item.metadata["software_version"],
        }
        assert item.stated == Sums()
        assert same.stated.by == "manifest"
    assert not by_manifest
    assert len(said) == (3 if kind == "hdf5" else 4)


def test_a_damaged_product(converted: Path, tmp_path: Path) -> None:
    product = next((converted / "hdf5").glob("*.l3.h5"))
    (tmp_path / "a.l3.h5").write_bytes(product.read_bytes()[:500])
    shutil.copy(product, tmp_path / "b.l3.h5")
    first, second = read(tmp_path)
    assert "damaged HDF5 file" in first.problem
    assert second.problem == ""


MEASURE = """
import sys
from collections.abc import Callable
from pathlib import Path
from ingest.inputs import read_inputs
from ingest.settings import Settings
def peak():  # ru_maxrss would begin with that of the process that started this one
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
settings = Settings(scope="antares", sidecar=sys.argv[3])
list(read_inputs([sys.argv[1]], Settings(scope="antares")))
before = peak()
items = read_inputs([sys.argv[2]], settings)
count = sum(not item.problem and item.metadata["run"] == int(item.name[5:11]) for item in items)
assert count == 10_000, count
print(peak() - before)
"""


def test_many_files_need_little_memory(tmp_path: Path) -> None:
    """Nothing may keep the items: 10,000 of them would take 30 MB."""
    small, large = files(tmp_path, "small/x") / "small", files(tmp_path, "large/x") / "large"
    manifest.write(small / "m.jsonl", [ENTRY])
    manifest.write(large / "m.jsonl", (replace(ENTRY, path=f"file_{n:06d}", source=f"{n}") for n in range(10_000)))
    with (large / "files.csv").open("w") as stream:
        stream.write("path,run,run_last\n")
        stream.writelines(f"file_{n:06d},{n},{n}\n" for n in range(10_000))
    command = [sys.executable, "-c", MEASURE, *map(str, (small / "m.jsonl", large / "m.jsonl", large / "files.csv"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 9_000, "kB"
