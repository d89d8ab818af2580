"""What this machine can do for containers: facts found by trying, and what each of them means for the user.

`find_facts` looks, `judge` says what it means; nothing on the machine is changed.
"""

import os
import pwd
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from containers.engine.capabilities import is_root, missing_capabilities, trouble_with
from containers.engine.chroot import chroot_engine
from containers.engine.contract import Engine
from containers.engine.host import SEE_DOCTOR, host_engine
from containers.engine.space import Space
from containers.engine.toolroot import INSTALL, toolroot_engine
from containers.workplace import Workplace
from legacy.errors import MachineError

REGISTRY = "registry-1.docker.io"
_HTTPS_PORT = 443
_PATIENCE = 3.0  # seconds
_SPACE_IMAGES, _SPACE_WORK, _MEMORY = 2_000_000_000, 5_000_000_000, 2_000_000_000


class State(StrEnum):
    """How a finding stands."""

    OK = "ok"
    """Nothing to do."""
    NOTE = "note"
    """Something cannot be done that not everybody needs."""
    TROUBLE = "trouble"
    """Builds fail, or give no image."""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What was found.

    Parameters
    ----------
    root
        This process runs as root.
    missing
        Capabilities that it lacks.
    namespaces
        What was refused when a user namespace was tried; ``""`` when it works.
    mounts
        The same for mounts and processes of its own, in a user namespace where one is needed.
    file_systems
        Which of ``squashfs``, ``overlay`` and ``fuse`` the kernel knows by now.
    fuse_device
        ``/dev/fuse`` can be opened.
    engines
        ``name version`` of each engine that works, by ``apptainer``, ``singularity``, ``toolroot``, ``chroot``.
    problems
        Why the others do not.
    debootstrap
        Where it is, ``""`` when it would be fetched.
    apt
        ``apt-get`` is there.
    subordinate
        The user has ranges in both ``/etc/subuid`` and ``/etc/subgid``.
    images_free, work_free
        Free bytes for images and for work.
    memory
        Bytes that can be had now.
    registry
        Why the public registry of images cannot be reached; ``""`` when it can.
    """

    root: bool
    missing: tuple[str, ...]
    namespaces: str
    mounts: str
    file_systems: frozenset[str]
    fuse_device: bool
    engines: dict[str, str]
    problems: dict[str, str]
    debootstrap: str
    apt: bool
    subordinate: bool
    images_free: int
    work_free: int
    memory: int
    registry: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact and what follows from it.

    Parameters
    ----------
    name
        What was looked at.
    state
        How it stands.
    found
        The fact.
    meaning
        What it means for containers.
    next_step
        What to do, ``""`` for nothing.
    """

    name: str
    state: State
    found: str
    meaning: str
    next_step: str = ""


def find_facts(place: Workplace) -> MachineFacts:
    """Look at this machine; takes some seconds when the registry does not answer."""
    engines, problems = _engines(place)
    missing = missing_capabilities()
    own = "identity" if is_root() else "own"
    needed = own if missing or not is_root() else ""
    return MachineFacts(
        root=is_root(),
        missing=missing,
        namespaces=trouble_with(Space(user=own)),
        mounts=trouble_with(Space(user=needed, apart=True)),
        file_systems=_file_systems(),
        fuse_device=os.access("/dev/fuse", os.R_OK | os.W_OK),
        engines=engines,
        problems=problems,
        debootstrap=shutil.which("debootstrap") or "",
        apt=shutil.which("apt-get") is not None,
        subordinate=_has_ranges(Path("/etc/subuid")) and _has_ranges(Path("/etc/subgid")),
        images_free=free_bytes(place.images),
        work_free=free_bytes(place.work),
        memory=_memory(Path("/proc/meminfo")),
        registry=_reach(REGISTRY, _HTTPS_PORT),
    )


def makes_images(facts: MachineFacts) -> bool:
    """Tell whether an engine works here that makes images."""
    return any(name != "chroot" for name in facts.engines)


def judge(facts: MachineFacts) -> tuple[Finding, ...]:
    """Say what the facts mean; pure."""
    return (
        _engine(facts),
        _host_program("apptainer", facts),
        _host_program("singularity", facts),
        _tool_root(facts),
        _emulation(facts),
        _user(facts),
        _capabilities(facts),
        _namespaces(facts),
        _mounts(facts),
        _kernel(facts),
        _debootstrap(facts),
        _space("space for images", facts.images_free, _SPACE_IMAGES, "ANTARES_LEGACY_IMAGES"),
        _space("space for work", facts.work_free, _SPACE_WORK, "ANTARES_LEGACY_CONTAINER_WORK"),
        _memory_found(facts),
        _registry(facts),
    )


def _engine(facts: MachineFacts) -> Finding:
    names = [name for name in facts.engines if name != "chroot"]
    if names:
        return Finding("engine", State.OK, facts.engines[names[0]], f"images are built and started with '{names[0]}'")
    if not facts.root:
        step = "ask for Apptainer 1.2 or later on this machine"
    elif facts.mounts:
        step = "use a machine, or start this container with the right, to mount (see 'mounts')"
    else:
        step = INSTALL
    return Finding("engine", State.TROUBLE, "none that makes images", "no image can be built or started", step)


def _host_program(name: str, facts: MachineFacts) -> Finding:
    if name in facts.engines:
        return Finding(name, State.OK, facts.engines[name], "it is used before any other engine")
    return Finding(name, State.NOTE, facts.problems.get(name, "not here"), "not needed where the tool root works")


def _tool_root(facts: MachineFacts) -> Finding:
    if "toolroot" in facts.engines:
        return Finding("tool root", State.OK, facts.engines["toolroot"], "Apptainer in a folder of its own")
    meaning = "Apptainer in a folder of its own, where the machine has none"
    step = INSTALL if facts.root and not facts.mounts and not makes_images(facts) else ""
    return Finding("tool root", State.NOTE, facts.problems.get("toolroot", "not made"), meaning, step)


def _emulation(facts: MachineFacts) -> Finding:
    meaning = "tries the steps of a recipe and makes no image"
    found = "works" if "chroot" in facts.engines else facts.problems.get("chroot", "does not work")
    return Finding("chroot emulation", State.OK if "chroot" in facts.engines else State.NOTE, found, meaning)


def _user(facts: MachineFacts) -> Finding:
    if facts.root:
        return Finding("user", State.OK, "root", "builds need no --fakeroot")
    if facts.subordinate:
        return Finding(
            "user", State.OK, "ordinary, with ranges in /etc/subuid and /etc/subgid", "builds use --fakeroot"
        )
    return Finding(
        "user",
        State.NOTE,
        "ordinary, without ranges in /etc/subuid and /etc/subgid",
        "--fakeroot then knows root alone; installing packages in %post may fail",
        "ask the administrator for: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER",
    )


def _capabilities(facts: MachineFacts) -> Finding:
    if not facts.root:
        return Finding("capabilities", State.OK, "those of an ordinary user", "none is needed")
    if not facts.missing:
        return Finding("capabilities", State.OK, "all", "Apptainer gets what it asks for")
    found = f"without {', '.join(facts.missing)}"
    if facts.namespaces:
        step = "start this container or machine with all capabilities, or work as an ordinary user"
        return Finding("capabilities", State.TROUBLE, found, "Apptainer as root asks for all of them and stops", step)
    return Finding("capabilities", State.OK, found, "Apptainer gets all of them inside a user namespace; this is done")


def _namespaces(facts: MachineFacts) -> Finding:
    if not facts.namespaces:
        return Finding("user namespaces", State.OK, "work", "tried")
    needed = not facts.root or bool(facts.missing)
    meaning = "Apptainer needs them here" if needed else "not needed by root with all capabilities"
    step = "ask for: sysctl user.max_user_namespaces=15000 (Debian and Ubuntu have more switches)" if needed else ""
    return Finding("user namespaces", State.TROUBLE if needed else State.OK, facts.namespaces, meaning, step)


def _mounts(facts: MachineFacts) -> Finding:
    if not facts.mounts:
        return Finding("mounts", State.OK, "work", "the tool root and chroot emulation can be entered")
    meaning = "neither the tool root nor chroot emulation can be entered"
    step = "a container must be started with the right to mount, such as: docker run --privileged"
    return Finding("mounts", State.NOTE if makes_images(facts) else State.TROUBLE, facts.mounts, meaning, step)


def _kernel(facts: MachineFacts) -> Finding:
    known = [name for name in ("squashfs", "overlay", "fuse") if name in facts.file_systems]
    found = ", ".join([*known, f"/dev/fuse {'usable' if facts.fuse_device else 'not usable'}"])
    # Only root may let the kernel mount an image; everybody else does it through /dev/fuse.
    if facts.fuse_device or (facts.root and "squashfs" in known):
        return Finding("file systems", State.OK, found, "images can be mounted")
    if facts.root:
        step = "load a module: modprobe squashfs, or modprobe fuse"
        return Finding("file systems", State.NOTE, found, "an image can be mounted only after a module is loaded", step)
    step = "ask the administrator for: chmod 666 /dev/fuse"
    return Finding("file systems", State.TROUBLE, found, "an ordinary user can start no image", step)


def _debootstrap(facts: MachineFacts) -> Finding:
    if facts.debootstrap:
        return Finding("debootstrap", State.OK, facts.debootstrap, "makes the tool root and the base folder")
    if facts.apt:
        return Finding("debootstrap", State.OK, "fetched when needed", "it is kept apart; nothing is installed")
    meaning = "neither the tool root nor the base folder can be made"
    return Finding(
        "debootstrap", State.NOTE, "not here, and no apt to fetch it", meaning, "install debootstrap, or use --docker"
    )


def _space(name: str, free: int, wanted: int, variable: str) -> Finding:
    found = f"{free / 1e9:.1f} GB free"
    if free >= wanted:
        return Finding(name, State.OK, found, "enough for the images of tier A")
    step = f"free some, or set {variable} to another folder"
    return Finding(name, State.TROUBLE, found, f"a build may need {wanted / 1e9:.0f} GB", step)


def _memory_found(facts: MachineFacts) -> Finding:
    found = f"{facts.memory / 1e9:.1f} GB"
    if facts.memory >= _MEMORY:
        return Finding("memory", State.OK, found, "enough to pack an image")
    return Finding("memory", State.NOTE, found, "packing an image may be slow or fail", "close other programs")


def _registry(facts: MachineFacts) -> Finding:
    if not facts.registry:
        return Finding("registry", State.OK, f"{REGISTRY} answers", "recipes can start from an image of a registry")
    meaning = "recipes cannot start from an image of the public registry (--docker, and those of tier C)"
    return Finding("registry", State.NOTE, facts.registry, meaning, "see the proxy settings; tier A needs no registry")


def _engines(place: Workplace) -> tuple[dict[str, str], dict[str, str]]:
    ways: dict[str, Callable[[], Engine]] = {
        "apptainer": lambda: host_engine("apptainer", place),
        "singularity": lambda: host_engine("singularity", place),
        "toolroot": lambda: toolroot_engine(place),
        "chroot": lambda: chroot_engine(place),
    }
    found, problems = {}, {}
    for name, choose in ways.items():
        try:
            facts = choose().facts
            found[name] = f"{facts.name} {facts.version}".strip()
        except MachineError as error:
            problems[name] = str(error).removesuffix(SEE_DOCTOR)
    return found, problems


def _file_systems() -> frozenset[str]:
    lines = Path("/proc/filesystems").read_text(encoding="ascii").splitlines()
    return frozenset(line.split()[-1] for line in lines if line.strip())


def _has_ranges(path: Path) -> bool:
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = ""
    names = {user, str(os.getuid())} - {""}
    if not path.is_file():
        return False
    return any(line.split(":")[0] in names for line in path.read_text(encoding="utf-8").splitlines())


def free_bytes(folder: Path) -> int:
    """Return the free bytes where `folder` is or would be made."""
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    return shutil.disk_usage(there).free


def _memory(path: Path) -> int:
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _reach(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE):
            return ""
    except OSError as error:
        return f"{host} cannot be reached: {error.strerror or error}"
