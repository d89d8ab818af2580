"""The messages that a server sends.

Facts: python-oracledb, src/oracledb/impl/thin/messages/base.pyx.
"""

import struct

import oracle_double.wire as wire

NO_DATA_FOUND = 1403
_TTC_VERSION = 12
"""Of 19.1: later ones have more fields in many messages."""
_IN_TRANSACTION = 2


def status(*, in_transaction: bool = False) -> bytes:
    """Return the message that a call without a result is done."""
    return b"\x09" + wire.number(_IN_TRANSACTION if in_transaction else 0) + wire.number(0)


def done(cursor: int = 0, rows: int = 0, code: int = 0, text: str = "", *, in_transaction: bool = False) -> bytes:
    """Return the message that ends a call on a cursor: an error, the end of the rows (1403), or neither."""
    message = text.encode()[:2000]
    return b"".join((
        b"\x04",
        wire.number(_IN_TRANSACTION if in_transaction else 0),
        wire.number(0) * 5,
        wire.number(cursor),
        wire.number(0),  # position of the error
        bytes(6),
        bytes(5),  # a row address: three numbers, a byte and a number
        wire.number(0),
        bytes(2),
        wire.number(0) * 3,
        wire.number(0) * 3,  # codes, places and messages of errors in an array
        wire.number(code),
        wire.number(rows),
        wire.text_or_bytes(message + b"\n") if code else b"",
    ))  # fmt: skip


def rows_begin() -> bytes:
    """Return the message before the first row of a reply."""
    return b"\x06\0" + wire.number(0) * 6


def bind_directions(count: int) -> bytes:
    """Return the message that all binds of a PL/SQL block were read and none is written."""
    return b"\x0b\0" + wire.number(count) + wire.number(0) * 5 + bytes((32,)) * count


def protocol() -> bytes:
    """Return the answer to what the client says of itself: UTF-8, and UTF-16 for national texts."""
    layout = bytes(9) + struct.pack(">H", 2000)
    compile_time = bytearray(55)
    compile_time[0], compile_time[7] = 6, _TTC_VERSION
    run_time = bytearray(11)
    run_time[6] = 4  # texts of 32767 bytes
    return b"".join((
        b"\1\6\0", b"x86_64/Linux 2.4.xx\0", struct.pack("<HBH", 873, 1, 0), struct.pack(">H", len(layout)), layout,
        wire.text_or_bytes(bytes(compile_time)), wire.text_or_bytes(bytes(run_time)),
    ))  # fmt: skip


def data_types() -> bytes:
    """Return the answer to the client's list of types."""
    return b"\2\0\0"


def parameters(values: dict[str, str], verifier: int) -> bytes:
    """Return what the server says while somebody logs in."""
    parts = [b"\x08", wire.number(len(values))]
    for name, value in values.items():
        flag = verifier if name == "AUTH_VFR_DATA" else 0
        parts += (wire.twice_counted(name.encode()), wire.twice_counted(value.encode()), wire.number(flag))
    return b"".join(parts) + status()


def version_number(version: str) -> str:
    """Return a version such as ``19.3.0.0.0`` as AUTH_VERSION_NO has it since 18c."""
    first, second, third, fourth, fifth = (int(part) for part in version.split("."))
    return str(first << 24 | second << 16 | third << 12 | fourth << 4 | fifth)
