"""Builds another root out of binds, in a mount namespace of its own.

Nothing is made in the folders that are shown: a root that may not change is a small file system in memory whose
folders are bound from it, and only the folders on the way to a bind are made anew.
"""

import os
import re
import stat
from pathlib import Path

from containers.engine import kernel
from containers.engine.space import Root, Shown

_FEW_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_OWN = ("proc", "sys", "dev")
_OCTAL = re.compile(r"\\([0-7]{3})")


def keep_mounts_private() -> None:
    """Let no mount made from now on be seen outside of this mount namespace; raises OSError."""
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)


def mount_processes(root: str = "") -> None:
    """Mount ``/proc`` of the own process namespace; raises OSError."""
    kernel.mount("proc", f"{root}/proc", "proc", 0)


def enter_root(root: Root) -> None:
    """Build the root and change to it.

    Raises
    ------
    OSError
        A mount was refused, or a path is missing; the message names it.
    """
    folder = os.path.realpath(root.folder)
    stage = _layered(folder, root) if root.layered else _itself(folder)
    for name in _OWN:
        if Path(stage, name).is_symlink():  # it would lead the mount to another place
            raise NotADirectoryError(f"{folder} is no operating system folder: its /{name} is a link")
        _make_folder(f"{stage}/{name}")
    mount_processes(stage)
    if root.devices:
        for name in ("sys", "dev"):
            kernel.bind(f"/{name}", f"{stage}/{name}")
    else:
        _few_devices(f"{stage}/dev")
    for shown in root.binds:
        _show(stage, shown, create=root.layered)
    kernel.mount("", stage, "", kernel.MS_PRIVATE)
    kernel.change_root(stage)


def _itself(folder: str) -> str:
    kernel.bind(folder, folder)
    return folder


def _layered(folder: str, root: Root) -> str:
    # /proc of the folder is never shown, so it can carry the new root.
    stage = f"{folder}/proc"
    if Path(stage).is_symlink() or not Path(stage).is_dir():
        raise NotADirectoryError(f"{folder} is no operating system folder: it has no /proc")
    kernel.mount("tmpfs", stage, "tmpfs", 0, "mode=755,size=16m")
    # A bind of a folder above would otherwise carry the half-built root with it.
    kernel.mount("", stage, "", kernel.MS_UNBINDABLE)
    _copy_level(folder, stage, [os.path.normpath(shown.inside) for shown in root.binds], "")
    return stage


def _copy_level(folder: str, stage: str, places: list[str], above: str) -> None:
    """Show the entries of one folder; those on the way to a place become folders of the stage."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path, target = f"{above}/{entry.name}", f"{stage}/{entry.name}"
        if path[1:] in _OWN:
            continue
        if entry.is_symlink():
            Path(target).symlink_to(Path(entry.path).readlink())
        elif entry.is_dir(follow_symlinks=False):
            Path(target).mkdir()
            Path(target).chmod(stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode))
            if any(place.startswith(f"{path}/") for place in places):
                _copy_level(entry.path, target, places, path)
            else:
                _bind_frozen(entry.path, target)
        elif entry.is_file(follow_symlinks=False):
            Path(target).touch()
            _bind_frozen(entry.path, target)


def _show(stage: str, shown: Shown, *, create: bool) -> None:
    if not Path(shown.host).exists():
        raise FileNotFoundError(f"{shown.host} is to be shown inside and does not exist")
    target = f"{stage}{os.path.normpath(shown.inside)}"
    # A link inside a foreign folder must not lead the mount to another place.
    if os.path.realpath(target) != target:
        raise OSError(f"{shown.inside} is reached through a link inside; choose another place for {shown.host}")
    if not Path(target).exists():
        if not create:
            raise FileNotFoundError(f"{shown.inside} does not exist inside; {shown.host} cannot be shown there")
        if Path(shown.host).is_dir():
            _make_folder(target)
        else:
            _make_folder(str(Path(target).parent))
            Path(target).touch()
    if shown.writable:
        kernel.bind(shown.host, target)
    else:
        _bind_frozen(shown.host, target)


def _bind_frozen(source: str, target: str) -> None:
    kernel.bind(source, target)
    for point in _mounts_below(target):
        kernel.freeze(point)


def _mounts_below(folder: str) -> list[str]:
    points = []
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), line.split(" ")[4])
        if point == folder or point.startswith(f"{folder}/"):
            points.append(point)
    return points


def _few_devices(folder: str) -> None:
    kernel.mount("tmpfs", folder, "tmpfs", 0, "mode=755,size=64k")
    for name in _FEW_DEVICES:
        if Path("/dev", name).exists():
            Path(folder, name).touch()
            kernel.bind(f"/dev/{name}", f"{folder}/{name}")
    for name, target in _DEVICE_LINKS.items():
        Path(folder, name).symlink_to(target)
    for name in ("pts", "shm"):
        Path(folder, name).mkdir()
    kernel.mount("devpts", f"{folder}/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620")
    kernel.mount("tmpfs", f"{folder}/shm", "tmpfs", 0, "mode=1777")


def _make_folder(path: str) -> None:
    Path(path).mkdir(parents=True, exist_ok=True)
