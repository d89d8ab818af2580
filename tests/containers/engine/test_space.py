"""Namespaces and other roots, with real programs in them."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from containers.engine.process import Start, collect
from containers.engine.space import Root, Shown, Space, space_from_json
from legacy.errors import MachineError

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def inside(space: Space, script: str, folder: str = "/") -> tuple[int, str]:
    return collect(Start(("sh", "-c", script), folder, ENVIRONMENT, space))


def names_and_times(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.lstat().st_mtime_ns) for path in (folder, *folder.rglob("*")))


def test_a_space_survives_json() -> None:
    space = Space("identity", apart=True, network=False, root=Root("/x", binds=(Shown("/a", "/b", writable=True),)))
    assert space_from_json(space.to_json()) == space


def test_mounts_and_processes_are_the_programs_own(apart: Space) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    code, said = inside(apart, "ls -d /proc/[0-9]* | wc -l; cat /proc/self/mountinfo | wc -l")
    assert code == 0
    assert int(said.split()[0]) < 10
    assert Path("/proc/self/mountinfo").read_text() == before


def test_users_are_the_same_inside(apart: Space, tmp_path: Path) -> None:
    code, said = inside(apart, f"id -u; touch '{tmp_path}/made'")
    assert (code, said) == (0, str(os.geteuid()))
    assert (tmp_path / "made").stat().st_uid == os.geteuid()


@pytest.mark.usefixtures("as_root")
def test_files_can_be_given_to_other_users_in_a_user_namespace(tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.touch()
    code, said = inside(Space("identity", apart=True), f"chown 1234:4321 '{path}' && cat /proc/self/status")
    assert code == 0, said
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)
    # All that the kernel knows, also what root of this machine may lack.
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    assert f"CapEff: {(1 << (last + 1)) - 1:016x}" in said


def test_without_network_there_is_a_loopback_interface_only(apart: Space) -> None:
    script = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    alone = replace(apart, network=False)
    code, said = collect(Start(("python3", "-c", script), "/", dict(os.environ), alone))
    assert code == 0, said
    _, interfaces = inside(alone, "cat /proc/net/dev")
    assert [line.split(":")[0].strip() for line in interfaces.splitlines()[2:]] == ["lo"]


def test_another_root_is_entered_and_not_changed(apart: Space, system: Path, tmp_path: Path) -> None:
    shown = tmp_path / "some where, else:x"
    shown.mkdir()
    before = names_and_times(system)
    binds = (Shown(str(shown), str(shown), writable=True), Shown(str(shown), "/usr/share/deep/place"))
    root = Root(str(system), binds=binds)
    script = "pwd; ls /; touch here; touch /usr/share/deep/place/no; touch /usr/bin/no; ls /usr/bin; ls /home /tmp"
    code, said = inside(replace(apart, root=root), script, str(shown))
    assert code != 0
    lines = said.splitlines()
    assert lines[0] == str(shown)
    assert "sh" in lines
    assert said.count("Read-only file system") == 2
    assert "cannot access '/home'" in said
    assert [path.name for path in shown.iterdir()] == ["here"]
    assert names_and_times(system) == before


def test_a_few_devices_are_there(apart: Space, system: Path) -> None:
    script = "echo x >/dev/null && cat /dev/null && ls /dev && ls /proc/self/fd >/dev/null"
    code, said = inside(replace(apart, root=Root(str(system))), script)
    assert code == 0, said
    assert {"null", "zero", "urandom", "stdin"} <= set(said.split())
    assert not {"kmsg", "mem", "sda", "vda", "loop0"} & set(said.split())


def test_a_writable_root_keeps_what_is_written(apart: Space, system: Path) -> None:
    code, said = inside(replace(apart, root=Root(str(system), layered=False)), "echo text >/etc/new; touch /new")
    assert code == 0, said
    assert (system / "etc/new").read_text() == "text\n"
    assert (system / "new").exists()
    assert not list((system / "dev").iterdir())


def test_places_in_a_writable_root_must_exist(apart: Space, system: Path, tmp_path: Path) -> None:
    root = Root(str(system), layered=False, binds=(Shown(str(tmp_path), "/not/there"),))
    with pytest.raises(MachineError, match="/not/there does not exist inside"):
        inside(replace(apart, root=root), "true")


def test_what_is_shown_must_exist(apart: Space, system: Path, tmp_path: Path) -> None:
    root = Root(str(system), binds=(Shown(str(tmp_path / "missing"), "/mnt"),))
    with pytest.raises(MachineError, match=r"missing is to be shown inside and does not exist"):
        inside(replace(apart, root=root), "true")


@pytest.mark.parametrize("layered", [True, False])
def test_a_link_inside_leads_no_mount_away(apart: Space, system: Path, tmp_path: Path, layered: bool) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (system / "opt/link").symlink_to(outside)
    root = Root(str(system), layered=layered, binds=(Shown(str(tmp_path), "/opt/link", writable=True),))
    with pytest.raises(MachineError, match="/opt/link is reached through a link inside"):
        inside(replace(apart, root=root), "true")


@pytest.mark.parametrize("layered", [True, False])
def test_a_root_whose_proc_is_a_link_is_refused(apart: Space, system: Path, layered: bool) -> None:
    (system / "proc").rmdir()
    (system / "proc").symlink_to("/etc")
    with pytest.raises(MachineError, match="proc"):
        inside(replace(apart, root=Root(str(system), layered=layered)), "true")


def test_a_folder_that_is_no_system_is_refused(apart: Space, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="is no operating system folder"):
        inside(replace(apart, root=Root(str(tmp_path))), "true")


def test_the_root_may_lie_in_a_folder_that_is_shown(apart: Space, system: Path, tmp_path: Path) -> None:
    root = Root(str(system), binds=(Shown(str(tmp_path), str(tmp_path), writable=True),))
    code, said = inside(replace(apart, root=root), f"ls '{system}/usr/bin/sh' && cat /proc/self/mountinfo")
    assert code == 0, said
    assert len(said.splitlines()) < 200
