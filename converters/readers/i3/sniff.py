"""Does a file begin with a frame? Standard library only, since every file is asked."""

import struct

from converters.readers.i3.frame import NEWEST, OLDEST, TAG

_FIRST_TAGGED = 4


def begins_with_frame(head: bytes) -> bool:
    """Say if uncompressed bytes are the beginning of an `.i3` file of a known frame version.

    Frames before 2008 have no tag, only the number 2 or 3 in four bytes; then the class info of the history must
    follow, and the number of its entries must be a small one.
    """
    if head.startswith(TAG):
        return len(head) >= 8 and _FIRST_TAGGED <= struct.unpack_from("<I", head, 4)[0] <= NEWEST
    if len(head) < 16 or not OLDEST <= struct.unpack_from("<I", head)[0] < _FIRST_TAGGED:
        return False
    tracked, version = head[4], head[5]
    at = 10 if tracked == 1 else 6
    if tracked > 1 or version > 1 or struct.unpack_from("<I", head, at)[0] > 100_000:
        return False
    entries = struct.unpack_from("<I", head, at)[0]
    # Behind the history the stream stands: its class info, perhaps an object id, and a letter.
    rest = head[at + 4 : at + 12]
    if entries:
        return len(rest) == 8 and rest[0] <= 1 and rest[1] <= 1
    return rest[:1] in (b"\0", b"\1") and (rest[6:7] if rest[0] else rest[2:3]).isalpha()
