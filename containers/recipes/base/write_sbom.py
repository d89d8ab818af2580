"""Write down what an image is made of: a software bill of materials, and the texts of all licences.

Runs inside an image at the end of its %post, with the image's own Python and nothing else.

    write_sbom.py NAME TITLE

It writes below ``/opt/antares-legacy`` (or ``--root``) ``sbom/bom.json`` (CycloneDX 1.5, specification of ECMA-424),
``sbom/dpkg.txt``, ``sbom/pip.txt``, and copies of licence texts to ``licenses/deb`` and ``licenses/pypi``.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import quote

PROGRAMS = Path("/opt/antares-legacy")
DOCUMENTS = Path("/usr/share/doc")
_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|copyright|notice|authors)", re.IGNORECASE)
_LONGEST_NAME = 60
_NAMESPACE = uuid.UUID("c8a2a3a8-6a0e-5a53-9c55-5d5f1f8f5d10")


@dataclass(frozen=True, slots=True)
class Package:
    """One package of the image.

    Parameters
    ----------
    kind
        ``deb`` or ``pypi``.
    name, version
        As its package manager says them.
    purl
        Package URL.
    licence
        SPDX expression or a short name, ``""`` when only the text says it.
    expression
        `licence` is an SPDX expression.
    texts
        Files with its licence.
    """

    kind: str
    name: str
    version: str
    purl: str
    licence: str
    expression: bool
    texts: tuple[Path, ...]


def debian_packages() -> tuple[Package, ...]:
    """Return the packages that dpkg knows as installed, sorted by name; empty where there is no dpkg."""
    if not shutil.which("dpkg-query"):
        return ()
    pattern = "${binary:Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n"
    done = subprocess.run(  # noqa: S603  our own words
        ["dpkg-query", "--show", f"--showformat={pattern}"],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    rows = (line.split("\t") for line in done.stdout.splitlines())
    found = [_debian_package(*row[:3]) for row in rows if row[3] == "installed"]
    return tuple(sorted(found, key=lambda package: package.name))


def _debian_package(name: str, version: str, architecture: str) -> Package:
    name = name.partition(":")[0]
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?arch={architecture}"
    text = DOCUMENTS / name / "copyright"
    return Package("deb", name, version, purl, "", expression=False, texts=(text,) if text.is_file() else ())


def python_packages() -> tuple[Package, ...]:
    """Return the distributions that this interpreter sees, sorted by name."""
    found: dict[str, Package] = {}
    for distribution in distributions():
        package = _python_package(distribution)
        found.setdefault(package.name, package)
    return tuple(found[name] for name in sorted(found))


def _python_package(distribution: Distribution) -> Package:
    name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
    licence, expression = _licence(distribution)
    purl = f"pkg:pypi/{quote(name)}@{quote(distribution.version, safe='')}"
    texts = sorted({Path(str(file.locate())) for file in distribution.files or () if _is_licence(file.parts)})
    return Package(
        "pypi", name, distribution.version, purl, licence, expression, tuple(t for t in texts if t.is_file())
    )


def _is_licence(parts: tuple[str, ...]) -> bool:
    """Say if a file of a distribution is a licence: by its name, or by the folder that wheels keep licences in."""
    if not parts[-1] or parts[-1].endswith((".py", ".pyc", ".so", ".pyi")):
        return False
    metadata = parts[0].endswith(".dist-info")
    return metadata and ("licenses" in parts or bool(_LICENCE_FILE.match(parts[-1])))


def _licence(distribution: Distribution) -> tuple[str, bool]:
    metadata = distribution.metadata
    if "License-Expression" in metadata:
        return str(metadata["License-Expression"]), True
    said = str(metadata["License"] or "").strip() if "License" in metadata else ""
    if said and said.upper() != "UNKNOWN" and "\n" not in said and len(said) <= _LONGEST_NAME:
        return said, False
    classifiers = metadata.get_all("Classifier") or []
    names = [str(line).rpartition(" :: ")[2] for line in classifiers if str(line).startswith("License ::")]
    return ", ".join(names), False


def bill(title: str, name: str, packages: Sequence[Package], moment: datetime) -> dict[str, object]:
    """Return the CycloneDX 1.5 document; its serial number depends on the contents alone.

    Parameters
    ----------
    title, name
        Title and name of the image.
    packages
        All that is in it.
    moment
        When it was built.
    """
    contents = "\n".join((name, *(package.purl for package in packages)))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, contents)}",
        "version": 1,
        "metadata": {
            "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "container", "bom-ref": name, "name": name, "description": title},
        },
        "components": [_component(package) for package in packages],
    }


def _component(package: Package) -> dict[str, object]:
    component: dict[str, object] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "properties": [{"name": "antares-legacy:licence-texts", "value": str(len(package.texts))}],
    }
    if package.licence and package.expression:
        component["licenses"] = [{"expression": package.licence}]
    elif package.licence:
        component["licenses"] = [{"license": {"name": package.licence}}]
    return component


def copy_licences(packages: Iterable[Package], folder: Path) -> None:
    """Copy the licence texts of all packages to ``folder/<kind>/<package>/``, in place of what was there."""
    for kind in ("deb", "pypi"):
        if (folder / kind).exists():
            shutil.rmtree(folder / kind)
    for package in packages:
        target = folder / package.kind / package.name
        for text in package.texts:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(text, _free(target / text.name))


def _free(path: Path) -> Path:
    """Return `path`, with a number where a file of this name is there already."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}.{number}")
    return free


def write(root: Path, name: str, title: str, moment: datetime) -> None:
    """Write the bill of materials and the licences below `root`."""
    debian, python = debian_packages(), python_packages()
    sbom = root / "sbom"
    sbom.mkdir(parents=True, exist_ok=True)
    document = json.dumps(bill(title, name, (*debian, *python), moment), indent=1, ensure_ascii=False)
    (sbom / "bom.json").write_text(document + "\n", encoding="utf-8")
    (sbom / "dpkg.txt").write_text("".join(f"{p.name}\t{p.version}\n" for p in debian), encoding="utf-8")
    (sbom / "pip.txt").write_text("".join(f"{p.name}=={p.version}\n" for p in python), encoding="utf-8")
    copy_licences((*debian, *python), root / "licenses")


def main() -> None:
    """Read the arguments and write; the time is SOURCE_DATE_EPOCH where it is set."""
    parser = argparse.ArgumentParser(description="Write the bill of materials and the licences of an image.")
    parser.add_argument("name", help="name of the image")
    parser.add_argument("title", help="title of the image")
    parser.add_argument("--root", type=Path, default=PROGRAMS, help="folder of the programs")
    given = parser.parse_args()
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    write(given.root, given.name, given.title, datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC))


if __name__ == "__main__":
    main()
