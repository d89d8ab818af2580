"""Command lines of Apptainer, and its faults; the real one is in test_toolroot.py."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from containers.engine.apptainer import build_options, mount_options
from containers.engine.choose import choose_engine
from containers.engine.contract import Bind, BuildJob
from containers.engine.host import host_engine
from containers.engine.toolroot import ToolRootEntrance
from containers.workplace import Workplace
from legacy.errors import MachineError, UsageError

# Stands in for an Apptainer that is too old, hangs or dies: a real one does that only by accident.
STAND_IN = """#!/bin/sh
[ "$1" = --quiet ] && shift
case "$1" in
    --version) echo "apptainer version {version}" ;;
    build) case "$*" in
        *--help*) echo "{help}" ;;
        *) for last; do target=$definition; definition=$last; done
           echo half >"$target"; echo "args: $*"; env; {build} ;;
        esac ;;
    test) env ;;
esac
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "StandIn":
    return StandIn(tmp_path / "bin", monkeypatch)


class StandIn:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path = folder / "apptainer"
        folder.mkdir()
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def __call__(self, version: str = "1.4.5", options: str = "--build-arg", build: str = ":") -> None:
        self._path.write_text(STAND_IN.format(version=version, help=options, build=build))
        self._path.chmod(self._path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def job(tmp_path: Path) -> BuildJob:
    context = tmp_path / "context"
    context.mkdir()
    definition = context / "a.def"
    definition.write_text("Bootstrap: docker\nFrom: debian\n%post\n true\n")
    return BuildJob(definition, context, tmp_path / "a.sif.part", {"FROM": "x=y z"})


def test_options_of_a_build(job: BuildJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    bind = Bind(Path("/a b"), "/c")
    mount = ("--mount", "type=bind,source=/a b,destination=/c,ro")
    assert build_options(job, (bind,)) == ("--force", "--build-arg", "FROM=x=y z", *mount)
    quick = BuildJob(job.definition, job.context, job.target, sandbox=True, test=False)
    assert build_options(quick, ()) == ("--force", "--sandbox", "--notest")


def test_an_ordinary_user_builds_with_fakeroot(job: BuildJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--fakeroot" in build_options(job, ())


def test_any_path_can_be_bound() -> None:
    binds = [Bind(Path('/a,b:c "d"'), "/x", writable=True)]
    assert mount_options(binds) == ("--mount", 'type=bind,"source=/a,b:c ""d""",destination=/x')
    with pytest.raises(UsageError, match=r"/a\\nb: a path with a line break"):
        mount_options([Bind(Path("/a\nb"), "/x")])


def test_an_engine_of_the_host(
    stand_in: StandIn, place: Workplace, job: BuildJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@example.org")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    stand_in()
    engine = choose_engine(place, None)
    assert (engine.facts.name, engine.facts.version, engine.facts.where) == ("apptainer", "1.4.5", "host")
    said: list[str] = []
    assert engine.build(job, said.append).exit_code == 0
    assert said[0].endswith(f"--build-arg FROM=x=y z {job.target} {job.definition}")
    assert f"PWD={job.context}" in said
    assert "HTTPS_PROXY=http://proxy.example.org:3128" in said
    # Apptainer passes its environment on to %post.
    assert not [line for line in said if "secret" in line]
    assert not list(place.builds.iterdir())


def test_a_test_knows_no_proxy(stand_in: StandIn, place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without network it cannot be reached, and it would be asked for what is on this very machine."""
    monkeypatch.setenv("http_proxy", "http://proxy.example.org:3128")
    stand_in()
    said: list[str] = []
    host_engine("apptainer", place).test(Path("a.sif"), "", (), said.append)
    assert said
    assert not [line for line in said if "example.org" in line]


def test_an_interrupted_build_is_ended(
    stand_in: StandIn, place: Workplace, job: BuildJob, sleepers_end: Callable[[str], None]
) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("args"):
            raise KeyboardInterrupt

    stand_in(build="sleep 6200 & sleep 6200")
    with pytest.raises(KeyboardInterrupt):
        host_engine("apptainer", place).build(job, interrupt)
    sleepers_end("6200")
    assert not list(place.builds.iterdir())


def test_a_build_that_dies(stand_in: StandIn, place: Workplace, job: BuildJob) -> None:
    stand_in(build="kill -9 $$")
    assert host_engine("apptainer", place).build(job, str).exit_code == 137


def test_an_old_engine_is_refused(stand_in: StandIn, place: Workplace) -> None:
    stand_in(version="1.1.0", options="--fakeroot")
    with pytest.raises(MachineError, match=r"version 1\.1\.0, which has no build arguments; Apptainer 1\.2 or later"):
        choose_engine(place, "apptainer")


def test_an_engine_that_does_not_start(stand_in: StandIn, place: Workplace) -> None:
    stand_in()
    Path(os.environ["PATH"].split(":")[0], "apptainer").write_text("#!/bin/sh\necho broken library >&2; exit 127\n")
    with pytest.raises(MachineError, match="does not run: broken library"):
        choose_engine(place, "apptainer")


def test_what_is_to_be_seen_must_exist(stand_in: StandIn, place: Workplace, tmp_path: Path) -> None:
    stand_in()
    (tmp_path / "x.sif").touch()
    with pytest.raises(UsageError, match="missing is to be seen inside and does not exist"):
        host_engine("apptainer", place).test(tmp_path / "x.sif", "", (Bind(tmp_path / "missing", "/x"),), str)


def test_the_tool_root_sees_what_is_named(place: Workplace, tmp_path: Path) -> None:
    folders = (tmp_path / "a/b", tmp_path / "a", tmp_path / "c", tmp_path / "c")
    root = ToolRootEntrance(place).space(folders).root
    assert root is not None
    assert [bind.host for bind in root.binds if bind.writable] == [f"{tmp_path}/a", f"{tmp_path}/c"]
    assert all(bind.host == bind.inside for bind in root.binds if bind.writable)


def test_only_proxies_of_the_environment_enter_the_tool_root(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@example.org")
    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    names = ToolRootEntrance(place).environment()
    assert "PIP_INDEX_URL" not in names
    assert names["https_proxy"] == "http://proxy.example.org:3128"


def test_unknown_and_missing_engines(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("ANTARES_LEGACY_ENGINE", raising=False)
    with pytest.raises(UsageError, match="unknown engine 'aptainer'; did you mean 'apptainer'"):
        choose_engine(place, "aptainer")
    with pytest.raises(MachineError, match="singularity is not on the PATH"):
        choose_engine(place, "singularity")
    with pytest.raises(MachineError, match="there is no tool root; make it with: antares-legacy containers doctor"):
        choose_engine(place, "toolroot")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MachineError, match=r"no engine works here: apptainer is .*tool-root: .*chroot.*doctor$"):
        choose_engine(place, None)


def test_the_environment_can_name_the_engine(place: Workplace, monkeypatch: pytest.MonkeyPatch, as_root: None) -> None:
    monkeypatch.setenv("ANTARES_LEGACY_ENGINE", "chroot")
    assert choose_engine(place, None).facts.where == "emulation"
    monkeypatch.setenv("ANTARES_LEGACY_ENGINE", "docker")
    with pytest.raises(UsageError, match="unknown engine 'docker'"):
        choose_engine(place, None)
