"""The command line as a whole."""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import typer

from legacy import __version__
from legacy.errors import InputError, MachineError, UsageError

Cli = Callable[..., Any]


def command_names() -> list[str]:
    """Return every command that the rooms announce."""
    app = typer.Typer()
    for point in entry_points(group="antares_legacy.commands"):
        point.load()(app)
    return [
        str(info.name or getattr(info.callback, "__name__", "")).replace("_", "-") for info in app.registered_commands
    ]


def test_the_commands_of_today(cli: Cli) -> None:
    assert {"inspect", "convert", "validate", "show", "plot", "ingest"} <= set(command_names())
    ran = cli("--help")
    assert ran.code == 0
    for name in command_names():
        assert re.search(rf"^\s+{name}\s", ran.out, re.MULTILINE), name
    assert re.search(r"^\s+containers\s", ran.out, re.MULTILINE)
    assert "publish" not in command_names(), "a command appears when it works"


def test_no_summary_of_a_command_is_cut(run_program: Cli) -> None:
    for group in ([], ["dbdump"], ["catalog"], ["containers"], ["sandbox"]):
        ran = run_program(*group, "--help", env={"COLUMNS": "80"})
        commands = ran.out.partition("Commands:\n")[2]
        assert commands.count("\n") > 2
        assert "..." not in commands
        assert max(map(len, commands.splitlines())) <= 80


def test_announcing_the_commands_again_adds_none() -> None:
    """A process that runs many commands would get slower with each of them."""

    def announced() -> list[str]:
        app = typer.Typer()
        for point in entry_points(group="antares_legacy.commands"):
            point.load()(app)
        groups = [group.typer_instance for group in app.registered_groups if group.typer_instance]
        return [command.callback.__name__ for part in (app, *groups) for command in part.registered_commands]

    before = announced()
    assert len(before) > 25
    assert announced() == before


@pytest.mark.parametrize("name", command_names())
def test_help_has_an_example(name: str, cli: Cli) -> None:
    for option in ("--help", "-h"):
        ran = cli(name, option)
        assert ran.code == 0
        assert ran.err == ""
        assert re.search(rf"Example:\s+antares-legacy\s+{name}\b", " ".join(ran.out.split())), ran.out


@pytest.mark.parametrize("name", command_names())
def test_every_option_is_explained(name: str, cli: Cli) -> None:
    from legacy.cli import app

    command: Any = typer.main.get_command(app)
    cli("--version")  # the commands are announced when the program runs
    command = typer.main.get_command(app)
    for parameter in command.commands[name].params:
        assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_version(cli: Cli, run_program: Cli) -> None:
    for ran in (cli("--version"), run_program("--version")):
        assert ran.code == 0
        assert ran.out == f"antares-legacy {__version__}\n"
        assert ran.err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["convert"],
        ["convert", "a.evt"],
        ["convert", "-o", "out"],
        ["show"],
        ["show", "a", "b"],
        ["inspect"],
        ["plot", "a.h5"],
        ["validate", "a.h5", "b.h5", "--source", "a.evt"],
        ["convert", "a.evt", "-o", "out", "--executor", "cloud"],
    ],
)
def test_wrong_use(arguments: list[str], cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cli(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err
    assert "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_without_arguments_it_helps(cli: Cli) -> None:
    ran = cli()
    assert "convert" in ran.out + ran.err
    assert ran.code in (0, 2)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("a.evt", "damaged"), 1, "antares-legacy: a.evt: damaged"),
        (UsageError("not so"), 2, "antares-legacy: not so"),
        (MachineError("disk away"), 3, "antares-legacy: disk away"),
        (PermissionError(13, "Permission denied", "x"), 3, "antares-legacy: x: Permission denied"),
        (KeyboardInterrupt(), 130, "goes on where it stopped"),
        (ZeroDivisionError("by\nzero"), 1, "unexpected ZeroDivisionError: by\\nzero"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_errors_become_exit_codes(
    error: BaseException, code: int, said: str, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise error

    monkeypatch.setattr("converters.show.render", broken)
    ran = cli("show", tmp_path / "x.h5")
    assert ran.code == code
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert ran.out == ""


@pytest.mark.parametrize(("error", "code"), [(UsageError("not so"), 2), (ZeroDivisionError("zero"), 1)])
def test_debug_shows_the_traceback(
    error: Exception, code: int, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise error

    monkeypatch.setattr("converters.show.render", broken)
    ran = cli("--debug", "show", tmp_path)
    assert ran.code == code
    assert "Traceback (most recent call last)" in ran.err
    assert ran.err.splitlines()[-1].startswith("antares-legacy: ")


@pytest.mark.parametrize("arguments", [["--help"], ["convert", "--help"], ["--version"]])
def test_start_up_has_no_warnings(arguments: list[str], program: Path) -> None:
    done = subprocess.run([sys.executable, "-W", "error", str(program), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_quiet_and_verbose_are_options_of_the_program(cli: Cli) -> None:
    for option in ("-q", "--quiet", "-v", "--verbose", "--debug"):
        assert cli(option, "--version").code == 0
