"""What is found out about this machine, and what is said about any machine."""

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from containers.engine import doctor
from containers.engine.capabilities import missing_capabilities
from containers.engine.doctor import Finding, MachineFacts, State, find_facts, judge, makes_images
from containers.workplace import Workplace

GOOD = MachineFacts(
    root=True,
    missing=(),
    namespaces="",
    mounts="",
    file_systems=frozenset({"squashfs", "overlay", "fuse", "ext4"}),
    fuse_device=True,
    engines={"apptainer": "apptainer 1.4.5", "chroot": "chroot"},
    problems={"singularity": "singularity is not on the PATH", "toolroot": "there is no tool root"},
    debootstrap="/usr/sbin/debootstrap",
    apt=True,
    subordinate=True,
    images_free=50_000_000_000,
    work_free=50_000_000_000,
    memory=8_000_000_000,
    registry="",
)
NO_ENGINE = {"engines": {"chroot": "chroot"}}


def found(facts: MachineFacts, name: str) -> Finding:
    (finding,) = [finding for finding in judge(facts) if finding.name == name]
    return finding


def test_a_good_machine_has_no_trouble() -> None:
    assert not [finding for finding in judge(GOOD) if finding.state is State.TROUBLE or finding.next_step]
    assert makes_images(GOOD)


@pytest.mark.parametrize(
    ("changes", "name", "state", "step"),
    [
        (NO_ENGINE, "engine", State.TROUBLE, "doctor --install"),
        (NO_ENGINE, "tool root", State.NOTE, "doctor --install"),
        ({**NO_ENGINE, "root": False}, "engine", State.TROUBLE, "ask for Apptainer"),
        ({**NO_ENGINE, "mounts": "refused"}, "engine", State.TROUBLE, "right, to mount"),
        ({**NO_ENGINE, "mounts": "refused"}, "mounts", State.TROUBLE, "--privileged"),
        ({"missing": ("CAP_SYS_RESOURCE",)}, "capabilities", State.OK, ""),
        ({"missing": ("CAP_SYS_RESOURCE",), "namespaces": "no"}, "capabilities", State.TROUBLE, "all capabilities"),
        ({"missing": ("CAP_SYS_RESOURCE",), "namespaces": "no"}, "user namespaces", State.TROUBLE, "sysctl"),
        ({"namespaces": "no"}, "user namespaces", State.OK, ""),
        ({"root": False, "namespaces": "no"}, "user namespaces", State.TROUBLE, "sysctl"),
        ({"root": False, "subordinate": False}, "user", State.NOTE, "usermod --add-subuids"),
        ({"file_systems": frozenset(), "fuse_device": False}, "file systems", State.NOTE, "modprobe"),
        ({"fuse_device": False}, "file systems", State.OK, ""),
        ({"root": False, "fuse_device": False}, "file systems", State.TROUBLE, "chmod 666 /dev/fuse"),
        ({"debootstrap": ""}, "debootstrap", State.OK, ""),
        ({"debootstrap": "", "apt": False}, "debootstrap", State.NOTE, "install debootstrap"),
        ({"images_free": 1}, "space for images", State.TROUBLE, "ANTARES_LEGACY_IMAGES"),
        ({"work_free": 1}, "space for work", State.TROUBLE, "ANTARES_LEGACY_CONTAINER_WORK"),
        ({"memory": 1}, "memory", State.NOTE, "close other programs"),
        ({"registry": "away"}, "registry", State.NOTE, "proxy"),
    ],
)
def test_each_shortcoming_has_a_next_step(changes: dict[str, object], name: str, state: State, step: str) -> None:
    finding = found(replace(GOOD, **changes), name)  # type: ignore[arg-type]
    assert finding.state is state
    assert step in finding.next_step
    assert bool(step) == bool(finding.next_step)


def test_emulation_makes_no_images() -> None:
    assert not makes_images(replace(GOOD, engines={"chroot": "chroot"}))


def test_this_machine(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "REGISTRY", "localhost")
    monkeypatch.setattr(doctor, "_HTTPS_PORT", 1)
    facts = find_facts(place)
    assert facts.root == (os.geteuid() == 0)
    assert facts.memory > 10_000_000
    assert facts.images_free > 0
    assert "localhost cannot be reached" in facts.registry
    assert {*facts.engines, *facts.problems} == {"apptainer", "singularity", "toolroot", "chroot"}
    assert all(finding.found and finding.meaning for finding in judge(facts))
    assert not place.images.exists()
    assert not place.tool_root.exists()


def test_a_registry_that_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert doctor._reach("127.0.0.1", server.getsockname()[1]) == ""


def test_missing_capabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from containers.engine import capabilities

    status, last = tmp_path / "status", tmp_path / "last"
    last.write_text("40\n")
    monkeypatch.setattr(capabilities, "_STATUS", status)
    monkeypatch.setattr(capabilities, "_LAST", last)
    status.write_text("CapPrm:\t000001fffeffffff\n")
    assert missing_capabilities() == ("CAP_SYS_RESOURCE",)
    status.write_text("CapPrm:\t000001ffffffffff\n")
    assert missing_capabilities() == ()
    last.write_text("41\n")
    assert missing_capabilities() == ("CAP_41",)


@pytest.mark.parametrize(("text", "known"), [("root:1:2\n0:5:6\nme:1:2\n", True), ("somebody-else:1:2\n", False)])
def test_ranges_of_users(tmp_path: Path, text: str, known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    path = tmp_path / "subuid"
    path.write_text(text.replace("me:", pwd.getpwuid(os.getuid()).pw_name + ":"))
    assert doctor._has_ranges(path) is known
    assert doctor._has_ranges(tmp_path / "missing") is False
