"""What a file must be according to Rucio, and in what another one differs."""

from ingest.item import Sums
from ingest.retrieval.selection import Found
from legacy.errors import printable

CHECKSUMS = ("adler32", "md5", "sha256")


def expected_of(found: Found) -> Sums:
    """Return size and checksums of a file as Rucio knows them: its columns, and SHA-256 of the metadata."""
    sha256 = found.metadata.get("sha256", "")
    return Sums(
        size=found.file.size,
        adler32=found.file.adler32,
        md5=found.file.md5,
        sha256=sha256 if isinstance(sha256, str) else "",
        by="rucio",
    )


def differences(expected: Sums, real: Sums, *, here: str = "the file") -> list[str]:
    """Return in what two descriptions of a file differ, with both values; only what both know is compared.

    Parameters
    ----------
    expected
        What Rucio knows.
    real
        What was found.
    here
        What was looked at, in words.
    """
    pairs: list[tuple[str, int | str, int | str]] = [("size", expected.size, real.size)]
    pairs += [(kind, getattr(expected, kind), getattr(real, kind)) for kind in CHECKSUMS]
    return [
        printable(f"{what} {known} in Rucio, {seen} of {here}")
        for what, known, seen in pairs
        if known not in ("", -1) and seen not in ("", -1) and known != seen
    ]


def contradictions(found: Found) -> list[str]:
    """Return in what metadata and columns of a file contradict each other."""
    size = found.metadata.get("size")
    if size is None or found.file.size < 0 or size == found.file.size:
        return []
    return [f"size: the metadata say {printable(str(size))} bytes, Rucio's column says {found.file.size}"]
