"""Which packages an image has, by the lists that its own build wrote into it."""

from pathlib import Path

from containers.engine.contract import Bind, Engine
from legacy.errors import printable

_SBOM = "opt/antares-legacy/sbom"
_LISTS = (("deb", "dpkg.txt"), ("pypi", "pip.txt"))
_SIGN = "=="
"""Between name and version, as pip writes it; dpkg writes a tab, which not every engine hands on."""
_TEST = "/.singularity.d/test"
"""Where Apptainer keeps %test in an image; the place of every image that has a test."""
_MOST = 20_000
"""Packages that are taken at most."""
_LONGEST = 200
_LARGEST = 4 << 20


def packages_of(engine: Engine, image: Path, scratch: Path) -> dict[str, str]:
    """Return the versions of all packages by ``deb:name`` or ``pypi:name``; empty where an image has no lists.

    Parameters
    ----------
    engine
        Starts the image.
    image
        The SIF, or the folder.
    scratch
        A private folder.

    Raises
    ------
    OSError
        The scratch folder cannot be written to.
    """
    lines = _lines_of_folder(image) if image.is_dir() else _lines_of_sif(engine, image, scratch)
    found: dict[str, str] = {}
    for line in lines[:_MOST]:
        kind, _, rest = line.partition(" ")
        name, _, version = rest.strip().partition(_SIGN)
        if kind in dict(_LISTS) and name and version and len(rest) <= _LONGEST:
            found[printable(f"{kind}:{name}")] = printable(version)
    return dict(sorted(found.items()))


def _lines_of_folder(image: Path) -> list[str]:
    lines: list[str] = []
    root = image.resolve()
    for kind, name in _LISTS:
        path = (root / _SBOM / name).resolve()  # a link in a foreign folder may lead anywhere
        if path.is_relative_to(root) and path.is_file():
            with path.open("rb") as stream:
                text = stream.read(_LARGEST).decode("utf-8", "replace")
            lines += [f"{kind} {line}" for line in text.replace("\t", _SIGN).splitlines()]
    return lines


def _lines_of_sif(engine: Engine, image: Path, scratch: Path) -> list[str]:
    """Let the image print its lists: a script of ours is bound over the one that %test became.

    No engine has a way to read a single file out of a SIF, and none needs more than the shell of the image for this.
    """
    script = scratch / "list-packages"
    show = "[ ! -f {path} ] || sed -e 's/^/{kind} /' -e 's/\\t/{sign}/' {path}"
    reading = [show.format(path=f"/{_SBOM}/{name}", kind=kind, sign=_SIGN) for kind, name in _LISTS]
    script.write_text("\n".join(["#!/bin/sh", *reading]) + "\n", encoding="ascii")
    script.chmod(0o755)
    lines: list[str] = []

    def keep(line: str) -> None:
        if len(lines) < _MOST:
            lines.append(line)

    engine.test(image, "", (Bind(script, _TEST),), keep)
    return lines
