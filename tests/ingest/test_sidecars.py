"""Sidecar files and the CSV file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.item import Sums
from ingest.schemas import load_schema
from ingest.settings import Settings
from ingest.sidecars import Sidecars, open_sidecars
from ingest.stated import Stated
from legacy.errors import InputError, MetadataError

SCHEMA = load_schema("antares-1.0")
SHA256 = "0123456789abcdef" * 4


def find_beside(path: Path, text: str | bytes, suffix: str = ".meta.json") -> Stated:
    path.write_bytes(b"x")
    raw = text if isinstance(text, bytes) else text.encode()
    path.with_name(path.name + suffix).write_bytes(raw)
    with open_sidecars(Settings(sidecar=suffix), SCHEMA) as sidecars:
        found = sidecars.find(str(path), path.name)
    assert found is not None
    return found


def test_json(tmp_path: Path) -> None:
    content = {"run": 51870, "start_epoch": 5, "channel": None, "detector": "", "size": 7, "adler32": "0000ABCD"}
    found = find_beside(tmp_path / "a.root", json.dumps({**content, "md5": "a" * 32, "sha256": SHA256}))
    assert found.values == {"run": 51870, "start_epoch": 5.0}
    assert found.sums == Sums(7, "0000abcd", "a" * 32, SHA256, "sidecar")
    assert found.sums_ns == (tmp_path / "a.root.meta.json").stat().st_mtime_ns
    assert found.problems == ()


def test_yaml(tmp_path: Path) -> None:
    text = "run: 51870\nembargo: 2030-01-31\nstart: 2010-10-01T00:00:00Z\nstop: 2010-10-01 02:00:00.5\nkind: data\n"
    found = find_beside(tmp_path / "a.root", text, ".yaml")
    assert found.problems == ()
    assert found.values["embargo"] == "2030-01-31"
    assert found.values["start"] == "2010-10-01T00:00:00Z"
    assert str(found.values["stop"]).startswith("2010-10-01T02:00:00.5")
    assert SCHEMA.check(found.values) == []
    assert found.sums == Sums()
    assert found.sums_ns == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 50_000, "not JSON"),
        ("[]", "no keys with values"),
        ('{"rnu": 5}', "unknown key 'rnu'; did you mean 'run'?"),
        ('{"sha": "x"}', "unknown key 'sha'"),
        ('{"\\u001b[2J": "x"}', "unknown key '\\x1b[2J'"),
        ('{"run": [5]}', "run: expected text, a number"),
        ('{"size": "7"}', "size: expected a whole number"),
        ('{"size": true}', "size: expected a whole number"),
        ('{"size": 0}', "size: the file is empty"),
        ('{"size": -5}', "size: a size of -5"),
        ('{"adler32": "abc"}', "adler32 'abc' is not 8"),
        ('{"md5": 5}', "md5 '5' is not 32"),
        (b'{"channel": "\xff"}', "not JSON"),
        ("x" * 70_000, "larger than 64 kB"),
    ],
)
def test_broken_json(text: str | bytes, says: str, tmp_path: Path) -> None:
    problems = find_beside(tmp_path / "a.root", text).problems
    assert any(says in problem for problem in problems), problems
    assert all("a.root.meta.json" in problem and problem.isprintable() for problem in problems)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run: 5\nrun: 6\n", "given twice"),
        ("!!python/object/apply:os.system [ls]", "not YAML"),
        ("5: a\n", "no keys with values"),
        ("text", "no keys with values"),
        ("embargo: 2030-02-31", "a value that cannot be"),
    ],
)
def test_broken_yaml(text: str, says: str, tmp_path: Path) -> None:
    (problem,) = find_beside(tmp_path / "a.root", text, ".yml").problems
    assert says in problem


def test_a_sidecar_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Tests run as root, who may read everything.
    monkeypatch.setattr("ingest.sidecars._content", refuse)
    assert "Permission denied" in find_beside(tmp_path / "a.root", "{}").problems[0]


def test_files_without_a_sidecar_are_counted(tmp_path: Path) -> None:
    with open_sidecars(Settings(sidecar=".json"), SCHEMA) as sidecars:
        assert sidecars.remarks() == []
        assert sidecars.find(str(tmp_path / "a"), "a") is None
        assert sidecars.find("root://door.example//a", "a") is None
        assert sidecars.remarks()[0].startswith("2 files have no sidecar *.json")
    with open_sidecars(Settings(), SCHEMA) as sidecars:
        assert sidecars.find(str(tmp_path / "a"), "a") is None
        assert sidecars.remarks() == []


def table(folder: Path, text: str | bytes) -> Settings:
    path = folder / "files.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Settings(sidecar=str(path))


def look(sidecars: Sidecars, path: Path | str) -> Stated | None:
    return sidecars.find(str(path), Path(path).name)


def test_csv_by_path(tmp_path: Path) -> None:
    text = (
        f"path,run,kind,start_epoch,channel,size,adler32\r\n"
        f'a.root, 051870 ,data,1.5,,7,0000ABCD\n\n./sub//b.root,,mc,,"numu, CC",,\n'
        f"{tmp_path}/c.root,1,,,,,\nroot://door.example//d.root,4,,,,,\nunused.root,,,,,,\n"
    )
    settings = table(tmp_path, text)
    with open_sidecars(settings, SCHEMA) as sidecars:
        first = look(sidecars, tmp_path / "a.root")
        assert first is not None
        assert first.values == {"run": 51870, "kind": "data", "start_epoch": 1.5}
        assert first.sums == Sums(7, "0000abcd", by="sidecar")
        assert first.sums_ns == (tmp_path / "files.csv").stat().st_mtime_ns
        second = look(sidecars, tmp_path / "sub" / "b.root")
        assert second is not None
        assert second.values == {"kind": "mc", "channel": "numu, CC"}
        assert look(sidecars, tmp_path / "c.root") == Stated({"run": 1})
        assert look(sidecars, "root://door.example//d.root") == Stated({"run": 4})
        assert look(sidecars, tmp_path / "other" / "a.root") is None
        assert sidecars.remarks() == ["files.csv: 1 rows are about no file of this run, the first is line 7"]


def test_csv_by_name(tmp_path: Path) -> None:
    with open_sidecars(table(tmp_path, "\ufeffname,level\na.root,0\n"), SCHEMA) as sidecars:
        assert look(sidecars, "/anywhere/a.root") == Stated({"level": 0})
        assert look(sidecars, "root://door.example//x/a.root") == Stated({"level": 0})
        assert sidecars.remarks() == []


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a.root,five,,", "files.csv line 3: run: expected a whole number, found 'five'"),
        ("a.root,1.0,,", "run: expected a whole number"),
        ("a.root,,big,", "size: expected a whole number of bytes, found 'big'"),
        ("a.root,,0,", "size: the file is empty"),
        ("a.root,,,xyz", "md5 'xyz' is not 32"),
        ("a.root,1,,\na.root,2,,", "files.csv line 3 and line 4 are both about it"),
    ],
)
def test_a_bad_row_is_a_problem_of_its_file(row: str, says: str, tmp_path: Path) -> None:
    with open_sidecars(table(tmp_path, f"name,run,size,md5\nb.root,1,,\n{row}\n"), SCHEMA) as sidecars:
        found = look(sidecars, tmp_path / "a.root")
        assert found is not None
        assert says in found.problems[0]
        assert look(sidecars, tmp_path / "b.root") == Stated({"run": 1})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column 'path' or 'name'"),
        ("run,level\n", "no column 'path' or 'name'"),
        ("path,rnu\n", "unknown column 'rnu'; did you mean 'run'?"),
        ("path;run\n", "save it with commas"),
        ("path,run,run\n", "a column is there twice"),
        ("path,run\na.root\n", "line 2 has 1 cells, the first line 2"),
        ("path,run\na,1,2\n", "line 2 has 3 cells"),
        ("path,run\n,1\n", "line 2 does not say which file"),
        ('path,run\n"a.root,1\n', "no CSV in UTF-8"),
        (b"path,channel\na,\xff\n", "no CSV in UTF-8"),
        ("path,channel\na," + "x" * 70_000, "line 2 is longer than 64 kB"),
    ],
)
def test_a_file_that_is_no_such_table(text: str | bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(MetadataError) as raised, open_sidecars(table(tmp_path, text), SCHEMA):
        pass
    assert says in str(raised.value)
    assert "files.csv" in str(raised.value)


def test_a_table_that_is_gone(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="cannot be read"),
        open_sidecars(Settings(sidecar=str(tmp_path / "none.csv")), SCHEMA),
    ):
        pass


MEASURE = """
import sys
from pathlib import Path
from ingest.schemas import load_schema
from ingest.settings import Settings
from ingest.sidecars import open_sidecars
schema = load_schema("antares-1.0")
def peak():  # ru_maxrss would begin with that of the process that started this one
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
before = peak()
with open_sidecars(Settings(sidecar=sys.argv[1]), schema) as sidecars:
    for n in range(0, 40_000, 10):
        found = sidecars.find(f"/x/file_{n:06d}.root", f"file_{n:06d}.root")
        assert found.values["run"] == n, found
    assert "36000 rows" in sidecars.remarks()[0]
print(peak() - before)
"""


def test_many_rows_need_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "files.csv"
    with path.open("w") as stream:
        stream.write("name,run,channel,md5\n")
        stream.writelines(f"file_{n:06d}.root,{n},numu_CC,{n:032x}\n" for n in range(40_000))
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 8_000  # kB; the rows in memory would take 30 MB
