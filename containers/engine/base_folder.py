"""The operating system folder from which the recipe `base` is built: Debian 12 with Python."""

from pathlib import Path

from containers.engine.contract import Say
from containers.engine.debootstrap import System, make_system
from containers.workplace import Workplace

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
_FREE_BYTES = 800_000_000
_SOURCES = "# No archive is named here: a build shows the list of its host in this place.\n"


def base_system(place: Workplace) -> System:
    """Return what the base folder is and where its package list and its record lie."""
    return System(place.base_folder, SUITE, PACKAGES, _FREE_BYTES, "base folder")


def make_base_folder(place: Workplace, say: Say) -> Path:
    """Make the base folder unless it is there, and return it.

    Beside it lie ``base-folder.packages.txt`` with the version of each package and ``base-folder.json`` with its date.

    Raises
    ------
    MachineError
        As `containers.engine.debootstrap.make_system`.
    """
    system = base_system(place)
    if not system.folder.exists():
        make_system(system, place.downloads, say, finish=_no_settings)
    return system.folder


def _no_settings(root: Path) -> None:
    """Give the folder settings that say nothing, for those of a host to be bound over."""
    (root / "etc/apt/sources.list").write_text(_SOURCES, encoding="ascii")
    (root / "etc/pip.conf").write_text("", encoding="ascii")
