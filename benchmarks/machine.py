"""Where the numbers were measured."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("antares-legacy", "numpy", "h5py", "uproot", "awkward", "tables", "km3pipe", "km3io", "km3net-testdata")


def describe() -> dict[str, str]:
    """Return processor, cores, memory, system, Python and versions of the packages, as text."""
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "processor": _line(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": _line(Path("/proc/meminfo"), "MemTotal"),
        "system": platform.platform(),
        "load": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "python": platform.python_version(),
    }
    return found | {name: _version(name) for name in PACKAGES}


def _line(path: Path, key: str) -> str:
    """Return the value of the first line ``key: value`` of a file of the kernel, or nothing."""
    if not path.is_file():
        return ""
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
