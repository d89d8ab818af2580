"""Writes the lock of a recipe: exact versions and checksums of the Python packages that its image gets.

What a recipe asks for stands in its `requirements.in`, one name a line. Versions are those of the environment that this
runs in, so an image gets what the tests ran on; checksums are what the package index says. To renew locks:

    python -m containers.locks [NAME]...
"""

import json
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from containers.catalogue import RECIPES
from legacy.atomic import write_text
from legacy.errors import AntaresLegacyError, InputError, MachineError, UsageError

ASKED, LOCKED = "requirements.in", "requirements.lock"
TARGET = ("CPython", "3.11", "linux-x86_64")
"""Interpreter and platform of the images: wheels of others have other checksums."""
_NAME = re.compile(r"(?P<name>[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(\[(?P<extras>[A-Za-z0-9,._-]+)\])?")
_LINE = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[A-Za-z0-9.!+_-]+) \\\n    --hash=sha256:(?P<sha256>[0-9a-f]{64})\n"
)


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock.

    Parameters
    ----------
    name
        Normalised name (PEP 503).
    version
        The one version that may be installed.
    sha256
        Checksum of its wheel, in hex.
    """

    name: str
    version: str
    sha256: str


def normalised(name: str) -> str:
    """Return the name of a package as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def asked(path: Path) -> tuple[str, ...]:
    """Return the lines of a `requirements.in` without comments; raises InputError for anything but names."""
    lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    found = tuple(line for line in lines if line)
    for line in found:
        if not _NAME.fullmatch(line):
            raise InputError(path, "has a line that is no name of a package", found=line, expected="a name alone")
    return found


def read_lock(path: Path) -> tuple[Locked, ...]:
    """Return the packages of a lock; raises InputError when a line is not of the form that `lock_text` writes."""
    text = path.read_text(encoding="utf-8")
    body = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    found = tuple(Locked(match["name"], match["version"], match["sha256"]) for match in _LINE.finditer(body))
    if "".join(_line(package) for package in found) != body:
        raise InputError(path, "is no lock", expected="name==version and one sha256 for each package")
    return found


def lock_text(name: str, wanted: Sequence[str], packages: Sequence[Locked]) -> str:
    """Return the text of the lock of the recipe `name`."""
    head = (
        f"# Locked for {TARGET[0]} {TARGET[1]} on {TARGET[2]}; to renew it: python -m containers.locks {name}\n"
        f"# Asked for: {', '.join(wanted)}\n"
    )
    return head + "".join(_line(package) for package in sorted(packages, key=lambda package: package.name))


def _line(package: Locked) -> str:
    return f"{package.name}=={package.version} \\\n    --hash=sha256:{package.sha256}\n"


def resolve(wanted: Sequence[str]) -> tuple[Locked, ...]:
    """Ask pip which wheels `wanted` needs, with the versions that are installed here where there are any.

    Raises
    ------
    UsageError
        This interpreter is not that of the images.
    MachineError
        pip found no solution, or no package index.
    """
    here = (platform.python_implementation(), sysconfig.get_python_version(), sysconfig.get_platform())
    if here != TARGET:
        raise UsageError(f"locks are for {' '.join(TARGET)}, and this is {' '.join(here)}; run it with that Python")
    with tempfile.TemporaryDirectory(prefix="antares-legacy-locks.") as folder:
        report, limits = Path(folder, "report.json"), Path(folder, "installed.txt")
        limits.write_text("".join(f"{line}\n" for line in _installed()), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--only-binary", ":all:", "--constraint", str(limits), "--report", str(report), *wanted]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  names were checked
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise MachineError(f"pip cannot resolve {', '.join(wanted)}: {last}; check the package index of pip")
        document = json.loads(report.read_text(encoding="utf-8"))
    return tuple(_locked(item) for item in document["install"])


def _installed() -> list[str]:
    """Return the versions of this environment; the project itself is no package of an index."""
    own = {"antares-legacy", "pip", "setuptools"}
    found = {normalised(one.metadata["Name"]): one.version for one in distributions()}
    return [f"{name}=={version}" for name, version in sorted(found.items()) if name not in own]


def _locked(item: Any) -> Locked:
    metadata, where = item["metadata"], item["download_info"]
    hashes = where.get("archive_info", {}).get("hashes", {})
    if "sha256" not in hashes or not where["url"].endswith(".whl"):
        raise MachineError(f"{metadata['name']}: the package index offers no wheel with a SHA-256; nothing is locked")
    return Locked(normalised(metadata["name"]), metadata["version"], hashes["sha256"])


def renew(name: str) -> Path:
    """Write the lock of the recipe `name` anew and return its path; raises as `asked` and `resolve` do."""
    folder = RECIPES / name
    if not (folder / ASKED).is_file():
        raise UsageError(f"recipe '{name}' has no {ASKED}; its image gets no packages of Python")
    wanted = asked(folder / ASKED)
    write_text(folder / LOCKED, lock_text(name, wanted, resolve(wanted)))
    return folder / LOCKED


def main(arguments: Sequence[str]) -> int:
    """Renew the locks named, or all; returns the exit code."""
    names = arguments or sorted(path.parent.name for path in RECIPES.glob(f"*/{ASKED}"))
    try:
        for name in names:
            sys.stderr.write(f"{renew(name)}\n")
    except AntaresLegacyError as error:
        sys.stderr.write(f"containers.locks: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
