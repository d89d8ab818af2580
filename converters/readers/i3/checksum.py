"""Checksums of frames: which versions have one that can be verified, and by what.

Both cover the bytes from the letter of the stream to the end of the last object (icecube/icetray-public:
icetray/private/icetray/I3Frame.cxx; parameters found on 318 real frames).
"""

import binascii
from functools import cache
from types import ModuleType

CRC16_VERSION = 5
CRC32C_VERSION = 6


def verified(version: int, covered: bytes, checksum: int) -> bool | None:
    """Compare a frame with its checksum.

    Parameters
    ----------
    version
        Version of the frame.
    covered
        The bytes that the checksum covers.
    checksum
        What the frame says.

    Returns
    -------
    bool or None
        None if it cannot be said.
    """
    if version == CRC16_VERSION:
        return binascii.crc_hqx(covered, 0xFFFF) == checksum
    library = _crc32c() if version == CRC32C_VERSION else None
    if library is None:
        return None
    # IceTray starts the register at 0 and does not invert it; the library inverts on entry and on leaving.
    return bool(library.extend(0xFFFFFFFF, covered) ^ 0xFFFFFFFF == checksum)


def why_not(version: int) -> str:
    """Say why frames of a version cannot be verified, ``""`` if they can."""
    if version < CRC16_VERSION:
        return "its checksum, if any, follows no public rule"
    if version == CRC32C_VERSION and _crc32c() is None:
        return "the package google-crc32c is not installed, or has no C routine here"
    return ""


@cache
def _crc32c() -> ModuleType | None:
    try:
        import google_crc32c
    except ImportError:
        return None
    return google_crc32c if google_crc32c.implementation == "c" else None
