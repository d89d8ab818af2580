"""The real Apptainer of the tool root: builds, tests, starts, is interrupted."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from containers.engine.base_folder import make_base_folder
from containers.engine.contract import Bind, BuildJob, Engine
from containers.engine.process import Start, collect
from containers.engine.toolroot import ToolRootEntrance, toolroot_engine
from containers.workplace import WORK_VARIABLE, Workplace, workplace
from legacy.errors import MachineError

pytestmark = pytest.mark.real
REPOSITORY = Path(__file__).resolve().parents[3]
HEAD = "Bootstrap: {{ BOOTSTRAP }}\nFrom: {{ FROM }}\n%arguments\n BOOTSTRAP=docker\n FROM=none\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Return the place of the tool root: `tests/real/apptainer.sh` makes it."""
    if os.environ.get("ANTARES_LEGACY_ENGINE") == "chroot":
        pytest.skip("no tool root can be had: chroot emulation takes its place")
    place = workplace(tmp_path_factory.mktemp("images"))
    try:
        toolroot_engine(place)
    except MachineError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no tool root although CI=true: {error}")
        pytest.skip(str(error))
    return place


@pytest.fixture(scope="module")
def engine(shop: Workplace) -> Engine:
    return toolroot_engine(shop)


@pytest.fixture(scope="module")
def base(shop: Workplace) -> Path:
    return make_base_folder(shop, str)


@pytest.fixture
def job(base: Path, tmp_path: Path) -> Callable[..., BuildJob]:
    """Return a function that makes the job of a definition; its context has a space, a comma and a colon."""
    context = tmp_path / "con text, a:b"
    context.mkdir()
    (context / "base").symlink_to(base)

    def make(text: str, **options: object) -> BuildJob:
        (context / "a.def").write_text(HEAD + text)
        arguments = {"BOOTSTRAP": "localimage", "FROM": "base"}
        options = {"sandbox": True, **options}
        return BuildJob(context / "a.def", context, tmp_path / "a.part", arguments, **options)  # type: ignore[arg-type]

    return make


def test_an_image_is_built_tested_and_run(
    engine: Engine, job: Callable[..., BuildJob], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = """%files
 data.txt /opt/data.txt
%environment
 export GREETING=hello
%post
 set -e
 grep . /etc/apt/sources.list
 : >/etc/cut
 chown 42:42 /opt/data.txt
%test
 test "$(stat -c %u /opt/data.txt)" = 42 || test "$(id -u)" != 0
 ! touch /opt/no
 touch /tmp/yes "$HOME/yes"
%apprun say
 echo "$GREETING" "$GIVEN" "$@"; pwd; cat
%apptest say
 cat /proc/net/dev; ls /seen
"""
    made = job(text, sandbox=False, test=False)
    (made.context / "data.txt").write_text("data\n")
    said: list[str] = []
    assert engine.build(made, said.append).exit_code == 0, said[-10:]
    assert made.target.is_file()
    assert engine.test(made.target, "", (), said.append).exit_code == 0, said[-10:]
    said.clear()
    assert engine.test(made.target, "say", (Bind(tmp_path, "/seen"),), said.append).exit_code == 0
    assert "a.part" in said
    assert [line.split(":")[0].strip() for line in said if ": " in line] == ["lo"]
    folder = tmp_path / "work, here"
    folder.mkdir()
    capfd.readouterr()
    assert engine.run(made.target, "say", ["a b", "c,d"], (), folder, {"GIVEN": "x=1, y"}).exit_code == 0
    out = capfd.readouterr()
    assert (out.out, out.err) == (f"hello x=1, y a b c,d\n{folder}\n", "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("%post\n echo before; false\n", "while running %post section"),
        ("%post\n true\n%test\n exit 3\n", "%test"),
        ("%psot\n true\n", "invalid section"),
    ],
)
def test_a_bad_definition_fails(engine: Engine, job: Callable[..., BuildJob], text: str, problem: str) -> None:
    said: list[str] = []
    assert engine.build(job(text), said.append).exit_code == 255
    assert problem in "\n".join(said)


def test_nothing_of_the_hosts_settings_stays(engine: Engine, job: Callable[..., BuildJob]) -> None:
    made = job("%post\n grep -q . /etc/pip.conf\n grep -q BEGIN /etc/ssl/certs/ca-certificates.crt\n")
    said: list[str] = []
    assert engine.build(made, said.append).exit_code == 0, said[-10:]
    assert (made.target / "etc/pip.conf").read_text() == ""
    assert "check-valid-until" not in (made.target / "etc/apt/sources.list").read_text()


def test_a_test_that_reaches_for_the_network_fails(engine: Engine, job: Callable[..., BuildJob]) -> None:
    reach = "python3 -c 'import socket; socket.create_connection((\"192.0.2.1\", 80), timeout=5)'"
    made = job(f"%post\n true\n%test\n {reach}\n", test=False)
    engine.build(made, str)
    said: list[str] = []
    assert engine.test(made.target, "", (), said.append).exit_code != 0
    assert "Network is unreachable" in "\n".join(said)


BUILD = """
import sys
from pathlib import Path
sys.path.append(sys.argv[1])
from containers.engine.contract import BuildJob
from containers.engine.toolroot import toolroot_engine
from containers.workplace import workplace
context, target = map(Path, sys.argv[2:4])
job = BuildJob(context / "a.def", context, target, {"BOOTSTRAP": "localimage", "FROM": "base"}, sandbox=True)
toolroot_engine(workplace()).build(job, lambda line: print(line, flush=True))
"""


@pytest.fixture
def started(job: Callable[..., BuildJob]) -> Iterator["subprocess.Popen[str]"]:
    """Return the process of a build whose %post does not end."""
    made = job("%post\n echo reached\n sleep 6400\n")
    command = [sys.executable, "-c", BUILD, str(REPOSITORY), str(made.context), str(made.target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert any(line == "reached\n" for line in process.stdout)
        yield process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_build_leaves_nothing_running(
    started: "subprocess.Popen[str]", number: signal.Signals, tmp_path: Path, sleepers_end: Callable[[str], None]
) -> None:
    started.send_signal(number)
    started.wait(60)
    sleepers_end("6400")
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def test_the_tool_root_does_not_change(engine: Engine, shop: Workplace) -> None:
    entrance = ToolRootEntrance(shop)
    code, said = collect(Start(("touch", "/usr/bin/new"), "/", entrance.environment(), entrance.space(())))
    assert code != 0
    assert "Read-only file system" in said
    assert not list((shop.tool_root / "proc").iterdir())


def test_packages_are_listed(shop: Workplace) -> None:
    listing = shop.tool_root.with_name("tool-root.packages.txt").read_text()
    assert listing.startswith("apptainer\t1.")


def test_a_missing_tool_root_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORK_VARIABLE, str(tmp_path))
    with pytest.raises(MachineError, match="doctor --install"):
        toolroot_engine(workplace())
