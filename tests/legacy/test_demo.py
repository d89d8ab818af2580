"""The demo: real files, real commands, twice, and what it says when something is missing."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import legacy.demo
from legacy.demo import PUBLIC_LIST, SAMPLES, copy_samples, demo_commands, run_demo
from legacy.errors import MachineError, MissingDependencyError

EVENTS = {"genhen": 109, "corant": 3, "mupage": 20, "offline": 10, "seatray": 19}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, run_program: Callable[..., object]) -> tuple[Path, str, str]:
    """The folder in which the demo ran, and what it said on stdout and stderr."""
    folder = tmp_path_factory.mktemp("demo")
    ran = run_program("demo", cwd=folder)
    assert ran.code == 0, ran.err  # type: ignore[attr-defined]
    return folder / "antares-legacy-demo", ran.out, ran.err  # type: ignore[attr-defined]


def test_makes_products_manifest_and_picture(made: tuple[Path, str, str]) -> None:
    from legacy import manifest

    folder, _, _ = made
    entries = manifest.load(folder / "level3" / "manifest.jsonl")
    for name, events in EVENTS.items():
        assert (folder / "level3" / f"{name}.l3.h5").is_file()
        assert entries[f"{name}.l3.h5"].n_events == events
    picture = (folder / "picture.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 20_000


def test_prints_each_command_before_it_runs(made: tuple[Path, str, str]) -> None:
    _, out, err = made
    printed = re.findall(r'^\$ (?:eval "\$\()?antares-legacy (\w+)', err, re.MULTILINE)
    rucio = ["sandbox", "ingest", "ingest", "ingest", "catalog", "catalog", "catalog", "sandbox"]
    assert printed == ["inspect", "convert", "validate", "show", "show", "plot", *["dbdump"] * 5, *rucio]
    assert err.index("$ antares-legacy convert") < err.index(" converted; ") < err.index("$ antares-legacy validate")
    assert "values of 19 events equal those of the source" in err
    assert "format: seatray-hdf5" in out
    assert "antares.45978.4.59374" in out


def test_what_came_out_of_rucio_is_what_went_in(made: tuple[Path, str, str]) -> None:
    folder, out, err = made
    assert "nothing was changed (dry run)" in err
    assert "nothing to do" in err
    assert "antares:seatray.l3.h5" in out
    assert "antares:genhen.l3.h5" not in out
    assert re.search(r"VERIFIED: [56] files", err + out)
    for name in EVENTS:
        product = f"{name}.l3.h5"
        assert (folder / "back" / product).read_bytes() == (folder / "level3" / product).read_bytes()


def test_the_database_is_dumped_verified_and_drawn(made: tuple[Path, str, str]) -> None:
    folder, out, err = made
    assert "nothing wrong (17 tables, level 1" in out + err
    assert list((folder / "netcdf").glob("om_rate*.nc"))
    picture = (folder / "burst.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 20_000


def test_no_server_is_left_running(made: tuple[Path, str, str], run_program: Callable[..., object]) -> None:
    ran = run_program("sandbox", "status", "--dir", made[0] / "rucio")
    assert ran.code == 1  # type: ignore[attr-defined]


def test_says_where_to_look_and_all_of_it_exists(made: tuple[Path, str, str]) -> None:
    folder, _, err = made
    closing = err.partition("Where to look:\n")[2]
    places = re.findall(r"^  (antares-legacy-demo\S*):", closing, re.MULTILINE)
    assert len(places) == 7
    assert all((folder.parent / place).exists() for place in places)


def test_the_commands_it_prints_can_be_typed(made: tuple[Path, str, str], run_program: Callable[..., object]) -> None:
    folder, _, err = made
    typed = next(line for line in err.splitlines() if line.startswith("$ antares-legacy validate"))
    ran = run_program(*typed.split()[2:], cwd=folder.parent)
    assert ran.code == 0  # type: ignore[attr-defined]


def test_runs_a_second_time(
    made: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch, run_program: Callable[..., object]
) -> None:
    folder, _, _ = made
    product = folder / "level3" / "seatray.l3.h5"
    before = product.read_bytes()
    commands = demo_commands(folder / "samples", folder / "level3", has_list=False)
    copy_samples(folder / "samples")
    convert = next(command for _, command in commands if command[0] == "convert")
    ran = run_program(*convert)
    assert ran.code == 0  # type: ignore[attr-defined]
    assert re.match(r"\d kept; ", ran.err.splitlines()[-1])  # type: ignore[attr-defined]
    assert product.read_bytes() == before


def test_a_product_of_other_options_does_not_stop_it(tmp_path: Path, run_program: Callable[..., object]) -> None:
    samples, products = tmp_path / "samples", tmp_path / "level3"
    copy_samples(samples)
    for name in {*SAMPLES, PUBLIC_LIST} - {"corant.evt"}:
        (samples / name).unlink(missing_ok=True)
    run_program("convert", samples / "corant.evt", "-o", products, "--detector", "antares")
    convert = next(
        command for _, command in demo_commands(samples, products, has_list=False) if command[0] == "convert"
    )
    ran = run_program(*convert)
    assert (ran.code, ran.err.split(";")[0]) == (0, "1 converted")  # type: ignore[attr-defined]


def test_a_failing_step_stops_it_with_that_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (("fails", ("inspect", str(tmp_path / "nothing"))), ("is not reached", ("show", "x")))
    monkeypatch.setattr(legacy.demo, "demo_commands", lambda *_, **__: steps)
    said: list[str] = []
    assert run_demo(tmp_path / "demo", said.append) == 1
    assert "exit code 1" in said[-1]
    assert not any("show" in text for text in said)


def test_the_picture_is_of_the_public_list_where_it_is_there(tmp_path: Path) -> None:
    for has_list, product in ((True, "public_list.l3.h5"), (False, "seatray.l3.h5")):
        plot = next(c for _, c in demo_commands(tmp_path, tmp_path, has_list=has_list) if c[0] == "plot")
        assert Path(plot[1]).name == product


def test_the_public_list_is_copied_where_it_is_there(tmp_path: Path, shared_data: Path) -> None:
    assert copy_samples(tmp_path)
    original = shared_data / "antares-public-2007-2017" / "ANTARES.data"
    assert (tmp_path / PUBLIC_LIST).read_bytes() == original.read_bytes()


def test_without_the_sample_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Callable[..., object]
) -> None:
    def nothing(name: str) -> ModuleType:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(legacy.demo, "files", nothing)
    with pytest.raises(MissingDependencyError, match=r"pip install 'antares-legacy\[all\]'"):
        copy_samples(tmp_path / "samples")
    ran = cli("demo", "-o", tmp_path / "demo")
    assert ran.code == 3  # type: ignore[attr-defined]
    assert not (tmp_path / "demo").exists()


def test_a_package_without_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SAMPLES, "new.evt", "evt/not_there.evt")
    with pytest.raises(MachineError, match="not_there"):
        copy_samples(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="choose another folder with -o"):
        copy_samples(tmp_path / "file" / "samples")


def test_without_console_script_the_interpreter_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.symlink_to(os.path.realpath(sys.executable))
    monkeypatch.setattr(sys, "executable", str(python))
    assert legacy.demo._program()[0] == str(python)
