"""What every command of antares-legacy shares."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("antares-legacy")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
