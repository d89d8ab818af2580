"""Many inputs: the same result however the work is done, and nothing lost when it is interrupted."""

import functools
import json
import os
import pty
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from converters.batch import remove_parts
from converters.inputs import make_plan, size_of
from legacy.lock import LOCK_NAME, folder_lock

Cli = Callable[..., Any]
MakeEvt = Callable[..., Path]

SOAK = os.environ.get("ANTARES_LEGACY_SOAK") == "1"
KILLS = 100 if SOAK else 4  # with one process and two, at once and while products are written


@pytest.fixture(scope="module")
def inputs(make_evt: MakeEvt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with 20 different small files in three subfolders."""
    folder = tmp_path_factory.mktemp("inputs")
    for n in range(20):
        make_evt(folder / f"run{n % 3}" / f"file{n:02d}.evt", events=2 + n, first=1 + 100 * n)
    return folder


@pytest.fixture(scope="module")
def few(make_evt: MakeEvt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with 7 different small files in two subfolders."""
    folder = tmp_path_factory.mktemp("few")
    for n in range(7):
        make_evt(folder / f"run{n % 2}" / f"file{n}.evt", events=2 + n, first=1 + 100 * n)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return all products of a folder and their companions, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.l3.*"))
        if path.is_file()
    }


def manifest_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def check_complete(out: Path, files: int = 20) -> None:
    """Check that everything is there, whole, on record once, and nothing else."""
    assert list(out.rglob("*.part")) == []
    lines = manifest_lines(out / "manifest.jsonl")
    paths = [line["path"] for line in lines]
    assert paths == sorted(set(paths))
    assert set(paths) == {p.relative_to(out).as_posix() for p in out.rglob("*.l3.h5")}
    assert len(paths) == files
    for line in lines:
        product = out / line["path"]
        assert product.stat().st_size == line["size"]
        assert product.with_name(product.name + ".prov.json").exists()
        with h5py.File(product) as file:
            assert len(file["events"]) == line["n_events"]
            assert len(file["parameters"]) > 0


@pytest.fixture
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def test_processes_and_shards_give_the_same_bytes(few: Path, cli: Cli, tmp_path: Path, fixed_time: None) -> None:
    one, two, parts = tmp_path / "one", tmp_path / "elsewhere" / "two", tmp_path / "parts"
    assert cli("convert", few, "-o", one).code == 0
    assert cli("convert", few, "-o", two, "--jobs", 2).code == 0
    for number in (1, 2, 3):
        assert cli("convert", few, "-o", parts, "--shard", f"{number}/3").code == 0
    reference = contents(one)
    assert len(reference) == 14
    assert contents(two) == reference
    assert contents(parts) == reference
    check_complete(one, 7)
    assert (two / "manifest.jsonl").read_bytes() == (one / "manifest.jsonl").read_bytes()


def test_shards_have_their_own_manifest_and_report(few: Path, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    paths: list[str] = []
    for number in (1, 2, 3):
        assert cli("convert", few, "-o", out, "--shard", f"{number}/3").code == 0
        lines = manifest_lines(out / f"manifest.{number}-of-3.jsonl")
        report = json.loads((out / f"report.{number}-of-3.json").read_text())
        assert report["counts"] == {"converted": len(lines)}
        assert report["manifest"] == f"manifest.{number}-of-3.jsonl"
        paths += [line["path"] for line in lines]
    assert len(paths) == len(set(paths)) == 7
    assert not (out / "manifest.jsonl").exists()
    assert not (out / "report.json").exists()


def test_more_shards_than_files(make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    source = make_evt(tmp_path / "a.evt")
    ran = cli("convert", source, "-o", tmp_path / "out", "--shard", "2/3")
    assert ran.code == 0
    assert "nothing to do" in ran.err


def test_second_run_keeps_and_restores_the_manifest(few: Path, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert cli("convert", few, "-o", out).code == 0
    before = contents(out)
    manifest = (out / "manifest.jsonl").read_bytes()
    (out / "manifest.jsonl").unlink()
    ran = cli("convert", few, "-o", out)
    assert ran.code == 0
    assert "7 kept" in ran.err
    assert contents(out) == before
    assert (out / "manifest.jsonl").read_bytes() == manifest


def test_a_product_that_was_changed_is_not_kept(make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    source, out = make_evt(tmp_path / "a.evt"), tmp_path / "out"
    assert cli("convert", source, "-o", out).code == 0
    product = out / "a.l3.h5"
    with product.open("ab") as stream:  # HDF5 does not mind, but these are not the bytes that were written
        stream.write(b"\0")
    ran = cli("convert", source, "-o", out)
    assert ran.code == 1
    assert "another SHA-256 than its line in the manifest" in ran.err
    assert "--overwrite" in ran.err
    assert cli("convert", source, "-o", out, "--overwrite").code == 0
    assert cli("validate", product, "--source", source).code == 0


def test_a_cut_line_of_the_manifest_is_mended(make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = make_evt(tmp_path / "a.evt")
    assert cli("convert", first, "-o", out).code == 0
    with (out / "manifest.jsonl").open("a") as stream:
        stream.write('{"path": "b.l3.h5", "si')
    second = make_evt(tmp_path / "b.evt")
    assert cli("convert", second, "-o", out).code == 0
    assert [line["path"] for line in manifest_lines(out / "manifest.jsonl")] == ["a.l3.h5", "b.l3.h5"]


def test_a_broken_manifest_is_an_error_that_says_what_to_do(make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = make_evt(tmp_path / "a.evt")
    assert cli("convert", source, "-o", out).code == 0
    manifest = out / "manifest.jsonl"
    manifest.write_text("nonsense\n" + manifest.read_text())
    ran = cli("convert", source, "-o", out)
    assert ran.code == 1
    assert "line 1" in ran.err
    assert "remove that line" in ran.err


def test_a_run_over_other_inputs_keeps_the_lines_of_the_first(make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("b", "a", "b"):
        assert cli("convert", make_evt(tmp_path / f"{name}.evt"), "-o", out).code == 0
    assert [line["path"] for line in manifest_lines(out / "manifest.jsonl")] == ["a.l3.h5", "b.l3.h5"]


# --- interruptions -----------------------------------------------------------------------------------------


def start(program: Path, *arguments: object) -> "subprocess.Popen[str]":
    """Start the program in a process group of its own."""
    return subprocess.Popen(
        [str(program), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def workers(pid: int) -> list[int]:
    """Return the worker processes of a run, without the helper that multiprocessing starts."""
    found = []
    for child in children(pid):
        try:
            line = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"spawn_main" in line:
            found.append(child)
    return found


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.005)
    raise AssertionError("waited in vain")


def gone(pid: int) -> bool:
    """Say if a process has ended, or only waits to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("kill", range(KILLS))
def test_kill_at_any_moment(kill: int, inputs: Path, program: Path, run_program: Cli, tmp_path: Path) -> None:
    out, jobs = tmp_path / "out", 1 + kill % 2
    run = start(program, "convert", inputs, "-o", out, "--jobs", jobs)
    # Half of the kills come while products are written, which start-up would else hide.
    if kill % 4 < 2:
        wait_for(lambda: next(out.rglob("*.l3.h5*"), None) if out.exists() else None)
    time.sleep(random.Random(kill).uniform(0, 0.6))
    helpers = workers(run.pid) if run.poll() is None else []
    run.kill()
    run.communicate()
    for helper in helpers:
        wait_for(functools.partial(gone, helper), 10)
    for product in out.rglob("*.l3.h5"):
        with h5py.File(product) as file:
            assert len(file["events"]) > 0
    ran = run_program("convert", inputs, "-o", out, "--jobs", jobs)
    assert ran.code == 0, ran.err
    check_complete(out)


def test_a_killed_worker_does_not_stop_the_rest(inputs: Path, program: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = start(program, "convert", inputs, "-o", out, "--jobs", 2)
    wait_for(lambda: next(out.rglob("*.l3.h5"), None) if out.exists() else None)
    os.kill(wait_for(lambda: workers(run.pid))[0], signal.SIGKILL)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    assert "Traceback" not in err
    check_complete(out)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_promptly_and_resumable(
    number: int, code: int, jobs: int, inputs: Path, program: Path, run_program: Cli, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = start(program, "convert", inputs, "-o", out, "--jobs", jobs)
    wait_for(lambda: size_of(out / "manifest.jsonl"))
    if number == signal.SIGINT:
        os.killpg(run.pid, number)  # as a terminal does it
    else:
        run.send_signal(number)
    before = time.monotonic()
    _, err = run.communicate(timeout=60)
    assert time.monotonic() - before < 10
    assert run.returncode == code, err
    assert "Traceback" not in err
    assert "goes on where it stopped" in err
    assert 0 < len(manifest_lines(out / "manifest.jsonl")) < 20
    assert json.loads((out / "report.json").read_text())["counts"]["converted"] > 0
    if number == signal.SIGTERM:
        assert run_program("convert", inputs, "-o", out).code == 0
        check_complete(out)


def test_two_runs_at_once(make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    source, out = make_evt(tmp_path / "a.evt"), tmp_path / "out"
    out.mkdir()
    with folder_lock(out):
        for extra in ((), ("--shard", "1/2")):
            ran = cli("convert", source, "-o", out, *extra)
            assert ran.code == 3
            assert "another run is writing there" in ran.err
            assert len(ran.err.splitlines()) == 1
    assert list(out.rglob("*.l3.h5")) == []
    with folder_lock(out, shard="1-of-2"):
        assert cli("convert", source, "-o", out).code == 3
        assert cli("convert", source, "-o", out, "--shard", "1/2").code == 3
        assert cli("convert", source, "-o", out, "--shard", "2/2").code == 0
    assert cli("convert", source, "-o", out).code == 0


def test_leftovers_are_removed_but_not_those_of_another_run(make_evt: MakeEvt, tmp_path: Path) -> None:
    source = make_evt(tmp_path / "in" / "sub" / "a.evt").parent.parent
    other = make_evt(tmp_path / "in" / "other" / "b.evt")
    out = tmp_path / "out"
    for folder in ("sub", "other"):
        (out / folder).mkdir(parents=True)
        (out / folder / "old.l3.h5.part").write_bytes(b"half")
    (out / other.parent.name / LOCK_NAME).touch()
    (out / "sub" / "mine.part").touch()
    remove_parts(make_plan([str(source)], out, "hdf5", None))
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.part")) == [
        "other/old.l3.h5.part",
        "sub/mine.part",
    ]


# --- what is said ------------------------------------------------------------------------------------------


def test_json_is_the_report(make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    good, bad = make_evt(tmp_path / "good.evt", events=3), tmp_path / "bad.evt"
    bad.write_bytes(b"")
    ran = cli("convert", good, bad, "-o", tmp_path / "out", "--json")
    assert ran.code == 1
    said = json.loads(ran.out)
    assert said == json.loads((tmp_path / "out" / "report.json").read_text())
    assert said["n_events"] == 3
    assert said["inputs"] == 2
    outcome = {Path(o["source"]).name: o for o in said["outcomes"]}
    assert outcome["good.evt"]["product"] == "good.l3.h5"
    assert outcome["bad.evt"]["product"] is None
    assert "empty" in outcome["bad.evt"]["reason"]


def test_quiet_and_verbose(make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    good, bad = make_evt(tmp_path / "good.evt"), tmp_path / "bad.evt"
    bad.write_bytes(b"")
    usual = cli("convert", good, "-o", tmp_path / "1")
    quiet = cli("-q", "convert", good, "-o", tmp_path / "2")
    loud = cli("-v", "convert", good, "-o", tmp_path / "3")
    assert len(usual.err.splitlines()) == 1
    assert quiet.err == ""
    assert f"converted: {good} (2 events)" in loud.err
    assert "failed: " in cli("-q", "convert", bad, "-o", tmp_path / "4").err
    assert usual.out == quiet.out == loud.out == ""


def test_no_progress_bar_without_a_terminal(few: Path, run_program: Cli, tmp_path: Path) -> None:
    ran = run_program("convert", few, "-o", tmp_path / "out")
    assert ran.code == 0
    assert "\x1b" not in ran.err
    assert "\r" not in ran.err
    assert len(ran.err.splitlines()) == 1


def _in_a_terminal(command: list[str]) -> tuple[int, str]:
    main, other = pty.openpty()
    run = subprocess.Popen(
        command, stdout=other, stderr=other, stdin=other, env={**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    )
    os.close(other)
    said = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # Linux reports the end of a terminal as an error
            break
        if not piece:
            break
        said += piece
    os.close(main)
    return run.wait(), said.decode()


def test_progress_bar_in_a_terminal(few: Path, program: Path, tmp_path: Path) -> None:
    code, said = _in_a_terminal([str(program), "convert", str(few), "-o", str(tmp_path / "1")])
    assert code == 0
    assert "\x1b[" in said
    assert "converting" in said
    assert "/7" in said
    assert "7 converted" in said
    code, said = _in_a_terminal([str(program), "-q", "convert", str(few), "-o", str(tmp_path / "2")])
    assert code == 0
    assert "converting" not in said


def test_messages_stand_above_the_progress_bar(make_evt: MakeEvt, program: Path, tmp_path: Path) -> None:
    make_evt(tmp_path / "in" / "b.evt")
    for name in ("a.evt", "c.evt"):
        (tmp_path / "in" / name).touch()
    code, said = _in_a_terminal([str(program), "convert", str(tmp_path / "in"), "-o", str(tmp_path / "out")])
    assert code == 1
    assert said.count("failed: ") == 2
    for before in said.split("failed: ")[:-1]:
        # The bar is erased before a line is written, and drawn again below it.
        assert not before or before.endswith(("\x1b[2K", "\n")), before[-80:]


def test_output_of_show_can_be_cut_by_head(make_evt: MakeEvt, program: Path, cli: Cli, tmp_path: Path) -> None:
    assert cli("convert", make_evt(tmp_path / "a.evt", events=2_000), "-o", tmp_path / "out").code == 0
    product = tmp_path / "out" / "a.l3.h5"
    command = f"'{program}' show '{product}' --head 2000 | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""


def test_python_says_nothing_about_the_samples(run_program: Cli, make_evt: MakeEvt, tmp_path: Path) -> None:
    source = make_evt(tmp_path / "a.evt")
    ran = run_program("convert", source, "-o", tmp_path / "out", env={"PYTHONWARNINGS": "error"})
    assert ran.code == 0, ran.err
