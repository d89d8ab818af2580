"""The emulation, with real shells in a small system; root only."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from containers.definition import parse_definition
from containers.engine.chroot import chroot_engine
from containers.engine.contract import Bind, BuildJob, Engine
from containers.engine.emulated_files import copy_files
from containers.workplace import Workplace
from legacy.errors import InputError, MachineError, UsageError

REPOSITORY = Path(__file__).resolve().parents[3]
HEAD = "Bootstrap: {{ BOOTSTRAP }}\nFrom: {{ FROM }}\n"
WHOLE = (
    HEAD
    + """
%arguments
    BOOTSTRAP=localimage
    FROM=none
%files
    data.txt /opt/data.txt
    tree
%labels
    org.opencontainers.image.title A small one
%environment
    export GREETING=hello
%post
    echo "post of {{ FROM }}" >/opt/made.txt
    id -u
    ls /.singularity.d
    touch /tmp/left-in-tmp
%runscript
    echo ran "$GREETING" "$@"
%test
    test -f /opt/made.txt && test -f /tree/leaf.txt && cat /opt/data.txt
%appinstall say
    echo built in $SCIF_APPROOT; pwd; mkdir bin; touch bin/program
%appenv say
    export NAME=app
%apprun say
    echo "$GREETING" "$NAME" "$GIVEN" "$SCIF_APPNAME" "$@"; pwd; cat
%apptest say
    test "$NAME" = app
%apprun odd -c /bin/sh -e
    false; echo not reached
"""
)


@pytest.fixture
def engine(as_root: None, place: Workplace) -> Engine:
    return chroot_engine(place)


@pytest.fixture
def job(system: Path, tmp_path: Path) -> Callable[..., BuildJob]:
    """Return a function that makes the job of a definition; the small system is its base."""
    context = tmp_path / "con text"
    (context / "tree").mkdir(parents=True)
    (context / "tree/leaf.txt").write_text("leaf\n")
    (context / "data.txt").write_text("data of the build\n")
    system.rename(context / "base")

    def make(text: str, **options: object) -> BuildJob:
        definition = context / "recipe.def"
        definition.write_text(text)
        arguments = {"BOOTSTRAP": "localimage", "FROM": "base"}
        return BuildJob(definition, context, tmp_path / "out.part", arguments, **options)  # type: ignore[arg-type]

    return make


def test_a_definition_is_built_tested_and_run(
    engine: Engine, job: Callable[..., BuildJob], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    made = job(WHOLE)
    assert engine.build(made, said.append).exit_code == 0, said
    assert (made.target / "opt/made.txt").read_text() == "post of base\n"
    assert "data of the build" in said
    assert "built in /scif/apps/say" in said
    assert (made.target / "scif/apps/say/bin/program").exists()
    assert not (made.target / ".post.script").exists()
    assert not (made.context / "base/opt/made.txt").exists()
    assert engine.test(made.target, "say", (), said.append).exit_code == 0
    folder = tmp_path / "work, here"
    folder.mkdir()
    capfd.readouterr()
    done = engine.run(made.target, "say", ["a b", "c"], (), folder, {"GIVEN": "x=1, y"})
    assert done.exit_code == 0
    assert capfd.readouterr().out == f"hello app x=1, y say a b c\n{folder}\n"
    assert engine.run(made.target, "", ["z"], (), folder, {}).exit_code == 0
    assert capfd.readouterr().out == "ran hello z\n"
    assert engine.run(made.target, "odd", [], (), folder, {}).exit_code == 1
    assert not engine.facts.makes_images


def test_binds_are_seen(engine: Engine, job: Callable[..., BuildJob], tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    made = job(HEAD + "%post\n ls /mnt/word; ! touch /mnt/other\n%test\n touch /data/word && ! touch /ro/x\n")
    (seen / "word").touch()
    assert engine.build(BuildJob(**{**fields(made), "binds": (Bind(seen, "/mnt"),), "test": False}), str).exit_code == 0
    binds = (Bind(seen, "/data", writable=True), Bind(tmp_path, "/ro"))
    assert engine.test(made.target, "", binds, str).exit_code == 0


def fields(job: BuildJob) -> dict[str, object]:
    return {name: getattr(job, name) for name in BuildJob.__dataclass_fields__}


@pytest.mark.parametrize(
    "text",
    [
        "%post\n echo before\n false\n echo after\n",
        "%post\n true\n%test\n exit 3\n",
        "%post\n true\n%appinstall x\n exit 9\n",
    ],
)
def test_a_failing_section_leaves_nothing(engine: Engine, job: Callable[..., BuildJob], text: str) -> None:
    said: list[str] = []
    made = job(HEAD + text)
    assert engine.build(made, said.append).exit_code != 0
    assert not made.target.exists()
    assert "after" not in said


def test_tests_are_left_out_when_not_wanted(engine: Engine, job: Callable[..., BuildJob]) -> None:
    made = job(HEAD + "%post\n true\n%test\n exit 3\n", test=False)
    assert engine.build(made, str).exit_code == 0
    assert engine.test(made.target, "", (), str).exit_code == 3


def test_a_test_has_no_network_and_changes_nothing(engine: Engine, job: Callable[..., BuildJob]) -> None:
    made = job(HEAD + "%post\n true\n%test\n cat /proc/net/dev; touch /tmp/x /root/x; ! touch /opt/x\n", test=False)
    said: list[str] = []
    engine.build(made, said.append)
    said.clear()
    assert engine.test(made.target, "", (), said.append).exit_code == 0, said
    assert [line.split(":")[0].strip() for line in said if ":" in line and "touch" not in line] == ["lo"]


def test_the_host_is_not_seen(engine: Engine, job: Callable[..., BuildJob], tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    made = job(HEAD + f"%post\n ! ls '{tmp_path}' && ! ls /home && test -z \"$SECRET\"\n")
    assert engine.build(made, str).exit_code == 0


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ("../outside.txt", "outside of the build"),
        ("/etc/passwd /opt/x", "outside of the build"),
        ("missing.txt", "is not there"),
        ("out-link /opt/x", "link out of the build"),
        ("data.txt /opt/../../x", "leads out of the image"),
        ("data.txt /srv/away/x", "leads out of the image"),
        ("data.txt /srv/file-link", "leads out of the image"),
        ("away.d /srv", "leads out of the image"),
        ("data.txt /a /b", "more than a file and a place"),
    ],
)
def test_no_file_leads_out(tmp_path: Path, files: str, problem: str) -> None:
    context, target, outside = tmp_path / "context", tmp_path / "image", tmp_path / "outside.txt"
    outside.write_text("mine\n")
    (context / "away.d/away").mkdir(parents=True)
    (context / "away.d/away/outside.txt").write_text("theirs\n")
    (context / "data.txt").write_text("theirs\n")
    (context / "out-link").symlink_to(outside)
    (target / "srv/away.d").mkdir(parents=True)
    (target / "srv/away").symlink_to(tmp_path)
    (target / "srv/away.d/away").symlink_to(tmp_path)
    (target / "srv/file-link").symlink_to(outside)
    definition = parse_definition(f"Bootstrap: localimage\nFrom: base\n%files\n    {files}\n", tmp_path / "x.def")
    with pytest.raises(InputError, match=problem):
        copy_files(definition, context, target)
    assert outside.read_text() == "mine\n"


def test_files_are_put_where_apptainer_puts_them(tmp_path: Path) -> None:
    context, target = tmp_path / "context", tmp_path / "image"
    (context / "a").mkdir(parents=True)
    (context / "a/x.txt").write_text("x")
    (context / "a/y.txt").write_text("y")
    (context / "a/link").symlink_to("x.txt")
    target.mkdir()
    text = "%files\n a/x.txt\n a/x.txt /new/name.txt\n a/*.txt /two\n a/y.txt /two/\n a /tree\n %comment\n"
    definition = parse_definition("Bootstrap: localimage\nFrom: b\n" + text.replace(" %comment\n", ""), tmp_path / "d")
    copy_files(definition, context, target)
    found = {str(path.relative_to(target)) for path in target.rglob("*") if not path.is_dir()}
    assert found == {"a/x.txt", "new/name.txt", "two/x.txt", "two/y.txt", "tree/x.txt", "tree/y.txt", "tree/link"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HEAD + "%setup\n touch /from-setup\n", "%setup, which runs on the host"),
        (HEAD + "%pre\n true\n", "%pre, which runs on the host"),
        ("Bootstrap: docker\nFrom: debian\n%post\n true\n", "expected Bootstrap: localimage; found docker"),
        ("Bootstrap: localimage\nFrom: nothing\n%post\n true\n", "no operating system folder"),
        (HEAD + "%files from other\n a b\n", "another stage"),
        (HEAD + "%appinstall ../x\n true\n", "is no name of an app"),
    ],
)
def test_what_cannot_be_emulated_is_refused(
    engine: Engine, job: Callable[..., BuildJob], text: str, problem: str
) -> None:
    made = job(text)
    with pytest.raises(InputError, match=problem):
        engine.build(made, str)
    assert not made.target.exists()
    assert not Path("/from-setup").exists()


def test_an_unknown_app(engine: Engine, job: Callable[..., BuildJob], tmp_path: Path) -> None:
    made = job(WHOLE, test=False)
    engine.build(made, str)
    with pytest.raises(UsageError, match="has no app 'sya'; it has: say, odd"):
        engine.run(made.target, "sya", (), (), tmp_path, {})
    with pytest.raises(UsageError, match="no test of an app 'odd'"):
        engine.test(made.target, "odd", (), str)


def test_a_folder_from_elsewhere_is_no_emulation(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was not made by chroot emulation"):
        engine.test(tmp_path, "", (), str)


BUILD = """
import sys
from pathlib import Path
sys.path.append(sys.argv[1])
from containers.engine.chroot import chroot_engine
from containers.engine.contract import BuildJob
from containers.workplace import Workplace
work, context, target = map(Path, sys.argv[2:5])
job = BuildJob(context / "recipe.def", context, target, {"BOOTSTRAP": "localimage", "FROM": "base"})
chroot_engine(Workplace(work, work)).build(job, lambda line: print(line, flush=True))
"""


def test_a_killed_build_leaves_no_process_and_no_mount(
    as_root: None, job: Callable[..., BuildJob], tmp_path: Path, sleepers_end: Callable[[str], None]
) -> None:
    made = job(HEAD + "%post\n echo reached\n sleep 6100\n")
    arguments = [str(REPOSITORY), str(tmp_path / "work"), str(made.context), str(made.target)]
    with subprocess.Popen([sys.executable, "-c", BUILD, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line == "reached\n" for line in process.stdout)
        process.kill()
    sleepers_end("6100")
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    # The next build clears what it finds.
    made = job(HEAD + "%post\n true\n")
    assert chroot_engine(Workplace(tmp_path, tmp_path / "work")).build(made, str).exit_code == 0


def test_an_ordinary_user_gets_no_emulation(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MachineError, match="has to be root; ask for Apptainer"):
        chroot_engine(place)
