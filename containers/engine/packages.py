"""What the package manager of the host says: where Debian's packages come from, and single packages."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from legacy.errors import MachineError, printable

MIRROR_VARIABLE = "ANTARES_LEGACY_DEBIAN_MIRROR"
_FORMAT = "$(ORIGIN)\t$(LABEL)\t$(CODENAME)\t$(REPO_URI)\t$(COMPONENT)\t$(CREATED_BY)"


@dataclass(frozen=True, slots=True)
class Source:
    """One line of the host's sources of packages.

    Parameters
    ----------
    label
        ``Debian`` or ``Debian-Security``.
    suite
        Such as ``bookworm-updates``.
    address
        Of the archive, without the suite.
    component
        Such as ``main``.
    """

    label: str
    suite: str
    address: str
    component: str


def debian_sources() -> tuple[Source, ...]:
    """Return the sources of Debian packages that the host uses, none on a host that is no Debian."""
    found = []
    for line in _said("apt-get", "indextargets", "--format", _FORMAT).splitlines():
        origin, label, suite, address, component, made_by = line.split("\t")
        if origin == "Debian" and made_by == "Packages" and address.startswith(("http://", "https://")):
            found.append(Source(label, suite, address.rstrip("/"), component))
    return tuple(found)


def debian_mirror() -> str:
    """Return the address of the Debian archive: of ``ANTARES_LEGACY_DEBIAN_MIRROR``, else the one that the host uses.

    Raises
    ------
    MachineError
        Neither is there.
    """
    known = (source.address for source in debian_sources() if source.label == "Debian")
    address = os.environ.get(MIRROR_VARIABLE) or next(known, "")
    if not address:
        raise MachineError(f"no archive of Debian is known to this machine; name one with {MIRROR_VARIABLE}=http://...")
    return address


def ignores_dates() -> bool:
    """Return whether the host takes package lists that are past their date, as kept copies of an archive are."""
    settings = _said("apt-config", "dump", "Acquire::Check-Valid-Until", "Acquire::Check-Date").lower()
    return 'check-valid-until "false"' in settings


def unpack_package(name: str, target: Path) -> None:
    """Fetch a package of the host's own distribution and unpack it into `target`; the host is not changed.

    Raises
    ------
    MachineError
        There is no apt, or the package cannot be had.
    """
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            raise MachineError(f"'{name}' is needed and {program} is not here to fetch it; install {name}")
    target.mkdir(parents=True, exist_ok=True)
    own = _own_lists(target / "apt")
    problem = _fetch(name, target, ())
    if problem:  # a fresh machine has no lists of packages: fetch them to another place
        _run(["apt-get", *own, "-qq", "update"], target)
        problem = _fetch(name, target, own)
    fetched = sorted(target.glob(f"{name}_*.deb"))
    if problem or not fetched:
        raise MachineError(f"the package '{name}' cannot be fetched: {problem}; install it, then try again")
    code, said = _run(["dpkg-deb", "-x", str(fetched[-1]), str(target)], target)
    if code:
        raise MachineError(f"{fetched[-1].name} cannot be unpacked: {said}")


def _fetch(name: str, target: Path, options: tuple[str, ...]) -> str:
    code, said = _run(["apt-get", *options, "-qq", "-o", "APT::Sandbox::User=root", "download", name], target)
    return (said or f"exit code {code}") if code else ""


def _own_lists(folder: Path) -> tuple[str, ...]:
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    places = (f"Dir::State::Lists={folder}/lists", f"Dir::Cache={folder}/cache", "APT::Sandbox::User=root")
    return tuple(part for place in places for part in ("-o", place))


def _run(command: list[str], folder: Path) -> tuple[int, str]:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(  # noqa: S603  apt of the host
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.returncode, printable(" ".join(done.stderr.split()))[-500:]


def _said(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(  # noqa: S603  apt of the host
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else ""
