"""Objects of `.i3` frames for the second reader: each class a function, each value a dictionary or a list.

Facts from ``docs/i3.md``. `decode` returns None for what the second reader does not need or cannot read.
"""

import struct
from collections.abc import Callable
from typing import Any

_NAN = float("nan")


class BadObjectError(Exception):
    """The bytes are no object of the class they name."""


class _Buffer:
    """The bytes of one object, read from front to back."""

    def __init__(self, data: bytes, *, weighted: bool = False) -> None:
        self.data = data
        self.place = 0
        self.weighted = weighted
        self.met: dict[str, tuple[int, int]] = {}
        self.numbered: list[tuple[str, Any]] = []

    def bytes(self, size: int) -> bytes:
        if size > len(self.data) - self.place:
            raise BadObjectError("too short")
        self.place += size
        return self.data[self.place - size : self.place]

    def one(self, letter: str) -> Any:
        return struct.unpack("<" + letter, self.bytes(struct.calcsize("<" + letter)))[0]

    def count(self) -> int:
        number = self.one("I")
        number = self.one("Q") if number == 0xFFFFFFFF else number
        if number > len(self.data) - self.place:
            raise BadObjectError("impossible count")
        return int(number)

    def text(self) -> str:
        return self.bytes(self.count()).decode("utf-8", "backslashreplace")

    def mark(self, name: str) -> tuple[int, int]:
        if name not in self.met:
            tracked, version = self.one("B"), self.one("B")
            version = self.one("Q") if version == 255 else version
            if tracked > 1:
                raise BadObjectError("impossible tracking")
            self.met[name] = (tracked, version)
        return self.met[name]

    def object(self, name: str) -> Any:
        tracked, version = self.mark(name)
        reader, newest = CLASSES[name]
        if version > newest:
            raise BadObjectError("unknown version")
        if not tracked:
            return reader(self, version)
        number = self.one("I")
        if number < len(self.numbered):
            class_name, earlier = self.numbered[number]
            if class_name != name or earlier is Ellipsis:
                raise BadObjectError("an object within itself, or one of another class")
            return earlier
        if number > len(self.numbered):
            raise BadObjectError("impossible number")
        self.numbered.append((name, Ellipsis))
        value = reader(self, version)
        self.numbered[number] = name, value
        return value

    def list_of(self, name: str, read: Callable[[], Any]) -> list[Any]:
        if self.mark(name)[0]:
            raise BadObjectError("a tracked container")
        return [read() for _ in range(self.count())]

    def map_of(self, read: Callable[[], Any]) -> list[Any]:
        def pair() -> Any:
            if self.mark("pair")[0]:
                raise BadObjectError("a tracked pair")
            return read()

        return self.list_of("map", pair)


def _base(b: _Buffer, version: int) -> None:
    """Read the members of I3FrameObject: none."""


def _time(b: _Buffer, _version: int) -> tuple[int, int]:
    b.object("I3FrameObject")
    return b.one("i"), b.one("q")


def _header(b: _Buffer, version: int) -> dict[str, Any]:
    b.object("I3FrameObject")
    found: dict[str, Any] = {"run": b.one("I"), "subrun": -1, "state": -1, "subevent": -1, "stream": ""}
    if version > 0:
        found["subrun"] = b.one("I")
    found["event"] = b.one("I")
    if version > 1:
        found["state"] = b.one("i")
    if version > 2:
        found["subevent"], found["stream"] = b.one("I"), b.text()
    found["start"], found["end"] = b.object("I3Time"), b.object("I3Time")
    return found


def _position(b: _Buffer, _version: int) -> tuple[float, ...]:
    b.object("I3FrameObject")
    return b.one("d"), b.one("d"), b.one("d")


def _direction(b: _Buffer, _version: int) -> tuple[float, ...]:
    b.object("I3FrameObject")
    return b.one("d"), b.one("d")


def _particle(b: _Buffer, version: int) -> dict[str, Any]:
    b.object("I3FrameObject")
    p: dict[str, Any] = {"version": version, "minor": b.one("i"), "major": b.one("Q") if version > 1 else -1}
    if version == 0:
        b.bytes(8)
    p["type"], p["shape"], p["fit_status"] = b.one("i"), b.one("i"), b.one("i")
    if version == 6:
        p["x"], p["y"], p["z"], p["zenith"], p["azimuth"] = (b.one("f") for _ in range(5))
    else:
        p["x"], p["y"], p["z"] = b.object("I3Position")
        p["zenith"], p["azimuth"] = b.object("I3Direction")
    letter = "f" if version == 6 else "d"
    p["time"], p["energy"], p["length"], p["speed"] = (b.one(letter) for _ in range(4))
    p["location"], p["bjorken_x"], p["bjorken_y"] = -1, _NAN, _NAN
    if version == 0:
        b.list_of("vector<I3Particle>", lambda: b.object("I3Particle"))
        return p
    if version == 4 and b.weighted:
        b.bytes(8)
    p["location"] = b.one("i")
    if version == 4 and not b.weighted:
        p["bjorken_x"], p["bjorken_y"] = b.one("d"), b.one("d")
    return p


def _add(found: list[tuple[Any, int]], b: _Buffer, name: str, parent: int) -> None:
    if len(found) == 500_000:
        raise BadObjectError("a tree that is too large")
    found.append((b.object(name), parent))


def _nested(b: _Buffer, name: str) -> list[tuple[Any, int]]:
    """Read the older trees; the levels above wait in a list, since a tree can be deeper than Python calls."""
    found: list[tuple[Any, int]] = []
    levels = [(-1, b.count())]
    while levels:
        parent, due = levels.pop()
        if due:
            levels.append((parent, due - 1))
            _add(found, b, name, parent)
            levels.append((len(found) - 1, b.count()))
    return found


def _tree(b: _Buffer, version: int) -> list[tuple[Any, int]]:
    b.object("I3FrameObject")
    if version == 0:
        return _nested(b, "I3Particle")
    found: list[tuple[Any, int]] = []
    current, zeros = -1, 0
    while True:
        bits = b.one("I")
        if bits == 0:
            return found
        words = [b.one("Q") for _ in range(b.count())]
        if bits > 65535 or len(words) != (bits + 63) // 64:
            raise BadObjectError("impossible tree")
        for place in range(bits):
            if words[place // 64] >> place % 64 & 1:
                parent = current
                if zeros and current >= 0:
                    parent = found[current][1]
                _add(found, b, "I3Particle", parent)
                current, zeros = len(found) - 1, 0
            else:
                zeros += 1
                if zeros > 1 and current >= 0:
                    current = found[current][1]
        if bits < 65535:
            return found


def _om_key(b: _Buffer, version: int) -> tuple[int, int, int]:
    if version < 2:
        b.object("I3FrameObject")
    return b.one("i"), b.one("I"), b.one("B") if version > 0 else 0


def _pulse(b: _Buffer, version: int) -> tuple[float, float]:
    if version < 2:
        time, _, charge, _ = b.one("d"), b.one("i"), b.one("d"), b.one("d")
        b.bytes(4 if version == 1 else 0)
        return time, charge
    time, charge = b.one("f" if version == 2 else "d"), b.one("f")
    b.bytes(5)
    return time, charge


def _mc_hit(b: _Buffer, version: int) -> tuple[float, float]:
    time = b.one("d")
    b.bytes(12 if version > 2 else 4)
    charge = b.one("d")
    b.bytes(4 + (8 if version > 0 else 0) + 8 + (4 if version > 1 else 0))
    return time, charge


def _reco_hit(b: _Buffer, version: int) -> tuple[float, float]:
    time = b.one("d")
    b.bytes(8 if version > 0 else 4)
    return time, _NAN


def _series(name: str) -> Callable[[_Buffer, int], list[Any]]:
    def read(b: _Buffer, _version: int) -> list[Any]:
        b.object("I3FrameObject")
        return b.map_of(lambda: (b.object("OMKey"), b.list_of("vector", lambda: b.object(name))))

    return read


def _bits(b: _Buffer, _version: int) -> int:
    size, unused = b.one("H"), b.one("B")
    if unused > 8 * size:
        raise BadObjectError("impossible bit field")
    bits = int.from_bytes(b.bytes(size), "little")
    return bits & ((1 << 8 * int(size) - int(unused)) - 1)


def _mask(b: _Buffer, version: int) -> dict[str, Any]:
    b.object("I3FrameObject")
    source = b.text()
    b.bytes(4 if version == 1 else 0)
    return {"source": source, "modules": b.object("bits"), "pulses": b.list_of("vector", lambda: b.object("bits"))}


def _union(b: _Buffer, _version: int) -> list[str]:
    b.object("I3FrameObject")
    return b.list_of("vector", b.text)


def _trigger_key(b: _Buffer, version: int) -> tuple[int, int, int, int]:
    source, kind = b.one("i"), b.one("i")
    return source, kind, b.one("i") if version > 0 else -1, b.one("i") if b.one("B") else -1


def _trigger(b: _Buffer, version: int) -> dict[str, Any]:
    unit = 1.0 if version else 0.1
    time, length, fired = b.one("d") * unit, b.one("d") * unit, b.one("B") != 0
    return {"time": time, "length": length, "fired": fired, "key": b.object("TriggerKey")}


def _triggers(b: _Buffer, _version: int) -> list[tuple[Any, int]]:
    b.object("I3FrameObject")
    return _nested(b, "I3Trigger")


def _map(b: _Buffer, _version: int) -> list[tuple[str, float]]:
    b.object("I3FrameObject")
    return b.map_of(lambda: (b.text(), b.one("d")))


def _number(letter: str) -> Callable[[_Buffer, int], Any]:
    def read(b: _Buffer, _version: int) -> Any:
        b.object("I3FrameObject")
        return b.one(letter)

    return read


def _likelihood(b: _Buffer, _version: int) -> tuple[float, float, int, int]:
    b.object("I3FrameObject")
    return b.one("d"), b.one("d"), b.one("i"), b.one("i")


CLASSES: dict[str, tuple[Callable[[_Buffer, int], Any], int]] = {
    "I3FrameObject": (_base, 0),
    "I3Time": (_time, 0),
    "I3EventHeader": (_header, 3),
    "I3Position": (_position, 0),
    "I3Direction": (_direction, 0),
    "I3Particle": (_particle, 6),
    "I3MCTree": (_tree, 1),
    "OMKey": (_om_key, 2),
    "I3RecoPulse": (_pulse, 3),
    "I3MCHit": (_mc_hit, 3),
    "I3RecoHit": (_reco_hit, 1),
    "I3RecoPulseSeriesMap": (_series("I3RecoPulse"), 1),
    "I3MCHitSeriesMap": (_series("I3MCHit"), 1),
    "I3RecoHitSeriesMap": (_series("I3RecoHit"), 1),
    "bits": (_bits, 0),
    "I3RecoPulseSeriesMapMask": (_mask, 2),
    "I3RecoPulseSeriesMapUnion": (_union, 0),
    "TriggerKey": (_trigger_key, 1),
    "I3Trigger": (_trigger, 1),
    "I3TriggerHierarchy": (_triggers, 0),
    "I3MapStringDouble": (_map, 0),
    "I3Double": (_number("d"), 0),
    "I3Int": (_number("i"), 0),
    "I3Bool": (_number("?"), 0),
    "I3LogLikelihoodFitParams": (_likelihood, 0),
}
"""Reader and newest version of each class."""

INNER = frozenset("I3FrameObject OMKey I3RecoPulse I3MCHit I3RecoHit bits TriggerKey I3Trigger".split())  # noqa: SIM905
"""Classes that lie in others, never in a frame of their own."""


MEMBERS: dict[str, tuple[str, str]] = {}
"""Classes that are an I3Particle and numbers behind it: letters of Python's `struct`, and their columns in one text."""


def class_of(data: bytes) -> tuple[str, int]:
    """Return the class of an object and where its own mark begins; ``""`` if it is none."""
    if len(data) < 8 or data[:4] != b"\0\1\2\0":
        return "", 0
    size = int.from_bytes(data[4:8], "little")
    name = data[8 : 8 + size]
    if not 0 < size < 128 or len(data) < 10 + size or not name.isascii():
        return "", 0
    return name.decode("ascii"), 8 + size


def decode(data: bytes) -> Any:
    """Read an object of a frame; None if it cannot be read or is not needed. Of unknown classes see `particle_in`."""
    name, place = class_of(data)
    if name not in CLASSES or name in INNER or len(data) > 32 << 20:
        return None
    found, left = None, -1
    for weighted in (False, True):
        b = _Buffer(data, weighted=weighted)
        b.place = place
        try:
            value = b.object(name)
        except (BadObjectError, RecursionError):
            continue
        if b.place == len(data) or not weighted:
            found, left = value, len(data) - b.place
        if left == 0 or b.met.get("I3Particle", (0, 0))[1] != 4:
            break
    return found


def particle_in(data: bytes) -> dict[str, Any] | None:
    """Read the I3Particle with which an object of an unknown class begins; None if it begins otherwise.

    Of a class in `MEMBERS` its own numbers too, under ``more``.
    """
    name, place = class_of(data)
    if not name or name in CLASSES:
        return None
    b = _Buffer(data)
    b.place = place
    try:
        if b.mark(name)[0]:
            if b.one("I") != 0:
                return None
            b.numbered.append((name, Ellipsis))
        p: dict[str, Any] = b.object("I3Particle")
    except BadObjectError:
        return None
    p["more"] = {}
    if name in MEMBERS:
        letters, columns = MEMBERS[name]
        try:
            p["more"] = {column: b.one(letter) for letter, column in zip(letters, columns.split(), strict=True)}
        except BadObjectError:
            return None
        return p
    good = all(b.met.get(part) == (1, 0) for part in ("I3FrameObject", "I3Position", "I3Direction"))
    usual = p["shape"] in (0, 10, 20, 30, 31, 40, 50, 60, 70, 80, 90) and p["fit_status"] in (-1, *range(0, 70, 10))
    return p if good and usual and b.met["I3Particle"][0] == 1 and 1 <= b.met["I3Particle"][1] <= 5 else None
