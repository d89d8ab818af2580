"""Apptainer where the host has none: a Debian system of its own, made on request, that the host never notices.

Debian carries Apptainer in its moving suite only, and that one needs a newer C library than Debian 12 has.
"""

import os
from pathlib import Path

from containers.engine.apptainer import Apptainer, Entrance
from containers.engine.capabilities import own_space
from containers.engine.contract import EngineFacts, Say
from containers.engine.debootstrap import System, make_system
from containers.engine.network import certificates
from containers.engine.process import Start, collect
from containers.engine.space import Root, Shown, Space
from containers.workplace import Workplace
from legacy.errors import MachineError

SUITE = "sid"
PACKAGES = ("apptainer", "ca-certificates", "fakeroot", "fuse-overlayfs", "squashfs-tools", "squashfuse")
_FREE_BYTES = 1_200_000_000
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INSTALL = "antares-legacy containers doctor --install"
_OF_THE_HOST = ("/etc/resolv.conf", "/etc/hosts")
_OF_THE_USER = ("/etc/passwd", "/etc/group")


def tool_system(place: Workplace) -> System:
    """Return what the tool root is and where its package list and its record lie."""
    return System(place.tool_root, SUITE, PACKAGES, _FREE_BYTES, "tool root")


def install(place: Workplace, say: Say) -> EngineFacts:
    """Make the tool root unless it is there, try it, and return what engine it carries.

    Raises
    ------
    MachineError
        It cannot be made (see `containers.engine.debootstrap.make_system`) or does not run.
    """
    system = tool_system(place)
    if not system.folder.exists():
        make_system(system, place.downloads, say)
    return toolroot_engine(place).facts


def toolroot_engine(place: Workplace) -> Apptainer:
    """Return the engine of the tool root; raises MachineError when there is none or it does not run."""
    if not place.tool_root.is_dir():
        raise MachineError(f"{place.tool_root}: there is no tool root; make it with: {INSTALL}")
    entrance = ToolRootEntrance(place)
    try:
        code, said = collect(Start(("apptainer", "--version"), "/", entrance.environment(), entrance.space(())))
    except MachineError as error:
        code, said = 1, str(error).partition(";")[0]
    if code != 0 or "version" not in said:
        raise MachineError(
            f"{place.tool_root}: apptainer does not run in it: {said}; delete the folder, then: {INSTALL}"
        )
    facts = EngineFacts("apptainer", said.split("version")[-1].strip(), "tool root", makes_images=True)
    return Apptainer(facts, "apptainer", entrance, place)


class ToolRootEntrance(Entrance):
    """Enters the tool root: it sees the folders that are named, and changes nothing in itself."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    @property
    def keeps_network_off(self) -> bool:
        """The namespace does it."""
        return True

    @property
    def packing(self) -> tuple[str, ...]:
        """Zstandard: smaller than gzip in a fifth of its time, and known to every Linux since 4.14."""
        return ("--mksquashfs-args", "-comp zstd -Xcompression-level 9")

    def environment(self) -> dict[str, str]:
        """Return the environment of Apptainer: of the host's only what has to do with the network."""
        passed = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        passed |= {name: value for name, value in os.environ.items() if name.startswith("APPTAINER_DOCKER_")}
        return {**passed, "PATH": _PATH, "HOME": "/root", "LC_ALL": "C.UTF-8"}

    def space(self, folders: tuple[Path, ...], *, network: bool = True) -> Space:
        """Return the namespaces of a start that sees `folders`."""
        shown = [Shown(str(path), str(path), writable=True) for path in _outermost(folders)]
        user = () if os.geteuid() == 0 else _OF_THE_USER
        shown += [Shown(os.path.realpath(name), name) for name in (*_OF_THE_HOST, *user) if Path(name).exists()]
        bundle = certificates()
        if bundle:
            shown.append(Shown(str(bundle), "/etc/ssl/certs/ca-certificates.crt"))
        root = Root(str(self._place.tool_root), layered=True, devices=True, binds=tuple(shown))
        own = own_space(network=network)
        return Space(own.user, own.apart, own.network, root)


def _outermost(folders: tuple[Path, ...]) -> list[Path]:
    """Return the folders without those that lie in another one of them."""
    chosen: list[Path] = []
    for folder in sorted(set(folders)):
        if not any(folder.is_relative_to(above) for above in chosen):
            chosen.append(folder)
    return chosen
