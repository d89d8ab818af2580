"""Builds: what is made, in which order, under which names, and what remains when something fails."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from directory_engine import DirectoryEngine
from kitchen import GOOD_POST, Kitchen

from containers.build import Wish, Workshop, build
from containers.errors import BuildFailedError
from containers.forms import Form
from containers.plan import make_plan, require_space
from containers.reports import inputs_digest, read_report
from containers.scratch import build_folder, image_lock
from containers.telling import Told
from containers.workplace import Workplace
from legacy.errors import MachineError, UsageError

Cli = Callable[..., Any]


@pytest.fixture
def shop(kitchen: Kitchen, engine: DirectoryEngine) -> Workshop:
    return Workshop(kitchen.place, kitchen.catalogue, engine, lambda place, say: kitchen.base)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_chain_is_built_tested_and_reported(shop: Workshop, kitchen: Kitchen) -> None:
    said: list[str] = []
    told = Told(said.append)
    reports = build(Wish("child"), Workshop(shop.place, shop.catalogue, shop.engine, shop.make_base, told))
    assert [report.name for report in reports] == ["base", "child"]
    images = kitchen.place.images
    for name in ("base", "child"):
        report = read_report(images / f"{name}.json")
        assert report.passed
        assert report.kind == "sif"
        assert report.image_sha256 == sha256(images / f"{name}.sif")
        assert report.image_bytes == (images / f"{name}.sif").stat().st_size
        assert [test.name for test in report.tests] == ["%test", "app:hello"]
        assert report.packages == {"deb:bash": "5.2", "pypi:numpy": "2.1"}
        assert report.inputs_sha256 == inputs_digest(kitchen.catalogue.chain(name))
    assert read_report(images / "base.json").base_sha256 == sha256(kitchen.base.with_name("os.packages.txt"))
    assert read_report(images / "child.json").base_sha256 == sha256(images / "base.sif")
    assert kitchen.leftovers() == []
    assert not list(images.glob("*.log"))
    assert said[0] == "base: building (1 of 2; never built)"
    assert said[-1].startswith("child: built in ")


def test_the_engine_is_given_the_base(shop: Workshop, engine: DirectoryEngine) -> None:
    build(Wish("child"), shop)
    first, second = engine.jobs
    assert dict(first.arguments) == {"BOOTSTRAP": "localimage", "FROM": "base"}
    assert dict(second.arguments) == {"BOOTSTRAP": "localimage", "FROM": "base.sif"}
    assert not first.test
    assert first.target.name.endswith(".part")


def test_a_current_image_is_kept(cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen) -> None:
    assert cli("containers", "build", "child").code == 0
    before = (kitchen.place.images / "child.sif").stat()
    ran = cli("containers", "build", "child")
    assert (ran.code, len(with_engine.jobs)) == (0, 2)
    assert "nothing to do" in ran.err
    assert (kitchen.place.images / "child.sif").stat().st_mtime_ns == before.st_mtime_ns
    assert cli("containers", "build", "child", "--rebuild").code == 0
    assert len(with_engine.jobs) == 3, "the base, which is current, is not built again"


def test_what_is_stale_is_built_again(shop: Workshop, kitchen: Kitchen) -> None:
    build(Wish("child"), shop)
    (kitchen.recipes / "child" / "README.md").write_text("not an input")
    assert build(Wish("child"), shop) == ()
    (kitchen.recipes / "child" / "new").write_text("an input")
    assert [report.name for report in build(Wish("child"), shop)] == ["child"]
    (kitchen.recipes / "base" / "new").write_text("an input of both")
    assert [report.name for report in build(Wish("child"), shop)] == ["base", "child"]
    # The base alone is built anew: what was built on the old one is stale.
    kitchen.add("base", GOOD_POST + 'date +%N >"$ROOT/new"\n')
    build(Wish("base", rebuild=True), shop)
    assert [report.name for report in build(Wish("child"), shop)] == ["child"]


@pytest.mark.parametrize(
    ("post", "test", "problem"),
    [
        (
            '    for n in $(seq 30); do echo "line $n"; done; exit 3\n',
            "    true\n",
            "the build failed with exit code 3",
        ),
        (GOOD_POST, "    echo 'the answer is wrong'; exit 4\n", "the test %test failed with exit code 4"),
    ],
    ids=["%post", "%test"],
)
def test_a_failure_leaves_no_image(
    post: str, test: str, problem: str, cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen
) -> None:
    kitchen.add("child", post, test, base="base")
    ran = cli("containers", "build", "child")
    assert ran.code == 1
    assert problem in ran.err.splitlines()[-1]
    images = kitchen.place.images
    assert not (images / "child.sif").exists()
    assert (images / "base.sif").is_file(), "what is complete stays"
    assert kitchen.leftovers() == []
    shown = [line.strip() for line in ran.err.splitlines() if line.startswith("  ")]
    if "%post" in problem or post != GOOD_POST:
        assert shown == [f"line {n}" for n in range(11, 31)], "the last 20 lines"
        assert "line 1\n" in (images / "child.log").read_text()
        status = "build failed"
    else:
        assert shown == ["the answer is wrong"]
        status = "tests failed"
    rows = {row["name"]: row["status"] for row in json.loads(cli("containers", "list", "--json").out)}
    assert rows["child"].startswith(status)


def test_a_failing_test_of_an_app_is_a_failure(shop: Workshop, kitchen: Kitchen) -> None:
    apps = "\n%apprun good\n true\n%apptest good\n true\n%apprun bad\n true\n%apptest bad\n exit 9\n"
    kitchen.add("child", apps=apps, base="base")
    with pytest.raises(BuildFailedError, match="app:bad failed with exit code 9"):
        build(Wish("child"), shop)
    report = read_report(kitchen.place.images / "child.json")
    assert [(test.name, test.exit_code) for test in report.tests] == [("%test", 0), ("app:good", 0), ("app:bad", 9)]


def test_an_earlier_image_outlives_a_failed_build(shop: Workshop, kitchen: Kitchen) -> None:
    build(Wish("child"), shop)
    image, report = kitchen.place.images / "child.sif", kitchen.place.images / "child.json"
    before = (sha256(image), report.read_text())
    kitchen.add("child", "    exit 1\n", base="base")
    with pytest.raises(BuildFailedError, match=r"the earlier image .*child\.sif stays"):
        build(Wish("child"), Workshop(shop.place, kitchen.catalogue, shop.engine, shop.make_base))
    assert (sha256(image), report.read_text()) == before


def test_control_characters_of_a_build_reach_no_terminal(
    cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen
) -> None:
    kitchen.add("child", "    printf 'red \\033[31m text\\n'; exit 1\n", base="base")
    ran = cli("containers", "build", "child")
    assert "red \\x1b[31m text" in ran.err
    assert "\x1b" not in ran.err
    assert "red \x1b[31m text" in (kitchen.place.images / "child.log").read_text()


def test_passwords_in_addresses_are_not_told(cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen) -> None:
    kitchen.add("child", "    echo from https://user:pass-word@example.org/x, debian://name@sha256:12\n    exit 3\n")
    ran = cli("containers", "build", "child")
    for text in (ran.err, (kitchen.place.images / "child.log").read_text()):
        assert "from https://****@example.org/x, debian://name@sha256:12" in text
        assert "pass-word" not in text


def test_a_sandbox_is_a_folder(cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen) -> None:
    assert cli("containers", "build", "child", "--sandbox").code == 0
    images = kitchen.place.images
    assert (images / "base.sif").is_file()
    assert (images / "child.sandbox" / "etc" / "os-release").is_file()
    report = read_report(images / "child.sandbox.json")
    assert (report.kind, report.image_sha256, report.passed) == ("sandbox", "", True)
    assert report.packages == {"deb:bash": "5.2", "pypi:numpy": "2.1"}
    assert not (images / "child.json").exists()


def test_an_emulation_is_never_called_an_image(cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen) -> None:
    ran = cli("containers", "build", "child", "--engine", "chroot")
    assert ran.code == 0
    assert "makes no image" in ran.err
    assert not list(kitchen.place.images.glob("*.sif"))
    report = read_report(kitchen.place.images / "child.emulation.json")
    assert (report.kind, report.passed) == ("chroot emulation", False)
    rows = {row["name"]: row["status"] for row in json.loads(cli("containers", "list", "--json").out)}
    assert rows["child"].startswith("chroot emulation only")
    assert cli("containers", "test", "child").code == 0
    assert cli("containers", "build", "child").code == 0, "and it does not stand for one"
    assert (kitchen.place.images / "child.sif").is_file()


def test_a_log_is_kept_when_asked_for(shop: Workshop, kitchen: Kitchen) -> None:
    build(Wish("child", keep_log=True), shop)
    text = (kitchen.place.images / "child.log").read_text()
    assert "== child: %post\nbuilding in " in text
    assert "== test app:hello\ntesting hello\n" in text


def test_another_folder_of_images(cli: Cli, with_engine: DirectoryEngine, tmp_path: Path, kitchen: Kitchen) -> None:
    assert cli("containers", "build", "child", "-o", tmp_path / "mine").code == 0
    assert {path.name for path in (tmp_path / "mine").glob("*.sif")} == {"base.sif", "child.sif"}
    assert not kitchen.place.images.exists()
    assert "tests passed" in cli("containers", "list", "--images", tmp_path / "mine").out


def test_one_build_of_an_image_at_a_time(shop: Workshop, kitchen: Kitchen) -> None:
    with (
        image_lock(kitchen.place, "base"),
        pytest.raises(MachineError, match="base is in the hands of another run"),
    ):
        build(Wish("child"), shop)
    assert kitchen.leftovers() == []


def test_no_engine_is_said_with_exit_code_3(
    cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    import containers.engine.choose

    def none(place: object, wanted: object, say: object = None) -> object:
        raise MachineError("no engine works here")

    monkeypatch.setattr(containers.engine.choose, "choose_engine", none)
    ran = cli("containers", "build", "child")
    assert (ran.code, ran.out) == (3, "")
    assert "no engine works here" in ran.err
    assert not kitchen.place.images.exists()


def test_a_full_disk_is_noticed_before_any_work(shop: Workshop, kitchen: Kitchen, engine: DirectoryEngine) -> None:
    kitchen.add("child", base="base", size_mb=10**9)
    full = Workshop(kitchen.place, kitchen.catalogue, engine, shop.make_base)
    with pytest.raises(MachineError, match="MB are free, this build needs about"):
        build(Wish("child"), full)
    assert not engine.jobs
    assert not kitchen.place.images.exists()
    require_space(10, 10, "x", "y")
    with pytest.raises(MachineError, match="make room"):
        require_space(9, 10, "x", "y")


def test_a_disk_that_fills_up_during_the_build(
    process_arguments: Callable[..., list[str]], kitchen: Kitchen, tmp_path: Path
) -> None:
    """A limit on the size of a file stands for the full disk: the same error at the same place."""
    kitchen.add("child", base="base", post=GOOD_POST + '    head -c 3000000 /dev/zero >"$ROOT/large"\n')
    assert subprocess.run(process_arguments("containers", "build", "base"), capture_output=True).returncode == 0
    command = process_arguments("containers", "build", "child")
    limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 2000; exec "$@"', "bash", *command]
    done = subprocess.run(limited, capture_output=True, text=True)
    assert done.returncode in (1, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert not (kitchen.place.images / "child.sif").exists()
    assert kitchen.leftovers() == []
    assert subprocess.run(command, capture_output=True).returncode == 0, "with room, the same command does it"


def test_bases_of_a_wish_are_planned_in_order(kitchen: Kitchen) -> None:
    kitchen.add("grandchild", base="child")
    steps = make_plan(kitchen.catalogue, "grandchild", kitchen.place, Form.SANDBOX, rebuild=False)
    assert [(step.recipe.name, step.form) for step in steps] == [
        ("base", Form.SIF),
        ("child", Form.SIF),
        ("grandchild", Form.SANDBOX),
    ]


def test_docker_starts_from_the_pinned_image(
    cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = cli("containers", "build", "child", "--docker")
    assert ran.code == 2
    assert "no pinned image for base" in ran.err
    kitchen.add("base", docker="debian@sha256:" + "a" * 64)
    kitchen.add("child", base="base")
    ran = cli("containers", "build", "child", "--docker")
    assert ran.code != 0, "the engine of the tests knows no registry"
    assert dict(with_engine.jobs[-1].arguments) == {"BOOTSTRAP": "docker", "FROM": "debian@sha256:" + "a" * 64}


def test_a_read_only_folder_of_a_dead_build_is_removed(shop: Workshop, kitchen: Kitchen) -> None:
    dead = kitchen.place.builds / "child.abcd1234" / "root" / "locked"
    dead.mkdir(parents=True)
    (dead / "file").touch()
    dead.chmod(0o500)
    (kitchen.place.builds / "other.abcd1234").mkdir()
    build(Wish("child"), shop)
    assert [path.name for path in kitchen.place.builds.iterdir()] == ["other.abcd1234"]


def test_a_build_for_another_folder_of_images_is_left_alone(shop: Workshop, kitchen: Kitchen, tmp_path: Path) -> None:
    elsewhere = Workplace(tmp_path / "other-images", kitchen.place.work)
    with build_folder(elsewhere, "child") as folder:
        build(Wish("child"), shop)
        assert folder.is_dir()
        assert kitchen.leftovers() == [folder.name]
    assert kitchen.leftovers() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_mount_below_a_dead_build_is_not_emptied(shop: Workshop, kitchen: Kitchen, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "data").write_text("keep me")
    point = kitchen.place.builds / "child.abcd1234" / "a b"
    point.mkdir(parents=True)
    if subprocess.run(["mount", "--bind", precious, point], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(MachineError, match="umount"):
            build(Wish("child"), shop)
    finally:
        subprocess.run(["umount", "-l", point], check=True)
    assert (precious / "data").read_text() == "keep me"


def test_an_image_of_other_source_files_is_not_current(
    cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen, tmp_path: Path
) -> None:
    source = {"title": "code", "file": "code.txt", "licence": "BSD-3-Clause", "who": "all", "required": False}
    kitchen.add("base", sources={"code": source})
    code = tmp_path / "code.txt"
    code.write_text("1")
    build_child = ("containers", "build", "child")
    assert cli(*build_child).code == 0
    assert "base: building (1 of 2; other source files)" in cli(*build_child, "--source", f"code={code}").err
    assert "nothing to do" in cli(*build_child, "--source", f"code={code}").err
    code.write_text("2")
    assert "other source files" in cli(*build_child, "--source", f"code={code}").err
    assert "nothing to do" in cli(*build_child).err


def test_an_unknown_recipe_names_the_nearest(cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen) -> None:
    ran = cli("containers", "build", "childd")
    assert ran.code == 2
    assert "did you mean 'child'?" in ran.err


def test_missing_definition(shop: Workshop, kitchen: Kitchen) -> None:
    (kitchen.recipes / "child" / "child.def").unlink()
    with pytest.raises(Exception, match=r"child\.def: is missing"):
        build(Wish("child"), shop)
    assert kitchen.leftovers() == []


def test_the_wheel_goes_in_where_the_recipe_wants_it(shop: Workshop, kitchen: Kitchen) -> None:
    kitchen.add("child", GOOD_POST + '    ls wheels/antares_legacy-*.whl >"$ROOT/wheels"\n', base="base", toolkit=True)
    build(Wish("child", sandbox=True), Workshop(shop.place, kitchen.catalogue, shop.engine, shop.make_base))
    assert "antares_legacy-" in (kitchen.place.images / "child.sandbox" / "wheels").read_text()


def test_sources_are_unknown_to_a_recipe_without(shop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes no source files"):
        build(Wish("child", {"x": tmp_path}), shop)


def test_progress_in_a_terminal(process_arguments: Callable[..., list[str]], kitchen: Kitchen) -> None:
    kitchen.add("child", GOOD_POST + "    echo '[red]line[/]'; sleep 0.5; echo last; sleep 0.5; exit 1\n", base="base")
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    process = subprocess.Popen(
        process_arguments("containers", "build", "child"), stderr=writer, env={**os.environ, "TERM": "xterm"}
    )
    os.close(writer)
    seen = b""
    with contextlib.suppress(OSError):  # what a terminal says when its last program is gone
        while block := os.read(reader, 1 << 16):
            seen += block
    os.close(reader)
    assert process.wait() == 1
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())
    assert "child: %post" in text
    assert "[red]line[/]" in text, "output is no markup"
    lines = [line.strip("\r") for line in text.split("\n")]
    assert "base: building (1 of 2; never built)" in [line.rpartition("\r")[2] for line in lines]
    assert "  last" in lines
