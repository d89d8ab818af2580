"""Makes a folder with a Debian system in it, with `debootstrap`.

debootstrap checks the signature of the archive, mounts file systems while it works, and has to be root.
It runs among mounts and processes of its own, so that an interrupted run leaves a folder and nothing else.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from containers.engine.capabilities import is_root
from containers.engine.contract import Say
from containers.engine.packages import debian_mirror, unpack_package
from containers.engine.process import Start, stream
from containers.engine.scratch import remove_tree
from containers.engine.space import Space
from legacy.atomic import write_text
from legacy.clock import now
from legacy.errors import MachineError
from legacy.lock import folder_lock

TRIES = 2
_KEYRING = "usr/share/keyrings/debian-archive-keyring.gpg"
_LAST_LINES = 3


class ArchiveError(MachineError):
    """The archive of packages cannot be had; everything else needed is here."""


@dataclass(frozen=True, slots=True)
class System:
    """A Debian system to be made.

    Parameters
    ----------
    folder
        Its final place.
    suite
        Such as ``bookworm``.
    packages
        What it has beside the smallest system.
    free_bytes
        Free disk space that is needed.
    what
        What it is, for messages.
    """

    folder: Path
    suite: str
    packages: tuple[str, ...]
    free_bytes: int
    what: str

    @property
    def listing(self) -> Path:
        """File beside the folder: one line ``name<TAB>version`` for each package, sorted."""
        return self.folder.with_name(f"{self.folder.name}.packages.txt")

    @property
    def record(self) -> Path:
        """JSON file beside the folder: date, suite, architecture and packages asked for."""
        return self.folder.with_name(f"{self.folder.name}.json")


def make_system(system: System, downloads: Path, say: Say, finish: Callable[[Path], None] | None = None) -> None:
    """Make a Debian system; under its final name it is complete.

    Parameters
    ----------
    system
        What is to be made.
    downloads
        Folder where packages are kept for the next time.
    say
        Hears every line of debootstrap.
    finish
        Called with the folder before it gets its final name.

    Raises
    ------
    MachineError
        Not root, no debootstrap, no keyring, no disk space, or another run makes the same.
    ArchiveError
        The archive cannot be had after two tries.
    """
    if not is_root():
        raise MachineError(
            f"the {system.what} is made with debootstrap, which has to be root; ask for Apptainer on this machine, "
            "or build from a registry with: antares-legacy containers build --docker"
        )
    making = system.folder.with_name(f"{system.folder.name}.making")
    making.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(making).free
    if free < system.free_bytes:
        raise MachineError(
            f"{making.parent}: {free / 1e6:.0f} MB free, the {system.what} needs {system.free_bytes / 1e6:.0f} MB; "
            "free some, or set ANTARES_LEGACY_CONTAINER_WORK to another folder"
        )
    with folder_lock(making):
        _make(system, making, downloads, say, finish)
    remove_tree(making)


def _make(system: System, making: Path, downloads: Path, say: Say, finish: Callable[[Path], None] | None) -> None:
    if system.folder.exists():
        return
    tools = making / "tools"
    remove_tree_if_there(tools)
    debs = downloads / f"debian-{system.suite}"
    debs.mkdir(parents=True, exist_ok=True)
    mirror = debian_mirror()
    start = _command(system, making / "root", debs, mirror, tools)
    said: list[str] = []

    def note(line: str) -> None:
        said.append(line)
        say(line)

    for attempt in range(1, TRIES + 1):
        remove_tree_if_there(making / "root")
        say(f"{system.what}: debootstrap of Debian {system.suite} from {mirror}, try {attempt} of {TRIES}")
        if stream(start, note).exit_code == 0:
            _clean(making / "root")
            if finish:
                finish(making / "root")
            _complete(system, making / "root")
            return
    raise ArchiveError(
        f"the {system.what} could not be made from {mirror} in {TRIES} tries: {'; '.join(said[-_LAST_LINES:])}; "
        "look whether the archive can be reached, then try again"
    )


def _command(system: System, root: Path, debs: Path, mirror: str, tools: Path) -> Start:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    environment["PATH"] = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
    keyring = Path("/", _KEYRING)
    if not keyring.exists():
        unpack_package("debian-archive-keyring", tools)
        keyring = tools / _KEYRING
    program = [shutil.which("debootstrap", path=environment["PATH"]) or ""]
    if not program[0]:
        unpack_package("debootstrap", tools)
        environment["DEBOOTSTRAP_DIR"] = str(tools / "usr/share/debootstrap")
        program = ["sh", str(tools / "usr/sbin/debootstrap")]
    options = ("--variant=minbase", f"--keyring={keyring}", f"--cache-dir={debs}")
    included = f"--include={','.join(system.packages)}"
    command = (*program, *options, included, system.suite, str(root), mirror)
    return Start(command, "/", environment, Space(apart=True))


def _complete(system: System, root: Path) -> None:
    listing = installed_packages(root)
    facts = {"date": now(), "suite": system.suite, "packages": list(system.packages), "count": listing.count("\n")}
    write_text(system.listing, listing)
    write_text(system.record, json.dumps(facts, indent=2, sort_keys=True) + "\n")
    root.rename(system.folder)


def _clean(root: Path) -> None:
    """Take away what belongs to this machine or this hour, and every device: a user namespace may copy none."""
    for pattern in ("var/cache/apt/*.bin", "var/cache/apt/archives/*.deb", "var/lib/apt/lists/*", "var/log/**/*"):
        for path in root.glob(pattern):
            if path.is_file() and not path.is_symlink():
                path.unlink()
    for path in (root / "dev").iterdir():
        remove_tree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    # debootstrap leaves the host's own in these; they must be there for others to be bound over them.
    for name in ("resolv.conf", "hosts", "hostname"):
        path = root / "etc" / name
        path.unlink(missing_ok=True)
        path.touch(0o644)


def installed_packages(root: Path) -> str:
    """Return a line ``name<TAB>version`` for each package in `root`, sorted; raises MachineError."""
    command: Sequence[str] = ("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Package}\t${Version}\n")
    done = subprocess.run(  # noqa: S603  dpkg-query of the host
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MachineError(f"{root}: its packages cannot be listed: {done.stderr.strip()}")
    return "".join(sorted(done.stdout.splitlines(keepends=True)))


def remove_tree_if_there(folder: Path) -> None:
    """Remove a folder that may not be there."""
    if folder.exists():
        remove_tree(folder)
