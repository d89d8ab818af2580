"""Packs the running antares-legacy as a wheel, because the project is on no package index.

Format: binary distribution format of the Python packaging specifications, version 1.0.
"""

import base64
import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from legacy.atomic import atomic_file
from legacy.errors import MachineError

NAME = "antares-legacy"
_COMMANDS = "antares_legacy.commands"
_TIME = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the wheel: the earliest that a ZIP file can say."""
_WHEEL = "Wheel-Version: 1.0\nGenerator: antares-legacy\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_LEFT_OUT = {".pyc", ".pyo", ".part", ".orig", ".rej", ".swp"}
_METADATA = ("METADATA", "entry_points.txt", "top_level.txt")


def write_wheel(folder: Path) -> Path:
    """Write the wheel of the running program; equal contents give equal bytes.

    Returns
    -------
    pathlib.Path
        The wheel.

    Raises
    ------
    MachineError
        The program is not installed as a distribution, or a part of it cannot be found.
    OSError
        The disk is full.
    """
    try:
        found = distribution(NAME)
    except PackageNotFoundError as error:
        message = f"{NAME} is not installed as a package, so no wheel of it can be made; install it with pip"
        raise MachineError(message) from error
    about = f"antares_legacy-{found.version}.dist-info"
    contents = {**_modules(found), **_metadata(found, about), f"{about}/WHEEL": _WHEEL.encode()}
    target = folder / f"antares_legacy-{found.version}-py3-none-any.whl"
    with atomic_file(target) as part:
        _write(part, contents, f"{about}/RECORD")
    return target


def _modules(found: Distribution) -> dict[str, bytes]:
    """Return every file of the packages by its name in the wheel."""
    return {
        path.relative_to(package.parent).as_posix(): path.read_bytes()
        for package in _packages(found)
        for path in _files(package)
    }


def _packages(found: Distribution) -> tuple[Path, ...]:
    """Return the folders of the packages: those that the distribution's entry points name, where they are imported."""
    points = [point for point in found.entry_points if point.group in ("console_scripts", _COMMANDS)]
    names = sorted({point.value.partition(":")[0].partition(".")[0] for point in points} | {__name__.partition(".")[0]})
    folders = []
    for name in names:
        spec = find_spec(name)
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not places:
            raise MachineError(f"the package {name} of {NAME} cannot be found; install {NAME} anew")
        folders.append(Path(places[0]))
    return tuple(folders)


def _files(package: Path) -> Iterator[Path]:
    for path in sorted(package.rglob("*")):
        parts = path.relative_to(package).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden and path.suffix not in _LEFT_OUT:
            yield path


def _metadata(found: Distribution, about: str) -> dict[str, bytes]:
    """Return what the distribution says of itself, and its licences."""
    texts = {name: found.read_text(name) for name in _METADATA}
    contents = {f"{about}/{name}": text.encode() for name, text in texts.items() if text}
    if f"{about}/METADATA" not in contents:
        raise MachineError(f"{NAME} is installed without its metadata; install it anew")
    for file in found.files or ():
        inner = file.parts[1:]
        if file.parts[0] == about and inner[:1] == ("licenses",):
            contents[f"{about}/{'/'.join(inner)}"] = file.read_binary()
    return contents


def _write(part: Path, contents: Mapping[str, bytes], record: str) -> None:
    lines = [f"{_field(name)},sha256={_digest(data)},{len(data)}" for name, data in sorted(contents.items())]
    everything = {**dict(sorted(contents.items())), record: ("\n".join([*lines, f"{record},,"]) + "\n").encode()}
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in everything.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)


def _digest(data: bytes) -> str:
    """Return the checksum as the specification of RECORD wants it: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _field(name: str) -> str:
    """Quote a name for CSV where it needs that."""
    return json.dumps(name) if "," in name else name
