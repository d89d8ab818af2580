"""What bad input gets: one clear line, the right exit code, nothing half-made, and the other inputs done."""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

Cli = Callable[..., Any]
MakeEvt = Callable[..., Path]
Sample = Callable[[str], Path]

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"


def _random(path: Path) -> None:
    path.write_bytes(np.random.default_rng(5).bytes(20_000))


def _empty_hdf5(path: Path) -> None:
    with h5py.File(path, "w"):
        pass


BAD_FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "empty": ("empty.evt", lambda p: p.write_bytes(b""), "the file is empty"),
    "zeros": ("zeros.evt", lambda p: p.write_bytes(bytes(1000)), "not a known format"),
    "random": ("random.evt", _random, "not a known format"),
    "pdf": ("paper.evt", lambda p: p.write_bytes(PDF), "PDF document"),
    "text": ("notes.evt", lambda p: p.write_text("Dear diary,\nno events today.\n"), "not a known format"),
    "hdf5 without tables": ("bare.h5", _empty_hdf5, "HDF5 file without SeaTray's index"),
    "missing": ("missing.evt", lambda p: None, "no such file"),
    "folder named as a file": ("x.evt", lambda p: p.mkdir(), "no file in this folder can be converted"),
    "pipe": ("pipe.evt", os.mkfifo, "no regular file"),
    "gzip of nothing": ("cut.evt.gz", lambda p: p.write_bytes(b"\x1f\x8b\x08\x00"), "not a known format"),
}


def one_line_about(err: str, name: str) -> str:
    """Return the only line of `err` that names the file."""
    assert "Traceback" not in err
    found = [line for line in err.splitlines() if name in line and not line.startswith("warning:")]
    assert len(found) == 1, err
    return found[0]


def products(folder: Path) -> list[str]:
    """Return the names of everything in `folder` but manifest, report and lock."""
    own = ("manifest", "report", ".antares-legacy.lock")
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and not p.name.startswith(own))


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_named_and_the_others_are_done(case: str, cli: Cli, make_evt: MakeEvt, tmp_path: Path) -> None:
    name, make, problem = BAD_FILES[case]
    bad = tmp_path / "in" / name
    bad.parent.mkdir()
    make(bad)
    good = make_evt(tmp_path / "in2" / "good.evt")
    out = tmp_path / "out"

    ran = cli("convert", bad, good, "-o", out)

    assert ran.code == 1
    line = one_line_about(ran.err, str(bad))
    assert problem in line
    assert len(line) < 1000
    assert products(out) == ["good.l3.h5", "good.l3.h5.prov.json"]
    report = json.loads((out / "report.json").read_text())
    assert report["counts"] == {"converted": 1, "failed": 1}
    assert [o["reason"] is None for o in report["outcomes"]].count(False) == 1


@pytest.mark.parametrize("case", [c for c in BAD_FILES if c not in ("folder named as a file",)])
def test_inspect_answers_without_a_traceback(case: str, cli: Cli, tmp_path: Path) -> None:
    name, make, problem = BAD_FILES[case]
    bad = tmp_path / name
    make(bad)
    ran = cli("inspect", bad)
    assert "Traceback" not in ran.err + ran.out
    assert ran.code in (0, 1)
    assert problem in ran.err + ran.out


@pytest.mark.parametrize("extra", [(), ("--jobs", 2)], ids=["one process", "two processes"])
def test_every_bad_file_at_once(extra: tuple[object, ...], cli: Cli, make_evt: MakeEvt, tmp_path: Path) -> None:
    inputs = []
    for case, (name, make, _) in BAD_FILES.items():
        path = tmp_path / case.replace(" ", "_") / name
        path.parent.mkdir()
        make(path)
        inputs.append(path)
    good = make_evt(tmp_path / "good.evt")
    ran = cli("convert", *inputs, good, "-o", tmp_path / "out", *extra)
    assert ran.code == 1
    failed = [line for line in ran.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == len(BAD_FILES)
    assert products(tmp_path / "out") == ["good.l3.h5", "good.l3.h5.prov.json"]


# --- truncated files ---------------------------------------------------------------------------------------


def _cut_in_event(sample: Sample, path: Path, event: int) -> tuple[Path, int]:
    """Cut KM3Sim.evt in the middle of an event (counted from 1); return the path and the event's offset."""
    text = sample("evt/KM3Sim.evt").read_bytes()
    start = text.index(b"start_event: %d " % event)
    path.write_bytes(text[: start + 150])
    return path, start


@pytest.mark.parametrize("event", [2, 10])
def test_truncated_evt_names_the_byte_and_the_whole_events(
    event: int, cli: Cli, sample: Sample, tmp_path: Path
) -> None:
    cut, offset = _cut_in_event(sample, tmp_path / "cut.evt", event)
    ran = cli("convert", cut, "-o", tmp_path / "out")
    assert ran.code == 1
    line = one_line_about(ran.err, "cut.evt")
    assert f"byte {offset}" in line
    assert f"number {event - 1} of the file" in line
    assert "--salvage" in line
    assert products(tmp_path / "out") == []


def test_salvage_keeps_the_whole_events_and_says_so(cli: Cli, sample: Sample, tmp_path: Path) -> None:
    cut, _ = _cut_in_event(sample, tmp_path / "cut.evt", 8)
    ran = cli("convert", cut, "-o", tmp_path / "out", "--salvage")
    assert ran.code == 0
    assert "warning:" in ran.err
    assert "incomplete event" in ran.err
    with h5py.File(tmp_path / "out" / "cut.l3.h5") as file:
        assert file["events"].shape == (7,)
        assert b"salvage" in file["provenance"][-1]["parameters"]
        about = b" ".join(file["source_coverage"]["note"]) + file["header"]["description"][0]
    assert b"incomplete" in about, "the product itself must say what was dropped"


def test_salvage_without_a_whole_event_fails(cli: Cli, sample: Sample, tmp_path: Path) -> None:
    cut, _ = _cut_in_event(sample, tmp_path / "cut.evt", 1)
    ran = cli("convert", cut, "-o", tmp_path / "out", "--salvage")
    assert ran.code == 1
    assert "no whole event" in one_line_about(ran.err, "cut.evt")
    assert products(tmp_path / "out") == []


def test_inspect_of_a_truncated_file_tells_the_problem(cli: Cli, sample: Sample, tmp_path: Path) -> None:
    cut, offset = _cut_in_event(sample, tmp_path / "cut.evt", 5)
    ran = cli("inspect", cut)
    assert ran.code == 1
    assert f"byte {offset}" in ran.out


@pytest.mark.parametrize("part", [0.02, 0.5, 0.95])
def test_root_file_cut(part: float, cli: Cli, sample: Sample, tmp_path: Path) -> None:
    whole = sample("offline/numucc.root").read_bytes()
    cut = tmp_path / "cut.root"
    cut.write_bytes(whole[: int(len(whole) * part)])
    ran = cli("convert", cut, "-o", tmp_path / "out")
    assert ran.code == 1
    one_line_about(ran.err, "cut.root")
    assert products(tmp_path / "out") == []


def test_hdf5_file_cut(cli: Cli, sample: Sample, tmp_path: Path) -> None:
    whole = sample("seatray/antares.h5").read_bytes()
    cut = tmp_path / "cut.h5"
    cut.write_bytes(whole[: len(whole) // 2])
    ran = cli("convert", cut, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "damaged HDF5 file" in one_line_about(ran.err, "cut.h5")


# --- permissions -------------------------------------------------------------------------------------------

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 1, 2
NOBODY = 65534


def _drop_override() -> None:
    """Give up root's right to pass file permissions; for the time after the next exec."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def _runs(**options: Any) -> bool:
    try:
        done = subprocess.run(
            [sys.executable, "-c", "import legacy.cli, h5py"], capture_output=True, timeout=60, **options
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


@pytest.fixture(scope="module")
def powerless() -> dict[str, Any]:
    """Return options for `subprocess.run` under which file permissions count."""
    if os.geteuid() != 0:
        return {}
    ways: tuple[dict[str, Any], ...] = (
        {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"},
        # The interpreter may lie where only root can go: then root without its right to ignore permissions.
        {"preexec_fn": _drop_override, "cwd": "/"},
    )
    for way in ways:
        if _runs(**way):
            return way
    if os.environ.get("CI") == "true":
        pytest.fail("no way to run without root's rights")
    pytest.skip("no way to run without root's rights")


@pytest.fixture
def open_folder(tmp_path: Path, powerless: dict[str, Any]) -> Iterator[Path]:
    """Return a folder that the unprivileged user can reach and write to."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="antares-legacy-", dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)


def test_input_without_read_permission(
    run_program: Cli, make_evt: MakeEvt, open_folder: Path, powerless: dict[str, Any]
) -> None:
    secret, good = make_evt(open_folder / "secret.evt"), make_evt(open_folder / "good.evt")
    secret.chmod(0)
    ran = run_program("convert", secret, good, "-o", open_folder / "out", **powerless)
    assert ran.code == 1
    line = one_line_about(ran.err, "secret.evt")
    assert "Permission denied" in line
    assert "check its permissions" in line
    assert products(open_folder / "out") == ["good.l3.h5", "good.l3.h5.prov.json"]
    assert "Permission denied" in run_program("inspect", secret, **powerless).err


def test_input_in_a_folder_without_permission(
    run_program: Cli, make_evt: MakeEvt, open_folder: Path, powerless: dict[str, Any]
) -> None:
    hidden, good = make_evt(open_folder / "closed" / "hidden.evt"), make_evt(open_folder / "good.evt")
    hidden.parent.chmod(0)
    ran = run_program("convert", hidden, good, "-o", open_folder / "out", **powerless)
    assert ran.code == 1
    assert "Permission denied" in one_line_about(ran.err, "hidden.evt")
    assert products(open_folder / "out") == ["good.l3.h5", "good.l3.h5.prov.json"]


def test_subfolder_without_permission_is_not_passed_over(
    run_program: Cli, make_evt: MakeEvt, open_folder: Path, powerless: dict[str, Any]
) -> None:
    make_evt(open_folder / "in" / "a.evt")
    closed = make_evt(open_folder / "in" / "closed" / "b.evt").parent
    closed.chmod(0)
    ran = run_program("convert", open_folder / "in", "-o", open_folder / "out", **powerless)
    assert ran.code == 1
    assert "Permission denied" in one_line_about(ran.err, "closed")
    assert products(open_folder / "out") == ["a.l3.h5", "a.l3.h5.prov.json"]


@pytest.mark.parametrize("exists", [True, False])
def test_output_folder_without_write_permission(
    exists: bool, run_program: Cli, make_evt: MakeEvt, open_folder: Path, powerless: dict[str, Any]
) -> None:
    source = make_evt(open_folder / "a.evt")
    parent = open_folder / "closed"
    parent.mkdir()
    parent.chmod(0o555)
    out = parent if exists else parent / "out"
    ran = run_program("convert", source, "-o", out, **powerless)
    assert ran.code == 3
    assert "Permission denied" in one_line_about(ran.err, str(out))
    assert products(parent) == []


def test_output_subfolder_without_write_permission(
    run_program: Cli, make_evt: MakeEvt, open_folder: Path, powerless: dict[str, Any]
) -> None:
    make_evt(open_folder / "in" / "x" / "a.evt")
    make_evt(open_folder / "in" / "y" / "b.evt")
    closed = open_folder / "out" / "x"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o777)
    closed.chmod(0o555)
    ran = run_program("convert", open_folder / "in", "-o", open_folder / "out", **powerless)
    assert ran.code == 3
    assert "Permission denied" in one_line_about(ran.err, str(closed))
    assert products(open_folder / "out") == ["b.l3.h5", "b.l3.h5.prov.json"]


# --- a full disk -------------------------------------------------------------------------------------------


def _limit_files(size: int) -> Callable[[], None]:
    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.parametrize(("size", "kind"), [(2_000, "hdf5"), (20_000, "hdf5"), (60_000, "hdf5"), (20_000, "csv")])
def test_file_size_limit(
    size: int, kind: str, run_program: Cli, sample: Sample, make_evt: MakeEvt, tmp_path: Path
) -> None:
    big = make_evt(tmp_path / "big.evt", events=3000)
    out = tmp_path / "out"
    ran = run_program("convert", big, "-o", out, "--to", kind, preexec_fn=_limit_files(size))
    assert ran.code == 3, ran.err
    assert "disk is full" in one_line_about(ran.err, "big.l3")
    assert products(out) == []


@pytest.mark.parametrize("size", [4_000, 60_000, 150_000, 200_000])
def test_disk_that_is_full_when_hdf5_closes_the_file(
    size: int, run_program: Cli, sample: Sample, tmp_path: Path
) -> None:
    # A file of a few events waits in memory: HDF5 meets the full disk last of all, with its own caches.
    out = tmp_path / "out"
    ran = run_program("convert", sample("evt/example_numuCC.evt"), "-o", out, preexec_fn=_limit_files(size))
    assert ran.code == 3, ran.err
    assert "Traceback" not in ran.err
    assert "disk is full" in one_line_about(ran.err, "example_numuCC.l3")
    assert products(out) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Return a function that makes a tiny file system of so many kilobytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    mounted: list[Path] = []

    def mount(kilobytes: int) -> Path:
        folder = tmp_path / f"disk{kilobytes}"
        folder.mkdir()
        options = f"size={kilobytes}k"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
        if done.returncode:
            pytest.skip("this machine does not allow mounting")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("kilobytes", "kind", "jobs"),
    [(8, "hdf5", 1), (40, "hdf5", 1), (120, "hdf5", 1), (40, "hdf5", 2), (8, "csv", 1), (120, "csv", 1)],
)
def test_full_disk(
    kilobytes: int,
    kind: str,
    jobs: int,
    run_program: Cli,
    make_evt: MakeEvt,
    small_disk: Callable[[int], Path],
    tmp_path: Path,
) -> None:
    big = make_evt(tmp_path / "big.evt", events=3000)
    out = small_disk(kilobytes)
    ran = run_program("convert", big, "-o", out, "--to", kind, "--jobs", jobs)
    assert ran.code == 3, ran.err
    assert "Traceback" not in ran.err
    assert "disk is full" in ran.err
    assert products(out) == []


def test_after_a_full_disk_the_same_command_goes_on(
    run_program: Cli, make_evt: MakeEvt, small_disk: Callable[[int], Path], tmp_path: Path
) -> None:
    inputs = [make_evt(tmp_path / f"{n}.evt") for n in range(3)]
    out = small_disk(400)
    ballast = out / "manifest-ballast"
    ballast.write_bytes(bytes(330_000))
    ran = run_program("convert", *inputs, "-o", out)
    assert ran.code == 3
    ballast.unlink()
    assert run_program("convert", *inputs, "-o", out).code == 0
    assert len(list(out.glob("*.l3.h5"))) == 3
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert [line["path"] for line in lines] == ["0.l3.h5", "1.l3.h5", "2.l3.h5"]


# --- outputs in the way ------------------------------------------------------------------------------------


def _hash(path: Path) -> bytes:
    return path.read_bytes()


@pytest.fixture
def converted(cli: Cli, make_evt: MakeEvt, tmp_path: Path) -> tuple[Path, Path, Path]:
    """Return a source, its output folder and its product."""
    source, out = make_evt(tmp_path / "a.evt"), tmp_path / "out"
    assert cli("convert", source, "-o", out).code == 0
    return source, out, out / "a.l3.h5"


def test_matching_output_is_kept(converted: tuple[Path, Path, Path], cli: Cli) -> None:
    source, out, product = converted
    before = _hash(product), product.stat().st_mtime_ns
    ran = cli("convert", source, "-o", out)
    assert ran.code == 0
    assert "1 kept" in ran.err
    assert (_hash(product), product.stat().st_mtime_ns) == before


def _other_options(source: Path, product: Path) -> tuple[str, ...]:
    return ("--detector", "antares")


def _other_source(source: Path, product: Path) -> tuple[str, ...]:
    text = source.read_bytes()
    source.write_bytes(text.replace(b"start_event: 2", b"start_event: 7"))
    return ()


def _foreign(source: Path, product: Path) -> tuple[str, ...]:
    product.write_bytes(b"my precious notes")
    return ()


def _foreign_hdf5(source: Path, product: Path) -> tuple[str, ...]:
    with h5py.File(product, "w") as file:
        file["provenance"] = np.arange(3)
    return ()


def _cut_product(source: Path, product: Path) -> tuple[str, ...]:
    product.write_bytes(product.read_bytes()[:-500])
    return ()


IN_THE_WAY = {
    "other options": (_other_options, "other options"),
    "another source": (_other_source, "another source"),
    "foreign file": (_foreign, "no product of this program"),
    "foreign HDF5": (_foreign_hdf5, "no product of this program"),
    "cut product": (_cut_product, "no product of this program"),
    "not to be resumed": (lambda source, product: ("--no-resume",), "--no-resume"),
}


@pytest.mark.parametrize("case", IN_THE_WAY)
def test_output_that_does_not_match(case: str, converted: tuple[Path, Path, Path], cli: Cli, make_evt: MakeEvt) -> None:
    source, out, product = converted
    change, problem = IN_THE_WAY[case]
    options = change(source, product)
    before = _hash(product)
    other = make_evt(source.with_name("b.evt"))

    ran = cli("convert", source, other, "-o", out, *options)

    assert ran.code == 1
    line = one_line_about(ran.err, "a.l3.h5")
    assert problem in line
    assert "--overwrite" in line
    assert _hash(product) == before
    assert (out / "b.l3.h5").exists()

    again = cli("convert", source, other, "-o", out, *options, "--overwrite")
    assert again.code == 0, again.err
    assert _hash(product) != before
    with h5py.File(product) as file:
        assert len(file["events"]) == 2


@pytest.mark.parametrize("missing", ["a.l3.h5.prov.json"])
def test_lost_companion_is_made_again(missing: str, converted: tuple[Path, Path, Path], cli: Cli) -> None:
    source, out, product = converted
    (out / missing).unlink()
    assert cli("convert", source, "-o", out).code == 0
    with h5py.File(product) as file:
        kid = file.attrs["kid"].decode()
    assert kid in (out / missing).read_text()


def test_the_source_is_never_overwritten(cli: Cli, sample: Sample, tmp_path: Path) -> None:
    source = tmp_path / "mine.h5"
    source.write_bytes(sample("seatray/antares.h5").read_bytes())
    before = _hash(source)
    ran = cli("convert", source, "-o", source, "--overwrite")
    assert ran.code == 2
    one_line_about(ran.err, "mine.h5")
    assert _hash(source) == before


# --- wrong use: exit 2, nothing done -----------------------------------------------------------------------


def test_two_inputs_for_one_target(cli: Cli, make_evt: MakeEvt, tmp_path: Path) -> None:
    first, second = make_evt(tmp_path / "x" / "a.evt"), make_evt(tmp_path / "y" / "a.evt")
    ran = cli("convert", first, second, "-o", tmp_path / "out")
    assert ran.code == 2
    line = one_line_about(ran.err, str(first))
    assert str(second) in line
    assert not (tmp_path / "out").exists()


def test_two_folders_with_equal_names_inside(cli: Cli, make_evt: MakeEvt, tmp_path: Path) -> None:
    make_evt(tmp_path / "x" / "a.evt")
    make_evt(tmp_path / "y" / "a.evt")
    ran = cli("convert", tmp_path / "x", tmp_path / "y", "-o", tmp_path / "out")
    assert ran.code == 0
    assert (tmp_path / "out" / "x" / "a.l3.h5").exists()
    assert (tmp_path / "out" / "y" / "a.l3.h5").exists()


WRONG_USE = {
    "shard 0/3": (("--shard", "0/3"), "expected K/N"),
    "shard 4/3": (("--shard", "4/3"), "expected K/N"),
    "shard superscript": (("--shard", "²/3"), "expected K/N"),
    "shard words": (("--shard", "first"), "expected K/N"),
    "shard negative": (("--shard", "-1/3"), "expected K/N"),
    "format": (("--format", "evtt"), "did you mean 'evt'?"),
    "to": (("--to", "nonsense"), "nonsense"),
    "jobs": (("--jobs", "0"), "--jobs"),
    "option": (("--sideways",), "--sideways"),
    "zenith": (("--zenith", "up"), "up"),
    "columns": (("--columns", ","), "--columns"),
    "metadata missing": (("--metadata", "nowhere.yaml"), "nowhere.yaml"),
}


@pytest.mark.parametrize("case", WRONG_USE)
def test_wrong_use(case: str, cli: Cli, make_evt: MakeEvt, tmp_path: Path) -> None:
    options, problem = WRONG_USE[case]
    ran = cli("convert", make_evt(tmp_path / "a.evt"), "-o", tmp_path / "out", *options)
    assert ran.code == 2
    assert problem in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "out").exists()


def test_source_date_epoch(cli: Cli, make_evt: MakeEvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "abc")
    ran = cli("convert", make_evt(tmp_path / "a.evt"), "-o", tmp_path / "out")
    assert ran.code == 2
    assert "SOURCE_DATE_EPOCH is 'abc'" in ran.err
    assert not (tmp_path / "out").exists()


# --- absurd values -----------------------------------------------------------------------------------------

ABSURD = ["NaN", "Infinity", "-1e400", "1e308", "99999999999999999999", "*********", "abc", "1.5.2"]


@pytest.mark.parametrize("value", ABSURD)
def test_absurd_numbers_in_an_evt_file(value: str, cli: Cli, sample: Sample, tmp_path: Path) -> None:
    lines = sample("evt/KM3Sim.evt").read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith(("neutrino:", "weights:", "start_event: 3", "total_hits:", "start_run:")):
            tag, _, rest = line.partition(":")
            values = rest.split()
            values[-1 if tag != "start_event" else 0] = value
            lines[number] = f"{tag}: {' '.join(values)}\n"
    source = tmp_path / "absurd.evt"
    source.write_text("".join(lines))
    ran = cli("convert", source, "-o", tmp_path / "out")
    assert "Traceback" not in ran.err
    assert "unexpected" not in ran.err
    assert ran.code in (0, 1)
    if ran.code == 0:
        with h5py.File(tmp_path / "out" / "absurd.l3.h5") as file:
            assert len(file["events"]) == 10
            assert len(np.unique(file["events"]["event_id"])) == 10
        assert cli("show", tmp_path / "out" / "absurd.l3.h5", "--head", 3, "--json").code == 0


@pytest.mark.parametrize(
    ("ra", "dec", "problem"),
    [("400", "10", "400"), ("-3", "10", "-3"), ("10", "95", "95"), ("10", "-90.5", "-90.5"), ("nan", "10", "")],
)
def test_impossible_sky_coordinates(
    ra: str, dec: str, problem: str, cli: Cli, make_evt: MakeEvt, tmp_path: Path
) -> None:
    source = tmp_path / "list.txt"
    good_rows = "120.5 -20.25 50 0.4 54300.5\n" * 300
    source.write_text(f"ra decl nhit beta mjd\n{good_rows}{ra} {dec} 40 0.3 54301.5\n")
    good = make_evt(tmp_path / "good.evt")
    ran = cli("convert", source, good, "-o", tmp_path / "out", "--columns", "ra,dec,nhit,beta,mjd")
    assert ran.code == 1
    line = one_line_about(ran.err, "list.txt")
    assert "line 302" in line
    assert problem in line
    assert products(tmp_path / "out") == ["good.l3.h5", "good.l3.h5.prov.json"]


# --- hostile names and texts -------------------------------------------------------------------------------


def test_terminal_escapes_in_a_file_are_not_passed_on(cli: Cli, sample: Sample, tmp_path: Path) -> None:
    cut, _ = _cut_in_event(sample, tmp_path / "cut.evt", 3)
    text = cut.read_bytes()
    cut.write_bytes(text.replace(b"start_event: 3 1", b"start_event: 3 \x1b[2J\x07"))
    ran = cli("convert", cut, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "\x1b" not in ran.err
    assert "\x07" not in ran.err
    one_line_about(ran.err, "cut.evt")


def test_file_name_that_is_no_utf8(run_program: Cli, make_evt: MakeEvt, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.evt"))
    make_evt(tmp_path / "good.evt").rename(odd)
    good = make_evt(tmp_path / "good.evt")
    out = tmp_path / "out"
    ran = run_program("convert", odd, good, "-o", out, "--json")
    assert ran.code == 1
    assert "UTF-8" in one_line_about(ran.err, "caf")
    assert products(out) == ["good.l3.h5", "good.l3.h5.prov.json"]
    assert json.loads(ran.out) == json.loads((out / "report.json").read_text())


def test_file_name_with_a_line_break(cli: Cli, tmp_path: Path) -> None:
    odd = tmp_path / "two\nlines.evt"
    odd.write_bytes(b"")
    ran = cli("convert", odd, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "two\\nlines.evt" in one_line_about(ran.err, "the file is empty")


def test_name_too_long(cli: Cli, make_evt: MakeEvt, tmp_path: Path) -> None:
    good = make_evt(tmp_path / "good.evt")
    ran = cli("convert", "x" * 300 + ".evt", good, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "File name too long" in one_line_about(ran.err, "xxx")
    assert products(tmp_path / "out") == ["good.l3.h5", "good.l3.h5.prov.json"]
