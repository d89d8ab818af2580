"""Images that a real Apptainer builds, tests and runs: what goes well, and what must fail.

`apptainer.sh` makes sure that an engine is there. The images of `base` and `io` are built once, into
``ANTARES_LEGACY_IMAGES`` where it is set, so that a second run of the tests has only little to build.
"""

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from containers.catalogue import RECIPES, own_catalogue
from containers.engine.choose import choose_engine
from containers.engine.contract import Engine
from containers.reports import read_report
from containers.workplace import workplace
from legacy.errors import MachineError

pytestmark = pytest.mark.real

Program = Callable[..., "subprocess.CompletedProcess[str]"]
DEFINITION = """Bootstrap: {{ BOOTSTRAP }}
From: {{ FROM }}

%arguments
    BOOTSTRAP=localimage
    FROM=base.sif

%post
    set -eu
    echo "made in post" >/made
"""
# The command line on recipes of another folder than that of the package.
DRIVER = """
import sys
from pathlib import Path
import containers.catalogue
containers.catalogue.RECIPES = Path(sys.argv[1])
containers.catalogue.CATALOGUE = Path(sys.argv[1], "catalogue.yaml")
sys.argv[1:2] = []
from legacy.cli import main
main()
"""


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return the engine of this machine, or skip; in continuous integration its absence is a failure."""
    try:
        found = choose_engine(workplace(), None)
    except MachineError as error:
        problem = str(error)
    else:
        if found.facts.makes_images:
            return found
        problem = "only chroot emulation is here; tests/real/apptainer.sh sets up an engine"
    # apptainer.sh asks for the emulation where an engine cannot be had: the one absence that is no failure.
    if os.environ.get("CI") == "true" and os.environ.get("ANTARES_LEGACY_ENGINE") != "chroot":
        pytest.fail(problem)
    pytest.skip(problem)


@pytest.fixture(scope="module")
def images(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of images."""
    return Path(os.environ.get("ANTARES_LEGACY_IMAGES") or tmp_path_factory.mktemp("images"))


def _run(command: list[str], images: Path, **options: object) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "ANTARES_LEGACY_IMAGES": str(images)}
    done: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
        command, **{"capture_output": True, "text": True, "timeout": 1800, "env": environment, **options}
    )
    return done


@pytest.fixture(scope="module")
def containers_program(program: Path, images: Path) -> Program:
    """Return a function that runs ``antares-legacy containers``."""
    return lambda *arguments, **options: _run([str(program), "containers", *map(str, arguments)], images, **options)


@pytest.fixture(scope="module")
def io(containers_program: Program, images: Path) -> Path:
    """Return the image `io`, built as a user would build it."""
    done = containers_program("build", "io")
    assert done.returncode == 0, done.stderr
    return images / "io.sif"


@dataclass(frozen=True, slots=True)
class Tiny:
    """A recipe on top of the real base that does next to nothing."""

    recipes: Path
    images: Path

    def write(self, sections: str) -> None:
        (self.recipes / "tiny" / "tiny.def").write_text(DEFINITION + sections)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", DRIVER, str(self.recipes), "containers", *arguments]

    def run(self, *arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
        return _run(self.command(*arguments), self.images, **options)

    @property
    def image(self) -> Path:
        return self.images / "tiny.sif"


@pytest.fixture
def tiny(images: Path, tmp_path: Path) -> Iterator[Tiny]:
    """Return a small recipe; its base is that of all images."""
    recipes = tmp_path / "recipes"
    # Inputs of the base are the same, so its image is current.
    shutil.copytree(RECIPES / "base", recipes / "base", ignore=shutil.ignore_patterns("__pycache__"))
    (recipes / "tiny").mkdir()
    about = {"title": "tiny", "purpose": "to test", "tier": "A", "licence": "BSD-3-Clause", "size_mb": 60}
    entries = {"base": about, "tiny": {**about, "base": "base", "apps": {"say": "says"}}}
    (recipes / "catalogue.yaml").write_text(yaml.safe_dump({"recipes": entries}, sort_keys=False))
    yield Tiny(recipes, images)
    for left in images.glob("tiny*"):
        left.unlink()


def test_doctor_finds_the_engine(containers_program: Program, engine: Engine) -> None:
    done = containers_program("doctor", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["makes_images"] is True


def test_io_is_built_and_reported(io: Path, images: Path, containers_program: Program) -> None:
    report = read_report(images / "io.json")
    assert report.passed
    assert report.kind == "sif"
    assert report.image_bytes == io.stat().st_size <= 150e6
    assert {f"app:{app}" for app in own_catalogue().find("io").apps} <= {test.name for test in report.tests}
    assert "pypi:h5py" in report.packages
    assert "deb:libc6" in report.packages
    rows = {row["name"]: row for row in json.loads(containers_program("list", "--json").stdout)}
    assert rows["io"]["current"], rows["io"]["status"]


def test_io_passes_its_tests(io: Path, containers_program: Program) -> None:
    done = containers_program("test", "io")
    assert done.returncode == 0, done.stderr
    assert "not written" not in done.stderr


def test_inspect_says_inside_what_it_says_outside(
    io: Path, containers_program: Program, run_program: Callable[..., object], sample: Callable[[str], Path]
) -> None:
    source = sample("evt/KM3Sim.evt")
    started = time.monotonic()
    inside = containers_program("run", "io", "inspect", "--", source, "--json", cwd=source.parent.parent)
    seconds = time.monotonic() - started
    assert inside.returncode == 0, inside.stderr
    outside = run_program("inspect", source, "--json")
    assert json.loads(inside.stdout) == json.loads(outside.out)  # type: ignore[attr-defined]
    assert seconds < 30, "a start is no build"


def test_files_outside_of_the_working_folder_are_seen(
    io: Path, containers_program: Program, sample: Callable[[str], Path], tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there, with: odd name"
    here.mkdir()
    there.mkdir()
    source = shutil.copy(sample("evt/KM3Sim.evt"), there / "a b.evt")
    done = containers_program("run", "io", "inspect", "--", source, cwd=here)
    assert done.returncode == 0, done.stderr
    assert "a b.evt" in done.stdout
    done = containers_program("run", "io", "inspect", "--", there / "missing.evt", cwd=here)
    assert done.returncode == 1, "the exit code is that of the program"


# What is bound during a build is not there afterwards: settings of registries, folders of packages.
NOTHING_OF_THE_HOST = """
    set -e
    test -f /made
    test ! -s /etc/pip.conf
    test -z "$(ls -A /mnt /media /srv | grep -v :)"
"""


def test_what_a_program_sees(tiny: Tiny, tmp_path: Path) -> None:
    script = """
    cat
    cat "$1"
    echo x >"$2/new"
    echo "$ANTARES_LEGACY_IMAGE_DIGEST" >here
    (echo x >>"$1") 2>/dev/null && exit 6
    exit 5
"""
    tiny.write(f"\n%test\n{NOTHING_OF_THE_HOST}\n%apprun say\n{script}")
    done = tiny.run("build", "tiny")
    assert done.returncode == 0, done.stderr
    here, there, out = (tmp_path / name for name in ("here", "there", "out"))
    for folder in (here, there, out):
        folder.mkdir()
    (there / "input").write_text("of a file\n")
    command = ("run", "tiny", "say", "--bind", f"{out}:{out}:rw", "--", str(there / "input"), str(out))
    done = tiny.run(*command, cwd=here, input="of stdin\n")
    assert (done.returncode, done.stdout) == (5, "of stdin\nof a file\n"), done.stderr
    assert (out / "new").read_text() == "x\n"
    assert (there / "input").read_text() == "of a file\n", "inputs cannot be changed"
    report = read_report(tiny.images / "tiny.json")
    assert (here / "here").read_text() == f"sha256:{report.image_sha256}\n"


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ("\n%test\n    echo the answer is wrong\n    exit 4\n", "the answer is wrong"),
        ("    echo about to fail\n    exit 3\n\n%test\n    true\n", "about to fail"),
        ("\n%psot\n    true\n\n%test\n    true\n", "psot"),
        ("\n%test\n    true\n\n%apprun say\n    true\n\n%apptest say\n    exit 9\n", "app:say"),
    ],
    ids=["failing %test", "failing %post", "misspelt section", "failing test of an app"],
)
def test_what_fails_leaves_no_image(sections: str, said: str, tiny: Tiny) -> None:
    tiny.write(sections)
    done = tiny.run("build", "tiny")
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not tiny.image.exists()
    assert not list(tiny.images.glob("*.part"))
    assert not list(workplace().builds.glob("tiny.*"))


def test_a_test_has_no_network(tiny: Tiny) -> None:
    """A server on this very machine: a build reaches it, a test does not."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_: None  # type: ignore[method-assign,assignment]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        code = f"import socket; socket.create_connection(('127.0.0.1', {server.server_port}), 5).close()"
        tiny.write(f'    python3 -c "{code}"\n    echo "post has a network"\n\n%test\n    python3 -c "{code}"\n')
        done = tiny.run("build", "tiny")
        assert done.returncode == 1
        assert "the test %test failed" in done.stderr
        assert "post has a network" in (tiny.images / "tiny.log").read_text()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_an_interrupted_build_leaves_no_image(number: signal.Signals, code: int, tiny: Tiny) -> None:
    word = f"antares-legacy-test-{os.getpid()}-{code}"
    tiny.write(f"    echo sleeping; python3 -c 'import time; time.sleep(600)' {word}\n\n%test\n    true\n")
    environment = {**os.environ, "ANTARES_LEGACY_IMAGES": str(tiny.images)}
    process = subprocess.Popen(
        tiny.command("build", "tiny"),
        env=environment,
        stderr=subprocess.DEVNULL,
        # A shell starts what is in the background deaf to SIGINT, and the tests may be.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        _wait(lambda: _running(word))
        process.send_signal(number)
        assert process.wait(60) == code
        _wait(lambda: not _running(word))
    finally:
        process.kill()
        process.wait()
    assert not tiny.image.exists()
    if number != signal.SIGKILL:
        assert not list(workplace().builds.glob("tiny.*"))
        return
    tiny.write("\n%test\n    true\n")
    done = tiny.run("build", "tiny")
    assert done.returncode == 0, done.stderr
    assert not list(workplace().builds.glob("tiny.*"))


def _running(word: str) -> bool:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has just ended
            continue
        if command[:1] == [b"python3"] and word.encode() in command:
            return True
    return False


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.1)
