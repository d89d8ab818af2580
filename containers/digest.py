"""SHA-256 of an image, computed once: the result is kept beside the image with its size and times."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from legacy.atomic import write_text
from legacy.checksums import sha256_of

_SUFFIX = ".sha256"
_LARGEST = 4096


def image_sha256(image: Path, *, anew: bool = False) -> str:
    """Return the SHA-256 of an image in hex, ``""`` for a folder; raises OSError.

    Parameters
    ----------
    image
        A SIF, or a folder.
    anew
        Read the image, also when the kept result fits its size and times.
    """
    if image.is_dir():
        return ""
    state = image.stat()
    now = {"size": state.st_size, "mtime_ns": state.st_mtime_ns, "inode": state.st_ino}
    kept = image.with_name(image.name + _SUFFIX)
    if not anew:
        known = _read(kept)
        digest = known.pop("sha256", None)
        if known == now and isinstance(digest, str) and len(digest) == 64:
            return digest
    digest = sha256_of(image)
    with suppress(OSError):  # the folder may be one that others share and this user only reads
        write_text(kept, json.dumps({**now, "sha256": digest}) + "\n")
    return digest


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            values = json.loads(stream.read(_LARGEST))
    except (OSError, ValueError):  # not there, or not what is written here: the image is read again
        return {}
    return values if isinstance(values, dict) else {}
