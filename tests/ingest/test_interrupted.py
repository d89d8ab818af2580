"""Runs that are killed, stopped, or lose their server; runs beside each other. The program, as a process."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rucio_server.fixtures import Faulty, RucioServer, in_process, new_scope, pointed_at
from rucio_server.proxy import Fault

from ingest.catalogue import Catalogue
from ingest.journal import Journal, Purpose
from ingest.patience import Patience

pytestmark = pytest.mark.server

INPLACE = "ANTARES_INPLACE"
FILES = 40
SOAK = os.environ.get("ANTARES_LEGACY_SOAK") == "1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of files, and sidecars."""
    found = tmp_path_factory.mktemp("interrupted") / "raw"
    found.mkdir()
    for number in range(FILES):
        (found / f"f{number:03d}").write_bytes(b"%d" % number * 5000)
        (found / f"f{number:03d}.json").write_text(
            json.dumps({"run": 7 + number // 20, "level": 0, "n_events": number})
        )
    return found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration with small chunks and little patience."""
    return small_chunks(tmp_path)


def small_chunks(place: Path) -> Path:
    path = place / "antares-legacy.yaml"
    path.write_text("ingest:\n  chunk: 10\n  sidecar: .json\n  patience: 30\n  jobs: 2\n")
    return path


Start = Callable[..., "subprocess.Popen[str]"]


def starter(program: Path, folder: Path, config: Path, state: Path) -> Iterator[Start]:
    """Yield a function that starts `ingest` in a process of its own."""
    processes: list[subprocess.Popen[str]] = []

    def begin(env: dict[str, str], scope: str, *options: object) -> subprocess.Popen[str]:
        command = [program, "ingest", folder, "--scope", scope, "--rse", INPLACE, "--config", config, *options]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RUCIO_")}
        process = subprocess.Popen(
            list(map(str, command)),
            env={**kept, "XDG_STATE_HOME": str(state), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def start(program: Path, folder: Path, config: Path, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts `ingest` in a process of its own."""
    yield from starter(program, folder, config, tmp_path / "state")


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


_CONTENT = """
import json, sys
from rucio.client import Client
client, scope = Client(), sys.argv[1]
names = sorted(client.list_dids(scope, [{"name": "*"}], did_type="all"))
dids = [{"scope": scope, "name": name} for name in names]
found = {}
for row in client.get_metadata_bulk(dids, plugin="ALL"):
    found[row["name"]] = {key: str(value) for key, value in row.items() if not key.endswith("_at") and key != "scope"}
for name in names:
    if found[name]["did_type"] != "FILE":
        del found[name]["events"]  # Rucio adds it up only when it closes a dataset, or by the way
        found[name]["content"] = sorted(row["name"] for row in client.list_content(scope, name))
files = [did for did in dids if found[did["name"]]["did_type"] == "FILE"]
for row in client.list_replicas(files) if files else ():
    found[row["name"]]["replicas"] = row["rses"]
print(json.dumps(found, sort_keys=True))
"""


def content(env: dict[str, str], scope: str) -> dict:
    """Return all of a scope: columns, metadata, contents, replicas."""
    return json.loads(in_process(_CONTENT, scope, env=env))


@pytest.fixture(scope="module")
def expected(program: Path, folder: Path, rucio_server: RucioServer, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Return the catalogue that an undisturbed run leaves."""
    place, scope = tmp_path_factory.mktemp("undisturbed"), new_scope(rucio_server.env)
    for start in starter(program, folder, small_chunks(place), place):
        code, _, err = ended(start(rucio_server.env, scope))
        assert code == 0, err
    found = content(rucio_server.env, scope)
    assert sum(entry["did_type"] == "FILE" for entry in found.values()) == FILES
    return found


def test_killed_at_any_moment_the_same_command_finishes_the_work(
    start: Callable,
    expected: dict,
    folder: Path,
    rucio_server: RucioServer,
    new_rucio_scope: Callable,
    tmp_path: Path,
) -> None:
    draw = random.Random(20261121)
    began = time.monotonic()
    scope = new_rucio_scope(rucio_server)
    assert ended(start(rucio_server.env, scope, "--journal", tmp_path / "timed.journal"))[0] == 0
    whole = time.monotonic() - began
    for number in range(20 if SOAK else 3):
        scope, journal = new_rucio_scope(rucio_server), tmp_path / f"{number}.journal"
        process = start(rucio_server.env, scope, "--journal", journal)
        time.sleep(draw.uniform(0.2, 1.0) * whole)
        process.kill()
        ended(process)
        hashed = hashed_files(folder, journal, rucio_server, scope)
        code, out, err = ended(start(rucio_server.env, scope, "--journal", journal, "--json"))
        assert code == 0, err
        assert content(rucio_server.env, scope) == expected
        lines = [json.loads(line) for line in out.splitlines()]
        assert len([line for line in lines if line["event"] == "file"]) == FILES
        assert hashed <= hashed_files(folder, journal, rucio_server, scope)


def hashed_files(folder: Path, journal: Path, server: RucioServer, scope: str) -> set[str]:
    """Return the files whose checksums the journal has."""
    if not journal.exists():
        return set()
    locations = [str(path) for path in folder.iterdir()]
    with Journal(journal, Purpose(server.url, scope, INPLACE)) as opened:
        return {location for location, record in opened.get(locations).items() if record.sums.by}


def test_sigterm_finishes_the_chunk(
    start: Callable, expected: dict, rucio_server: RucioServer, rucio_scope: str
) -> None:
    process = start(rucio_server.env, rucio_scope, "--json", "--jobs", 1)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["state"] == "done"
    process.send_signal(signal.SIGTERM)
    code, out, err = ended(process)
    report = json.loads(out.splitlines()[-1])
    assert code == 143, err
    assert "finishing what is under way" in err
    assert report["interrupted"]
    assert report["states"] == {"done": report["files"]}
    assert 0 < report["files"] < FILES
    assert report["files"] % 10 == 0
    code, _, err = ended(start(rucio_server.env, rucio_scope))
    assert (code, f"{FILES} of {FILES} files are in Rucio" in err) == (0, True), err
    assert content(rucio_server.env, rucio_scope) == expected


def test_two_runs_at_once_leave_one_catalogue(
    start: Callable, expected: dict, rucio_server: RucioServer, rucio_scope: str, tmp_path: Path
) -> None:
    both = [start(rucio_server.env, rucio_scope, "--journal", tmp_path / f"{name}.journal") for name in "ab"]
    for process in both:
        code, _, err = ended(process)
        assert code == 0, err
    assert content(rucio_server.env, rucio_scope) == expected


def test_two_runs_on_one_journal(start: Callable, rucio_server: RucioServer, rucio_scope: str) -> None:
    first = start(rucio_server.env, rucio_scope, "--json")
    assert first.stdout is not None
    first.stdout.readline()
    first.send_signal(signal.SIGSTOP)
    code, _, err = ended(start(rucio_server.env, rucio_scope))
    first.send_signal(signal.SIGCONT)
    assert code == 3
    assert f"in use by process {first.pid}" in err
    assert ended(first)[0] == 0


def test_a_server_that_is_restarted_in_mid_run(
    start: Callable, expected: dict, own_rucio_server: RucioServer, new_rucio_scope: Callable
) -> None:
    scope = new_rucio_scope(own_rucio_server)
    process = start(own_rucio_server.env, scope, "--json", "--jobs", 1)
    assert process.stdout is not None
    process.stdout.readline()
    own_rucio_server.stop()
    time.sleep(1.0)
    own_rucio_server.start()
    code, _, err = ended(process)
    assert code == 0, err
    assert "answers again" in err
    assert content(own_rucio_server.env, scope) == expected


def test_a_server_that_stays_away_ends_the_run_and_the_journal_goes_on(
    start: Callable, expected: dict, own_rucio_server: RucioServer, new_rucio_scope: Callable, config: Path
) -> None:
    config.write_text(config.read_text().replace("patience: 30", "patience: 1"))
    scope = new_rucio_scope(own_rucio_server)
    process = start(own_rucio_server.env, scope, "--json", "--jobs", 1)
    assert process.stdout is not None
    process.stdout.readline()
    own_rucio_server.stop()
    code, _, err = ended(process)
    assert code == 3, err
    assert "run the same command to go on" in err
    assert "Traceback" not in err
    own_rucio_server.start()
    code, _, err = ended(start(own_rucio_server.env, scope))
    assert code == 0, err
    assert content(own_rucio_server.env, scope) == expected


@pytest.mark.parametrize(
    "fault",
    [Fault.drop(), Fault.drop_after(), Fault.status(500), Fault.status(503), Fault.cut(30)],
    ids=["dropped", "answer lost", "500", "503", "cut"],
)
def test_faults_on_the_way_change_nothing(
    start: Callable, expected: dict, faulty: Faulty, rucio_server: RucioServer, rucio_scope: str, fault: Fault
) -> None:
    for skip in range(0, 60, 7):
        faulty.proxy.plan(fault, times=1, skip=skip)
    code, _, err = ended(start(faulty.env, rucio_scope))
    assert code == 0, err
    assert content(rucio_server.env, rucio_scope) == expected


def test_a_file_that_the_server_cannot_take_is_found_by_halves(
    start: Callable, faulty: Faulty, rucio_server: RucioServer, rucio_scope: str
) -> None:
    """The server's failure on one file is made by the proxy: no file that our checks let pass provokes one."""
    faulty.proxy.plan(Fault.status(500), times=1000, path="/replicas", method="POST", body=b'"f033"')
    code, out, err = ended(start(faulty.env, rucio_scope, "--json"))
    assert code == 1, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["name"] for line in lines if line.get("state") == "failed"] == ["f033"]
    assert lines[-1]["states"] == {"done": FILES - 1, "failed": 1}
    assert "f033" not in content(rucio_server.env, rucio_scope)


def test_an_account_that_may_not_write_stops_at_once(
    start: Callable, rucio_server: RucioServer, rucio_scope: str
) -> None:
    env = {**rucio_server.env, "RUCIO_CONFIG": str(rucio_server.config_of("alice"))}
    code, _, err = ended(start(env, rucio_scope))
    assert code == 3
    assert "AccessDenied" in err
    assert "account alice" in err


def test_a_conflict_that_arises_between_plan_and_execution(
    rucio_server: RucioServer, rucio_scope: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Another program registers other files under our names after we have asked; only reading back can see it."""
    from ingest.catalogue_types import NewReplica
    from ingest.datasets import Datasets
    from ingest.execute import Executor
    from ingest.item import Item, Sums
    from ingest.journal import State
    from ingest.knowledge import Inquirer
    from ingest.plan import Candidate, Known, plan_chunk

    with pointed_at(rucio_server.env, monkeypatch):
        catalogue = Catalogue(Patience(seconds=20), lambda text: None)
        datasets = Datasets(catalogue, rucio_scope, 100)
        inquirer = Inquirer(catalogue, rucio_scope, INPLACE, datasets)
        executor = Executor(catalogue, inquirer, datasets, rucio_scope, INPLACE, lambda item: ())
        candidates = [
            Candidate(Item(f"/data/{name}", name), Sums(5, "0000000a", "a" * 32, "", "ingest"), pfn, pfn)
            for name in ("ours", "theirs")
            for pfn in [f"file://localhost/data/{name}"]
        ]
        steps = plan_chunk(candidates, Known())
        other = NewReplica("theirs", 5, "0000000b", "b" * 32, "file://localhost/data/theirs")
        catalogue.add_replicas(INPLACE, rucio_scope, [other])
        outcomes = executor.execute(steps)
    assert [outcome.state for outcome in outcomes] == [State.DONE, State.CONFLICT]
    assert "adler32 0000000a here, 0000000b in Rucio" in outcomes[1].error
