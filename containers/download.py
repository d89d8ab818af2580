"""Downloads a source file: https only, of bounded size, checked, under its final name only when it is complete."""

import hashlib
import ssl
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit

from containers.catalogue import Source
from containers.sources import require_sum
from legacy.atomic import atomic_file
from legacy.checksums import BLOCK_SIZE, sha256_of
from legacy.errors import InputError, MachineError

LARGEST = 8 << 30
"""Bytes of the largest file that is downloaded."""
_PATIENCE = 60.0
"""Seconds without a byte after which a server is given up."""


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows no redirection away from https."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != "https":
            raise HTTPError(req.full_url, code, "redirected to an address that is not https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def downloaded(
    source: Source,
    folder: Path,
    say: Callable[[str], object],
    *,
    largest: int = LARGEST,
    trust: ssl.SSLContext | None = None,
) -> Path:
    """Return the downloaded file of a source; one that is there already and right is not fetched again.

    Parameters
    ----------
    source
        Has an https:// address and a sha256.
    folder
        Where downloads are kept.
    say
        Told before a download begins.
    largest
        Bytes that are taken at most.
    trust
        Certificates to trust; by default those of the system.

    Raises
    ------
    InputError
        What came is not what the catalogue names.
    MachineError
        The server cannot be reached, refuses, or sends more than `largest` bytes.
    OSError
        The disk is full.
    """
    target = folder / f"{source.sha256[:16]}-{source.file}"
    if target.is_file() and sha256_of(target) == source.sha256:
        return target
    say(f"downloading {source.title} from {source.url}")
    folder.mkdir(parents=True, exist_ok=True)
    opener = urllib.request.build_opener(
        _HttpsOnly, urllib.request.HTTPSHandler(context=trust or ssl.create_default_context())
    )
    with atomic_file(target) as part:
        digest = _fetch(opener, source, part, largest)
        require_sum(source, Path(source.file), digest)
    return target


def _fetch(opener: urllib.request.OpenerDirector, source: Source, part: Path, largest: int) -> str:
    """Write what the server sends; return its SHA-256."""
    if urlsplit(source.url).scheme != "https":
        raise InputError(source.url, "is no https:// address")
    digest, size = hashlib.sha256(), 0
    try:
        answer = opener.open(source.url, timeout=_PATIENCE)
    except (OSError, HTTPException) as error:
        raise _away(source, error) from error
    with answer, part.open("wb") as stream:
        while block := _read(answer, source):
            size += len(block)
            if size > largest:
                raise MachineError(f"{source.url}: sends more than {largest} bytes; that is not {source.file}")
            digest.update(block)
            stream.write(block)
    return digest.hexdigest()


def _read(answer: IO[bytes], source: Source) -> bytes:
    try:
        return answer.read(BLOCK_SIZE)
    except (OSError, HTTPException) as error:
        raise _away(source, error) from error


def _away(source: Source, error: Exception) -> MachineError:
    return MachineError(
        f"{source.url}: {error}; try again later, or get {source.file} yourself and give it with"
        f" --source {source.key}=FILE"
    )
