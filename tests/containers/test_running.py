"""What a program in an image sees, and what is seen of it."""

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from directory_engine import DirectoryEngine
from kitchen import Kitchen

from containers.digest import image_sha256
from containers.engine.contract import Bind
from containers.run_binds import parse_bind, run_binds
from containers.running import passed_on
from legacy.errors import UsageError

Cli = Callable[..., Any]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder with files, beside the working folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a.evt", "b.evt", "list.txt", "with:colon, comma.evt"):
        (folder / name).write_text(name)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "own.evt").write_text("own")
    return folder


def binds(data: Path, *arguments: str) -> set[tuple[str, str, bool]]:
    return {(str(b.host), b.inside, b.writable) for b in run_binds(arguments, data.parent / "here")}


def test_inputs_elsewhere_are_seen_and_cannot_be_changed(data: Path) -> None:
    a, b = str(data / "a.evt"), str(data / "b.evt")
    assert binds(data, a, f"--source={b}", "inspect", "nothing.evt", "own.evt", "--json") == {
        (a, a, False),
        (b, b, False),
    }
    assert binds(data, "../data/a.evt") == {(a, a, False)}
    assert binds(data, f"@{data}/list.txt") == {(str(data / "list.txt"), str(data / "list.txt"), False)}
    odd = str(data / "with:colon, comma.evt")
    assert binds(data, odd) == {(odd, odd, False)}


@pytest.mark.parametrize("url", ["sqlite:///{}", "file://{}"])
def test_files_of_urls_are_seen(url: str, data: Path) -> None:
    a = str(data / "a.evt")
    assert binds(data, url.format(a)) == {(a, a, False)}


@pytest.mark.parametrize(
    "argument", ["SELECT a/b FROM t", "root://door/data/a.evt", "/dev/null", "/proc/self", "x" * 5000, "", "-"]
)
def test_what_is_no_path_of_the_host(argument: str, data: Path) -> None:
    assert binds(data, argument) == set()


@pytest.mark.parametrize("form", [["-o", "{}"], ["--output", "{}"], ["--output={}"], ["-o{}"], ["--report", "{}"]])
def test_outputs_are_writable(form: list[str], data: Path) -> None:
    out = data.parent / "out"
    arguments = [word.format(out / "new" / "x.h5") for word in form]
    parent = str(data.parent)
    assert binds(data, *arguments) == {(parent, parent, True)}, "the nearest folder that is there"
    out.mkdir()
    assert binds(data, *arguments) == {(str(out), str(out), True)}
    assert binds(data, *[word.format(out) for word in form]) == {(str(out), str(out), True)}
    (out / "x.h5").touch()
    replaced = [word.format(out / "x.h5") for word in form]
    assert binds(data, *replaced) == {(str(out), str(out), True)}, "a file is replaced by renaming another"


def test_outputs_that_are_not_there_yet_are_told_from_words(data: Path) -> None:
    assert binds(data, f"{data}/missing.evt") == set(), "an input that is missing is the program's to complain about"


def test_an_output_beats_an_input(data: Path) -> None:
    assert binds(data, str(data), "-o", str(data)) == {(str(data), str(data), True)}


def test_folders_come_before_what_lies_in_them(data: Path) -> None:
    found = run_binds([str(data / "a.evt"), "-o", str(data)], data.parent / "here")
    assert [bind.inside for bind in found] == [str(data), str(data / "a.evt")]


def test_links_lead_to_their_files(data: Path) -> None:
    here = data.parent / "here"
    (here / "link.evt").symlink_to(data / "a.evt")
    (data.parent / "outside").symlink_to(data)
    a, seen = str(data / "a.evt"), str(data.parent / "outside" / "a.evt")
    assert binds(data, "link.evt") == {(a, a, False)}
    assert binds(data, seen) == {(a, seen, False), (a, a, False)}


@pytest.mark.parametrize("path", ["/", "/usr", "/etc", "/opt", "/usr/bin"])
def test_nothing_hides_the_programs_of_the_image(path: str, data: Path) -> None:
    with pytest.raises(UsageError, match="would hide"):
        run_binds([path], data.parent / "here")
    with pytest.raises(UsageError, match="would hide"):
        run_binds([], Path(path))
    with pytest.raises(UsageError, match="would hide"):
        parse_bind(f"{data}:{path}")


def test_no_program_of_the_host_takes_the_place_of_one_of_the_image(data: Path) -> None:
    with pytest.raises(UsageError, match=r"would hide.*--bind"):
        run_binds(["/bin/sh"], data.parent / "here")


def test_a_folder_to_be_made_below_the_root_has_to_be_made_first(data: Path) -> None:
    with pytest.raises(UsageError, match=r"/no-such-folder/x: make its folder first"):
        run_binds(["-o", "/no-such-folder/x"], data.parent / "here")


def test_root_may_work_at_home() -> None:
    assert run_binds([], Path("/root")) == ()


def test_binds_of_the_user(data: Path) -> None:
    assert parse_bind(f"{data}:/mnt") == Bind(data, "/mnt", writable=False)
    assert parse_bind(f"{data}:/mnt/x:rw") == Bind(data, "/mnt/x", writable=True)
    found = run_binds([str(data)], data.parent / "here", [f"{data}:{data}:rw"])
    assert [bind.writable for bind in found] == [True]


@pytest.mark.parametrize(
    "text", ["x", "{data}", "{data}:mnt", "{data}:/mnt:wr", ":/mnt", "{data}/no:/mnt", "{data}:/a/../b"]
)
def test_malformed_binds(text: str, data: Path) -> None:
    with pytest.raises(UsageError, match="--bind"):
        parse_bind(text.format(data=data))


def test_only_some_variables_are_handed_on() -> None:
    given = {"RUCIO_ACCOUNT": "me", "HTTPS_PROXY": "p", "HOME": "h", "PYTHONPATH": "x", "ANTARES_LEGACY_IMAGES": "i"}
    assert passed_on(given) == {"RUCIO_ACCOUNT": "me", "HTTPS_PROXY": "p"}


@pytest.fixture
def built(cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen) -> Path:
    assert cli("containers", "build", "child").code == 0
    return kitchen.place.images / "child.sif"


def test_streams_arguments_and_exit_code_are_those_of_the_program(
    built: Path, process_arguments: Callable[..., list[str]], data: Path
) -> None:
    command = process_arguments("containers", "run", "child", "hello", "--", "--json", str(data / "a.evt"))
    done = subprocess.run(command, input="through stdin", capture_output=True, text=True, cwd=data.parent / "here")
    assert done.returncode == 7
    assert done.stdout == f"hello --json {data / 'a.evt'}\nthrough stdin"
    assert f"image sha256:{hashlib.sha256(built.read_bytes()).hexdigest()}\n" in done.stderr
    assert f"{data / 'a.evt'}:{data / 'a.evt'}:False\n" in done.stderr


def test_the_digest_is_computed_once(built: Path) -> None:
    digest = hashlib.sha256(built.read_bytes()).hexdigest()
    kept = built.with_name("child.sif.sha256")
    assert image_sha256(built) == digest
    written = kept.stat().st_mtime_ns
    assert image_sha256(built) == digest
    assert kept.stat().st_mtime_ns == written
    state = built.stat()
    with built.open("r+b") as stream:
        stream.write(b"x")
    os.utime(built, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert image_sha256(built) == digest, "what nobody can see from outside"
    assert image_sha256(built, anew=True) == hashlib.sha256(built.read_bytes()).hexdigest() != digest
    for nonsense in ("", "[]", "{", '{"sha256": 1}', '{"sha256": "' + "0" * 64 + '"}'):
        kept.write_text(nonsense)
        assert image_sha256(built) == hashlib.sha256(built.read_bytes()).hexdigest()


def test_a_changed_image_is_refused_when_that_is_asked_for(
    built: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    monkeypatch.chdir(data.parent / "here")
    monkeypatch.setattr("sys.stdin", None)
    assert cli("containers", "run", "child", "hello", "--digest", "--").code == 7
    with built.open("ab") as stream:
        stream.write(b"\0" * 1024)
    assert cli("containers", "run", "child", "hello", "--").code == 7
    ran = cli("containers", "run", "child", "hello", "--digest", "--")
    assert ran.code == 3
    assert "is not the image of its report" in ran.err


@pytest.mark.parametrize(("variable", "name"), [("RUCIO_CONFIG", "a.evt"), ("RUCIO_HOME", "")])
def test_what_a_variable_names_is_seen(
    variable: str, name: str, built: Path, process_arguments: Callable[..., list[str]], data: Path
) -> None:
    command = process_arguments("containers", "run", "child", "hello")
    environment = {**os.environ, variable: str(data / name)}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=data.parent / "here", env=environment
    )
    assert f"{data / name}:{data / name}:False" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["child", "helo"], "did you mean 'hello'?"),
        (["chil", "hello"], "did you mean 'child'?"),
        (["base2", "hello"], "unknown recipe"),
    ],
)
def test_wrong_names(arguments: list[str], said: str, built: Path, cli: Cli) -> None:
    ran = cli("containers", "run", *arguments)
    assert ran.code == 2
    assert said in ran.err


def test_without_an_image_the_next_step_is_named(cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen) -> None:
    for command in (["run", "child", "hello"], ["test", "child"]):
        ran = cli("containers", *command)
        assert ran.code == 2
        assert "antares-legacy containers build child" in ran.err


def test_an_engine_that_starts_no_images(built: Path, cli: Cli) -> None:
    ran = cli("containers", "run", "child", "hello", "--engine", "chroot")
    assert ran.code == 3
    assert "doctor" in ran.err
