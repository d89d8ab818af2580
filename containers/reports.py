"""Build reports: the only place where the status of a recipe comes from.

A report lies beside its image, as ``<name>.json``; the reports of the last release are in `containers/reports/`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from containers.catalogue import ROOM, Recipe
from legacy.errors import InputError

REPORTS = ROOM / "reports"
_LARGEST = 1 << 22
_TEXTS = (
    *("name", "tier", "date", "kind", "toolkit_version", "engine", "engine_version", "engine_where"),
    *("inputs_sha256", "image_sha256", "base_sha256"),
)
_NUMBERS = ("image_bytes", "build_exit_code", "build_seconds")


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test ended.

    Parameters
    ----------
    name
        ``%test``, or ``app:<name>``.
    exit_code
        0 when it passed.
    seconds
        Wall time.
    """

    __test__ = False  # pytest would take it for a class of tests

    name: str
    exit_code: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build made, and how its tests ended.

    Parameters
    ----------
    name, tier
        The recipe.
    date
        ISO 8601 in UTC.
    kind
        ``sif``, ``sandbox``, or ``chroot emulation``, which is no image.
    toolkit_version
        Version of antares-legacy.
    engine, engine_version, engine_where
        What built it.
    inputs_sha256
        Digest of the recipe's files and of the inputs of its bases (see `inputs_digest`).
    image_sha256, image_bytes
        Of the SIF; ``""`` and the sum of file sizes for a folder.
    base_sha256
        Of the image it was built from; of the package list for a folder made by debootstrap.
    build_exit_code, build_seconds
        Of the build without its tests where the engine separates them.
    tests
        Each test that was run; empty when the build failed.
    sources
        SHA-256 of every source file given, by key.
    packages
        Versions of what is inside, by ``deb:name`` or ``pypi:name``.
    """

    name: str
    tier: str
    date: str
    kind: str
    toolkit_version: str
    engine: str
    engine_version: str
    engine_where: str
    inputs_sha256: str
    image_sha256: str
    image_bytes: int
    base_sha256: str
    build_exit_code: int
    build_seconds: float
    tests: tuple[TestResult, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """An image was made, and every test on it passed."""
        made = self.kind in {"sif", "sandbox"} and self.build_exit_code == 0
        return made and bool(self.tests) and all(test.exit_code == 0 for test in self.tests)

    def to_json(self) -> str:
        """Return the report as JSON, keys sorted."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


def read_report(path: Path) -> BuildReport:
    """Read a report; raises InputError when the file is not one."""
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(path, "is too large for a build report")
        values = json.loads(path.read_text(encoding="utf-8"))
        tests = tuple(TestResult(**test) for test in values.pop("tests"))
        report = BuildReport(tests=tests, **values)
        _require_types(report)
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(path, f"is not a build report: {error}", advice="build the recipe again") from error
    return report


def _require_types(report: BuildReport) -> None:
    """Raise TypeError where a value is not of the type that its field has: reports come from elsewhere, too."""
    texts = [getattr(report, name) for name in _TEXTS] + [test.name for test in report.tests]
    texts += [text for pairs in (report.sources, report.packages) for pair in dict(pairs).items() for text in pair]
    numbers = [getattr(report, name) for name in _NUMBERS]
    numbers += [number for test in report.tests for number in (test.exit_code, test.seconds)]
    for values, kind in ((texts, str), (numbers, (int, float))):
        for value in values:
            if not isinstance(value, kind):
                raise TypeError(f"{value!r:.60} stands where a {'text' if kind is str else 'number'} belongs")


def inputs_digest(chain: tuple[Recipe, ...]) -> str:
    """Return the SHA-256 over names and contents of the files of recipes, the first base first.

    README files and the toolkit's own code do not count: they change more often than what an image is made of.
    """
    digest = hashlib.sha256()
    for recipe in chain:
        for path in sorted(recipe.folder.rglob("*")):
            if path.is_file() and path.name != "README.md" and "__pycache__" not in path.parts:
                digest.update(f"{recipe.name}/{path.relative_to(recipe.folder)}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
