"""`antares-legacy ingest` from end to end: the program, a real server, real files."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from rucio_server.fixtures import RucioServer

from ingest.catalogue import Catalogue
from ingest.catalogue_types import NewReplica
from ingest.execute import Outcome
from ingest.patience import Patience
from ingest.plan import Step

pytestmark = pytest.mark.server

DISK, INPLACE = "ANTARES_DISK", "ANTARES_INPLACE"


@pytest.fixture
def catalogue(rucio_environment: RucioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    found = Catalogue(Patience(seconds=20), lambda text: None)
    found.connect()
    return found


@pytest.fixture
def ingest(cli: Callable, catalogue: Catalogue, rucio_scope: str) -> Callable:
    """Return a function that runs `ingest` into the test's scope; `--rse` is ANTARES_INPLACE unless given."""

    def run(*arguments: object, rse: str = INPLACE):
        return cli("ingest", *arguments, "--scope", rucio_scope, "--rse", rse)

    return run


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with three files of 2010 and one of 2011, and their sidecars."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for number in range(4):
        path = folder / f"run{number}.root"
        path.write_bytes(b"%d" % number * (10 + number))
        metadata = {
            "run": 50000 + (number == 3),
            "level": 0,
            "kind": "data",
            "n_events": number,
            "start": f"{2011 if number == 3 else 2010}-01-02T03:04:05Z",
        }
        path.with_suffix(".root.json").write_text(json.dumps(metadata))
    return folder


def shown(text: str) -> dict:
    return json.loads(text)


def actions(plan: dict) -> dict[str, str]:
    return {step["name"]: step["action"] for step in plan["steps"]}


def test_from_nothing_to_everything(ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path) -> None:
    done = ingest(files, "--sidecar", ".json")
    assert done.code == 0, done.err
    assert "4 registered" in done.err
    assert "account ingest, authentication userpass" in done.err

    known = catalogue.files(rucio_scope, [f"run{number}.root" for number in range(4)])
    assert (known["run2.root"].size, known["run2.root"].run_number, known["run2.root"].events) == (12, 50000, 2)
    metadata = catalogue.metadata(rucio_scope, ["run2.root"])["run2.root"]
    assert (metadata["run"], metadata["level"], metadata["kind"], metadata["year"]) == (50000, 0, "data", 2010)
    assert metadata["start_epoch"] == 1262401445
    assert len(metadata["sha256"]) == 64
    assert metadata["size"] == 12
    (replica,) = catalogue.replicas(rucio_scope, ["run2.root"])["run2.root"]
    assert (replica.rse, replica.pfn) == (INPLACE, f"file://localhost{files}/run2.root")

    first, second = "antares.data.level0.2010.run050000", "antares.data.level0.2011.run050001"
    assert catalogue.files_of(rucio_scope, [first, second]) == {
        first: {"run0.root", "run1.root", "run2.root"},
        second: {"run3.root"},
    }
    assert catalogue.contents(rucio_scope, "antares.data.level0.2010").keys() == {first}
    assert catalogue.contents(rucio_scope, "antares.data").keys() == {
        "antares.data.level0.2010",
        "antares.data.level0.2011",
    }


def test_a_dry_run_changes_nothing_and_says_what_would_be_done(
    ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path, tmp_path: Path
) -> None:
    done = ingest(files, "--sidecar", ".json", "--dry-run", "--json")
    assert done.code == 0
    plan = shown(done.out)
    assert actions(plan) == {f"run{number}.root": "register" for number in range(4)}
    assert plan["counts"] == {"register": 4}
    assert plan["steps"][0]["dataset"] == "antares.data.level0.2010.run050000"
    assert catalogue.search(rucio_scope, [{"name": "*"}], "all") == []
    assert not (tmp_path / "state").exists()
    table = ingest(files, "--sidecar", ".json", "--dry-run")
    assert table.out.splitlines()[0].startswith("ACTION")
    assert len(table.out.splitlines()) == 5
    assert "nothing was changed" in table.err


def test_a_second_run_has_nothing_to_do(ingest: Callable, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ingest(files, "--sidecar", ".json").code == 0
    for path in files.glob("*.root"):
        path.chmod(0)  # as root they could still be read: the journal must make that needless
    from ingest import survey

    def never(locations: list[str], *rest: object, **options: object) -> list[object]:
        assert not locations, "files are read again"
        return []

    monkeypatch.setattr(survey, "hash_all", never)
    done = ingest(files, "--sidecar", ".json")
    assert done.code == 0, done.err
    assert "4 known already" in done.err


def test_only_what_is_missing_is_done(
    ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path, tmp_path: Path
) -> None:
    assert ingest(files, "--sidecar", ".json").code == 0
    sidecar = files / "run1.root.json"
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "channel": "numu CC"}))
    (files / "new.root").write_bytes(b"new")
    from rucio.client import Client

    client = Client()
    client.detach_dids(rucio_scope, "antares.data.level0.2011.run050001", [{"scope": rucio_scope, "name": "run3.root"}])
    plan = shown(ingest(files, "--sidecar", ".json", "--dry-run", "--json").out)
    assert actions(plan) == {
        "run0.root": "skip",
        "run1.root": "metadata",
        "run2.root": "skip",
        "run3.root": "attach",
        "new.root": "register",
    }
    assert ingest(files, "--sidecar", ".json").code == 0
    assert catalogue.metadata(rucio_scope, ["run1.root"])["run1.root"]["channel"] == "numu CC"
    plan = shown(ingest(files, "--sidecar", ".json", "--dry-run", "--json").out)
    assert plan["counts"] == {"skip": 5}


def test_without_its_journal_a_second_run_asks_rucio_for_all(ingest: Callable, files: Path, tmp_path: Path) -> None:
    assert ingest(files, "--sidecar", ".json").code == 0
    done = ingest(files, "--sidecar", ".json", "--journal", tmp_path / "other.journal")
    assert "4 known already" in done.err


def test_another_file_under_a_known_name_is_a_conflict(
    ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path
) -> None:
    catalogue.add_replicas(
        INPLACE, rucio_scope, [NewReplica("run1.root", 11, "00000001", "0" * 32, "file://localhost/x")]
    )
    done = ingest(files, "--sidecar", ".json")
    assert done.code == 1
    assert "conflict: run1.root" in done.err
    assert "adler32" in done.err
    assert catalogue.files(rucio_scope, ["run1.root"])["run1.root"].adler32 == "00000001"
    assert catalogue.files(rucio_scope, ["run0.root", "run2.root"]).keys() == {"run0.root", "run2.root"}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "empty.root").write_bytes(b""), "empty"),
        (lambda folder: os.mkfifo(folder / "pipe.root"), "named pipe"),
        (lambda folder: (folder / "a b.root").write_bytes(b"x"), "has the character ' '"),
        (lambda folder: (folder / "run1.root.json").write_text('{"run": "abc"}'), "run"),
        (lambda folder: (folder / "run1.root.json").write_text('{"n_events": NaN}'), "n_events"),
        (lambda folder: (folder / "run1.root.json").write_text('{"size": 10}'), "size"),
        (lambda folder: (folder / "run1.root.json").write_text('{"md5": "%s"}' % ("0" * 32)), "md5"),
        (lambda folder: (folder / "gone.root").symlink_to("nowhere"), "gone.root"),
        (lambda folder: (folder / os.fsdecode(b"bad\xff.root")).write_bytes(b"x"), "UTF-8"),
    ],
    ids=["empty", "pipe", "name", "type", "NaN", "size changed", "md5 changed", "missing", "not UTF-8"],
)
def test_one_bad_file_never_stops_the_others(
    ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path, spoil: Callable, words: str
) -> None:
    spoil(files)
    done = ingest(files, "--sidecar", ".json")
    assert done.code == 1, done.err
    (line,) = [line for line in done.err.splitlines() if line.startswith("refused: ")]
    assert words in line
    assert catalogue.files(rucio_scope, ["run0.root"]).keys() == {"run0.root"}
    assert len(catalogue.search(rucio_scope, [{"name": "*"}], "file")) in (3, 4)


def test_a_file_that_changes_between_reading_and_registering(
    ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.execute import Executor

    execute = Executor.execute

    def later(self: Executor, steps: Sequence[Step]) -> list[Outcome]:
        (files / "run1.root").write_bytes(b"changed in the meantime")
        return execute(self, steps)

    monkeypatch.setattr(Executor, "execute", later)
    done = ingest(files, "--sidecar", ".json")
    assert done.code == 1
    assert "failed: run1.root: the file has changed since it was read" in done.err
    assert catalogue.files(rucio_scope, ["run0.root", "run1.root"]).keys() == {"run0.root"}


def test_a_container_that_cannot_be_one_fails_its_files_only(
    ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path
) -> None:
    catalogue.add_collections(rucio_scope, ["antares.data.level0.2011"], "dataset")
    done = ingest(files, "--sidecar", ".json", "--json")
    assert done.code == 1
    states = {line["name"]: line["state"] for line in map(json.loads, done.out.splitlines()) if line["event"] == "file"}
    assert states == {"run0.root": "done", "run1.root": "done", "run2.root": "done", "run3.root": "failed"}


def test_a_line_and_the_file_itself_are_one_file(ingest: Callable, files: Path) -> None:
    manifest = files / "manifest.jsonl"
    manifest.write_text(json.dumps({"path": "run0.root", "run": "abc"}) + "\n")
    done = ingest(manifest, files / "run0.root")
    assert done.code == 1
    assert "refused: run0.root" in done.err


@pytest.mark.parametrize("option", ["--report", "--prometheus"])
def test_data_are_never_written_over(ingest: Callable, files: Path, option: str) -> None:
    done = ingest(files / "run0.root", option, files / "run1.root")
    assert (done.code, "no report of an earlier run" in done.err) == (2, True)
    assert (files / "run1.root").read_bytes() == b"1" * 11
    for _ in range(2):
        assert ingest(files / "run0.root", option, files.parent / "again").code == 0


def test_two_files_of_one_name(ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path) -> None:
    (files / "sub").mkdir()
    (files / "sub" / "run1.root").write_bytes(b"another")
    done = ingest(files, "--sidecar", ".json")
    assert done.code == 1
    assert "choose a template" in done.err
    assert len(catalogue.search(rucio_scope, [{"name": "run1.root"}], "file")) == 1


def test_a_bad_file_that_only_the_server_refuses_is_found(
    ingest: Callable, catalogue: Catalogue, rucio_scope: str, tmp_path: Path
) -> None:
    """A path that is too long for the server is one way to be refused with the whole chunk."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        (folder / f"f{number:03d}").write_bytes(b"%d" % number)
    catalogue.add_collections(rucio_scope, ["f007"], "dataset")
    done = ingest(folder)
    assert done.code == 1
    assert "belongs to a dataset" in done.err
    assert len(catalogue.search(rucio_scope, [{"name": "f0*"}], "file")) == 39


def test_copy(ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path) -> None:
    done = ingest(files, "--sidecar", ".json", "--mode", "copy", rse=DISK)
    assert done.code == 0, done.err
    (replica,) = catalogue.replicas(rucio_scope, ["run2.root"])["run2.root"]
    target = Path(replica.pfn.removeprefix("file://localhost"))
    assert target.read_bytes() == (files / "run2.root").read_bytes()
    assert len(catalogue.metadata(rucio_scope, ["run2.root"])["run2.root"]["sha256"]) == 64
    assert [path.name for path in target.parent.iterdir()] == ["run2.root"]
    assert "4 known already" in ingest(files, "--sidecar", ".json", "--mode", "copy", rse=DISK).err


def test_a_copy_of_another_file_in_the_way(
    ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path
) -> None:
    pfn = catalogue.paths(DISK, rucio_scope, ["run2.root"])["run2.root"]
    target = Path(pfn.removeprefix("file://localhost"))
    target.parent.mkdir(parents=True)
    target.write_bytes(b"something else")
    done = ingest(files, "--sidecar", ".json", "--mode", "copy", rse=DISK)
    assert done.code == 1
    assert "failed: run2.root" in done.err
    assert target.read_bytes() == b"something else"
    assert catalogue.files(rucio_scope, ["run2.root"]) == {}


def test_files_that_lie_where_the_rse_wants_them_are_registered(
    ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path
) -> None:
    done = ingest(files / "run0.root", rse=DISK)
    assert done.code == 1
    assert "--mode copy" in done.err
    pfn = catalogue.paths(DISK, rucio_scope, ["run0.root"])["run0.root"]
    target = Path(pfn.removeprefix("file://localhost"))
    target.parent.mkdir(parents=True)
    target.write_bytes(b"here")
    assert ingest(target, rse=DISK).code == 0
    assert catalogue.replicas(rucio_scope, ["run0.root"])["run0.root"][0].pfn == pfn


def test_a_further_replica_at_another_rse(
    ingest: Callable, catalogue: Catalogue, rucio_scope: str, files: Path
) -> None:
    assert ingest(files, "--sidecar", ".json").code == 0
    plan = shown(ingest(files, "--sidecar", ".json", "--mode", "copy", "--dry-run", "--json", rse=DISK).out)
    assert {step["reason"] for step in plan["steps"]} == {"Rucio knows the file; this is a further replica"}
    assert ingest(files, "--sidecar", ".json", "--mode", "copy", rse=DISK).code == 0
    replicas = catalogue.replicas(rucio_scope, ["run1.root"])["run1.root"]
    assert [replica.rse for replica in replicas] == [DISK, INPLACE]


def test_a_moved_file_is_a_conflict(ingest: Callable, files: Path, tmp_path: Path) -> None:
    assert ingest(files, "--sidecar", ".json").code == 0
    moved = tmp_path / "moved"
    files.rename(moved)
    done = ingest(moved, "--sidecar", ".json")
    assert done.code == 1
    assert "keeps one path for each file" in done.err


def test_large_datasets_have_parts(cli: Callable, catalogue: Catalogue, rucio_scope: str, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(25):
        (folder / f"f{number:03d}").write_bytes(b"%d" % number)
    config = tmp_path / "c.yaml"
    config.write_text(
        f"ingest:\n  scope: {rucio_scope}\n  rse: {INPLACE}\n  dataset_files: 10\n  chunk: 7\n  dataset: all\n"
        f"  containers: [box]\n  rules: [{INPLACE}]\n"
    )
    assert cli("ingest", folder, "--config", config).code == 0
    held = catalogue.files_of(rucio_scope, ["all", "all.0002", "all.0003"])
    assert [len(held[name]) for name in ("all", "all.0002", "all.0003")] == [10, 10, 5]
    assert catalogue.contents(rucio_scope, "box").keys() == held.keys()
    assert [rule.rse_expression for rule in catalogue.rules(rucio_scope, "all.0003")] == [INPLACE]
    done = cli("ingest", folder, "--config", config)
    assert "25 known already" in done.err


def test_a_plan_of_ten_thousand_files(ingest: Callable, catalogue: Catalogue, rucio_scope: str, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    lines = []
    for number in range(10_000):
        (folder / f"f{number:05d}").write_bytes(b"x")
        sums = {"size": 1, "adler32": "00790079", "md5": "9dd4e461268c8034f5c8564e155c67a6", "sha256": "2" * 64}
        lines.append(json.dumps({"path": f"f{number:05d}", "run": number // 4000, "level": 2, "kind": "data", **sums}))
    manifest = folder / "manifest.jsonl"
    manifest.write_text("\n".join(lines) + "\n")
    known = [NewReplica(f"f{number:05d}", 1, "00790079", "9dd4e461268c8034f5c8564e155c67a6") for number in range(400)]
    catalogue.add_replicas(DISK, rucio_scope, known)
    catalogue.add_replicas(DISK, rucio_scope, [NewReplica("f00777", 2, "00000001", "0" * 32)])
    plan = shown(ingest(manifest, "--dry-run", "--json").out)
    assert plan["counts"] == {"register": 9999, "conflict": 1}
    assert [step["name"] for step in plan["steps"]] == [f"f{number:05d}" for number in range(10_000)]
    assert [step["reason"] for step in plan["steps"][398:402]] == [
        "Rucio knows the file; this is a further replica",
        "Rucio knows the file; this is a further replica",
        None,
        None,
    ]
    assert {step["hashed_by"] for step in plan["steps"]} == {"manifest"}
    datasets = [step["dataset"] for step in plan["steps"] if step["dataset"]]
    assert {name: datasets.count(name) for name in datasets} == {
        "antares.data.level2.unknown.run000000": 3999,
        "antares.data.level2.unknown.run000001": 4000,
        "antares.data.level2.unknown.run000002": 2000,
    }


def test_json_lines_and_the_report(ingest: Callable, files: Path, tmp_path: Path) -> None:
    (files / "empty.root").write_bytes(b"")
    report, prometheus = tmp_path / "report.json", tmp_path / "prom" / "antares.prom"
    prometheus.parent.mkdir()
    done = ingest(files, "--sidecar", ".json", "--json", "--report", report, "--prometheus", prometheus)
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["event"] for line in lines] == ["file"] * 5 + ["report"]
    assert {line["name"]: line["state"] for line in lines[:5]}["empty.root"] == "refused"
    written = json.loads(report.read_text())
    assert written["states"] == {"done": 4, "refused": 1}
    assert (written["files"], written["bytes"], written["hashed_by"]) == (5, 46, {"ingest": 4})
    assert [failure["name"] for failure in written["failures"]] == ["empty.root"]
    text = prometheus.read_text()
    assert 'state="done"} 4' in text
    assert 'state="refused"} 1' in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--scope", "nowhere"), 2, "no scope nowhere"),
        (("--rse", "ANTARES_DISC"), 2, "did you mean 'ANTARES_DISK'"),
        (("--mode", "copy"), 2, "non-deterministic"),
        (("--rule", "NOWHERE"), 2, "fits no RSE"),
        (("--dataset", "a.{nothing}"), 2, "unknown field 'nothing'"),
        (("--config", "nowhere.yaml"), 2, "nowhere.yaml"),
    ],
)
def test_wrong_use(
    cli: Callable,
    catalogue: Catalogue,
    rucio_scope: str,
    files: Path,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    done = cli("ingest", files, "--scope", rucio_scope, "--rse", INPLACE, *arguments)
    assert (done.code, words in done.err) == (code, True), done.err


def test_a_real_product_and_its_manifest(
    cli: Callable,
    ingest: Callable,
    catalogue: Catalogue,
    rucio_scope: str,
    sample: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    assert cli("convert", sample("seatray/antares.h5"), sample("evt/corant_5.1.9.evt"), "-o", out).code == 0
    done = ingest(out / "manifest.jsonl", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out.splitlines()[-1])
    assert report["hashed_by"] == {"manifest": 2}
    metadata = catalogue.metadata(rucio_scope, ["antares.l3.h5"])["antares.l3.h5"]
    assert (metadata["level"], metadata["format"]) == (3, "l3.h5") or metadata["level"] == 3
    assert metadata["provenance_id"]
    (out / "antares.l3.h5").write_bytes(b"changed")
    done = ingest(out / "manifest.jsonl")
    assert done.code == 1
    assert "not the one its manifest describes" in done.err
