"""Where images are kept, and where the tool root and the folders of half-done builds are."""

import os
from dataclasses import dataclass
from pathlib import Path

IMAGES_VARIABLE = "ANTARES_LEGACY_IMAGES"
WORK_VARIABLE = "ANTARES_LEGACY_CONTAINER_WORK"


@dataclass(frozen=True, slots=True)
class Workplace:
    """Folders of this room; none of them needs to exist.

    Parameters
    ----------
    images
        Images and the reports about them.
    work
        Tool root, base folder, downloads and builds under way: some gigabytes, may be deleted at any time.
    """

    images: Path
    work: Path

    @property
    def tool_root(self) -> Path:
        """Operating system folder that carries Apptainer where the host has none."""
        return self.work / "tool-root"

    @property
    def base_folder(self) -> Path:
        """Operating system folder from which the recipe `base` is built."""
        return self.work / "base-folder"

    @property
    def downloads(self) -> Path:
        """Packages and sources that were fetched."""
        return self.work / "downloads"

    @property
    def builds(self) -> Path:
        """A folder for each build under way."""
        return self.work / "builds"


def workplace(images: Path | None = None) -> Workplace:
    """Return the folders in use: what the user said, else the environment, else below the home directory."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Workplace(
        images=(images or Path(os.environ.get(IMAGES_VARIABLE) or data / "antares-legacy" / "images")).absolute(),
        work=Path(os.environ.get(WORK_VARIABLE) or cache / "antares-legacy" / "containers").absolute(),
    )
