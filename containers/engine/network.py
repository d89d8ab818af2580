"""What %post needs of the host to fetch packages, and what no image may keep: pip's and apt's settings, certificates.

Files are bound over those of the image while %post runs. Their places must exist in the base: every image that goes
back to our own base has them.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from containers.engine.base_folder import SUITE
from containers.engine.contract import Bind
from containers.engine.packages import debian_sources, ignores_dates
from legacy.errors import MachineError

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_USUAL = (CERTIFICATES, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")
_INDEXES = ("index-url", "extra-index-url")
_FOLDERS = ("find-links",)
_PLAIN = ("trusted-host", "no-index", "proxy", "timeout", "default-timeout", "retries")
# Folders that Debian makes for the administrator's own use and that no package fills.
_PLACES = ("/mnt", "/media", "/srv")


def certificates() -> Path | None:
    """Return the host's bundle of certificates: named in the environment, else at a usual place; None without."""
    named = [os.environ[name] for name in _VARIABLES if os.environ.get(name)]
    return next((Path(name).resolve() for name in (*named, *_USUAL) if Path(name).is_file()), None)


def network_binds(folder: Path) -> tuple[Bind, ...]:
    """Write the settings of the host into files and return how they are bound over those of an image.

    Local folders that pip's settings name are bound too, at places that every Debian has, and the settings name those.

    Parameters
    ----------
    folder
        Where the files are written; they may hold passwords, and nobody else can read them.

    Raises
    ------
    MachineError
        pip's settings name more local folders than there are places.
    OSError
        The files cannot be written.
    """
    settings = pip_settings()
    local = _local_folders(settings)
    if len(local) > len(_PLACES):
        raise MachineError(
            f"pip's settings name {len(local)} local folders; at most {len(_PLACES)} can be shown to %post; "
            "put the packages into one folder, or set PIP_CONFIG_FILE to other settings"
        )
    places = dict(zip(local, _PLACES, strict=False))
    bundle = certificates()
    pip = _private_file(folder / "pip.conf", _pip_conf(settings, places, certificates=bundle is not None))
    binds = [Bind(pip, "/etc/pip.conf")]
    binds += [Bind(path, place) for path, place in places.items()]
    if bundle:
        binds.append(Bind(bundle, CERTIFICATES))
    apt = _apt_sources()
    if apt:
        binds.append(Bind(_private_file(folder / "sources.list", apt), "/etc/apt/sources.list"))
    return tuple(binds)


def pip_settings() -> Mapping[str, str]:
    """Return the options of the host's pip that have to do with the network, as `pip config list` tells them."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(  # noqa: S603  our own pip
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    ranked: dict[str, tuple[int, str]] = {}
    for line in done.stdout.splitlines() if done.returncode == 0 else ():
        name, _, shown = line.partition("=")
        section, _, key = name.rpartition(".")
        # pip's own order: the environment wins over a command's section, and that over the global one.
        rank = {"global": 1, "install": 2, ":env:": 3}.get(section, 0)
        known = key in (*_INDEXES, *_FOLDERS, *_PLAIN)
        if rank and known and rank >= ranked.get(key, (0, ""))[0]:
            ranked[key] = (rank, str(ast.literal_eval(shown)))
    return {key: value for key, (_, value) in ranked.items()}


def _local_folders(settings: Mapping[str, str]) -> list[Path]:
    found = {folder for key, word in _words(settings) if (folder := _local(key, word)) is not None}
    return sorted(path for path in found if not any(path != other and path.is_relative_to(other) for other in found))


def _words(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key in (*_INDEXES, *_FOLDERS):
        for word in settings.get(key, "").split():
            yield key, word


def _path(word: str) -> Path | None:
    address = urlsplit(word)
    if address.scheme == "file":
        return Path(unquote(address.path))
    return Path(word) if not address.scheme and Path(word).is_absolute() else None


def _local(key: str, word: str) -> Path | None:
    """Return the folder to be shown for a setting: pages of an index point to files beside its own folder."""
    path = _path(word)
    if path is None or not path.is_dir():
        return None
    return path.parent if key in _INDEXES and len(path.parts) > 2 else path


def _pip_conf(settings: Mapping[str, str], places: Mapping[Path, str], *, certificates: bool) -> str:
    lines = ["[global]"]
    if certificates:
        lines.append(f"cert = {CERTIFICATES}")
    lines += [f"{key} = {value}" for key, value in settings.items() if key in _PLAIN]
    for key in (*_INDEXES, *_FOLDERS):
        words = [_inside(key, word, places) for word in settings.get(key, "").split()]
        if words:
            # The first in the same line: of an option with one value, pip takes a line end for a part of it.
            lines += [f"{key} = {words[0]}", *(f"    {word}" for word in words[1:])]
    return "\n".join(lines) + "\n"


def _inside(key: str, word: str, places: Mapping[Path, str]) -> str:
    path = _path(word)
    for folder, place in places.items():
        if path is not None and path.is_relative_to(folder):
            seen = str(Path(place) / path.relative_to(folder))
            return f"file://{seen}" if key in _INDEXES else seen
    return word


def _apt_sources() -> str:
    """Return the host's sources of this very Debian suite, ``""`` on another system: its own then do."""
    options = "[check-valid-until=no check-date=no] " if ignores_dates() else ""
    found = [source for source in debian_sources() if source.suite.split("-")[0] == SUITE]
    return "".join(f"deb {options}{source.address} {source.suite} {source.component}\n" for source in found)


def _private_file(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    return path
