"""Fuzz target: any bytes as an `.i3` file. ``python tests/fuzz/i3_target.py [LIBFUZZER OPTIONS] [CORPUS]``.

Needs the package atheris. Whatever the bytes are, only the errors that the program raises on purpose may come out.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["converters.readers.i3"]):
    from converters.readers.i3.derived import particle_base
    from converters.readers.i3.faults import FormatError, UnknownLayoutError
    from converters.readers.i3.frame import frames
    from converters.readers.i3.reader import I3Reader
    from converters.readers.i3.registry import decode
    from converters.source import ReadOptions
    from legacy.errors import AntaresLegacyError

FOLDER = tempfile.TemporaryDirectory()
PATH = Path(FOLDER.name) / "x.i3"


def one_input(data: bytes) -> None:
    """Read the bytes as objects, as frames and as a file."""
    for read in (decode, particle_base):
        try:
            read(data)
        except (FormatError, UnknownLayoutError):
            continue
    try:
        found = list(frames(iter([data]), verify=False))
    except FormatError:
        found = []
    for frame in found:
        for slot in frame.slots:
            try:
                decode(frame.bytes_of(slot))
            except (FormatError, UnknownLayoutError):
                continue
    PATH.write_bytes(data)
    try:
        with I3Reader().open(PATH, ReadOptions(salvage=bool(data[:1] > b"\x7f"))) as file:
            for _ in file.batches():
                file.warnings()
            file.coverage()
    except AntaresLegacyError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
