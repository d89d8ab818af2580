"""A folder of recipes for tests."""

from dataclasses import dataclass
from pathlib import Path

import yaml

import containers.catalogue
from containers.catalogue import Catalogue, read_catalogue
from containers.workplace import Workplace

HEADER = "Bootstrap: {{ BOOTSTRAP }}\nFrom: {{ FROM }}\n\n%arguments\n    BOOTSTRAP=localimage\n    FROM=base\n\n"
GOOD_POST = """    set -eu
    mkdir -p "$ROOT/opt/antares-legacy/sbom"
    printf 'bash\\t5.2\\n' >"$ROOT/opt/antares-legacy/sbom/dpkg.txt"
    printf 'numpy==2.1\\n' >"$ROOT/opt/antares-legacy/sbom/pip.txt"
    echo "building in $(pwd)"
"""
APPS = """
%apprun hello
    echo "hello $*"
    cat
    echo "image ${ANTARES_LEGACY_IMAGE_DIGEST:-none}" >&2
    echo "$BINDS" >&2
    exit 7

%apptest hello
    echo "testing hello"
"""


@dataclass(frozen=True, slots=True)
class Kitchen:
    """Recipes in a folder of their own, and all that a build of them needs."""

    recipes: Path
    base: Path
    place: Workplace

    def add(
        self, name: str, post: str = GOOD_POST, test: str = "    true\n", apps: str = APPS, **entry: object
    ) -> None:
        """Write a recipe, and name it in the catalogue."""
        folder = self.recipes / name
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.def").write_text(f"{HEADER}%post\n{post}\n%test\n{test}{apps}")
        (folder / "README.md").write_text("not an input of the build\n")
        listed = self.recipes / "catalogue.yaml"
        entries = yaml.safe_load(listed.read_text())["recipes"] if listed.exists() else {}
        about = {"title": f"the {name}", "purpose": "to test", "tier": "A", "licence": "BSD-3-Clause", "size_mb": 1}
        entries[name] = about | {"apps": {"hello": "greets"}} | entry
        listed.write_text(yaml.safe_dump({"recipes": entries}, sort_keys=False))
        containers.catalogue.own_catalogue.cache_clear()

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue as it is now."""
        return read_catalogue(self.recipes / "catalogue.yaml")

    def leftovers(self) -> list[str]:
        """Everything in the folders of builds and images besides locks, reports, images that are complete and logs."""
        found = [path.name for path in self.place.builds.iterdir()] if self.place.builds.exists() else []
        images = self.place.images.iterdir() if self.place.images.exists() else ()
        return found + [path.name for path in images if path.suffix in {".part", ".tmp"}]
