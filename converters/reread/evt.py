"""Second reader of ASCII `.evt` files: one line and one event after the other, in plain Python.

It shares no code and no table with `converters.readers.evt`, so that an error in one of them shows when the two
are compared. Facts from the sample files of km3net-testdata and the public readers km3pipe (`io/evt.py`) and Jpp
(`io_ascii.hh`); particle codes from the GEANT 3 and CORSIKA user's guides.
"""

import math
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from converters.reread.contract import Expected, Value
from converters.source import ReadOptions
from legacy.errors import CorruptInputError

_NAN = math.nan
_CHUNK = 1 << 16
_LONGEST_EVENT = 64 << 20
_LONGEST_LINE = 16384
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eEdD][+-]?\d+)?")
_NO_LETTER = re.compile(r"([+-]?(?:\d+\.\d*|\.\d+))([+-]\d\d\d)")

_PLACE = "id pos_x pos_y pos_z dir_x dir_y dir_z"
_FLIGHT = f"{_PLACE} energy time source_code"
_FAMILY = f"{_FLIGHT} is_charm mother_id grandmother_id"
_LENGTH = f"{_FLIGHT} length"
_TRACKS = {
    "neutrino": (f"{_PLACE} energy time bx by ichan source_code cc", _FAMILY),
    "track_in": (_FLIGHT, _LENGTH, f"{_LENGTH} energy_lost_in_can", _FAMILY),
    "track_primary": (_FLIGHT,),
    "center_on_can": (_FLIGHT,),
    "primarylepton": (_FLIGHT, _LENGTH),
    "track_earthlepton": (_FLIGHT, _LENGTH),
    "track_aux": (_FLIGHT, _LENGTH),
    "track_seamuon": (_FAMILY,),
    "track_seaneutrino": (_FAMILY,),
    "track_sealepton": (f"{_FLIGHT} extra_0 extra_1 extra_2 extra_3",),
    "track_bundle": (f"{_PLACE} extra_0",),
}
_TRACK_INTEGERS = ("id", "pdgid", "source_code", "ichan", "cc", "is_charm", "mother_id", "grandmother_id", "status")
_TRACK_FLOATS = (
    *("pos_x", "pos_y", "pos_z", "dir_x", "dir_y", "dir_z", "energy", "time", "length", "energy_lost_in_can"),
    *("bx", "by", "extra_0", "extra_1", "extra_2", "extra_3"),
)
_PDG_TAGS = ("neutrino", "track_sealepton")
_SURFACE_TAGS = ("track_seamuon", "track_seaneutrino", "track_primary", "center_on_can")

_FEW_NUMBERS = {  # tag: least and greatest number of values
    "weights": (1, 4),
    "w2list": (1, 32),
    "w3list": (1, 32),
    "total_hits": (1, 1),
    "vertex": (2, 2),
    "corsika_evno": (1, 1),
    "eventtime": (2, 2),
}
_FIT_VALUES = 64
_YEAR_2000, _YEAR_2100 = 946_684_800, 4_102_444_800

_GEANT3 = {
    1: 22, 2: -11, 3: 11, 5: -13, 6: 13, 7: 111, 8: 211, 9: -211, 10: 130, 11: 321, 12: -321, 13: 2112, 14: 2212,
    15: -2212, 16: 310, 17: 221, 18: 3122, 19: 3222, 20: 3212, 21: 3112, 22: 3322, 23: 3312, 24: 3334, 25: -2112,
    26: -3122, 27: -3222, 28: -3212, 29: -3112, 30: -3322, 31: -3312, 32: -3334, 33: -15, 34: 15, 35: 411, 36: -411,
    37: 421, 38: -421, 39: 431, 40: -431, 41: 4122, 42: 24, 43: -24, 44: 23, 45: 1000010020, 46: 1000010030,
    47: 1000020040, 49: 1000020030,
}  # fmt: skip
_CORSIKA = {66: 12, 67: -12, 68: 14, 69: -14, 131: -15, 132: 15, 133: 16, 134: -16}


def reread(path: Path, options: ReadOptions) -> Iterator[Expected]:
    """Read a file event by event.

    Parameters
    ----------
    path, options
        The file, plain or gzip-compressed; with `salvage`, events that are not whole are left out.

    Raises
    ------
    CorruptInputError
        An event is not whole, or no event is whole in a file that is to be salvaged.
    """
    losses = _Losses(path, options.salvage)
    whole = 0
    with path.open("rb") as stream:
        for event in _whole_events(_lines(stream, losses), losses):
            whole += 1
            yield _expected(event)
    if losses.met and not whole:
        raise CorruptInputError(path, "no event is whole", found=losses.met)


@dataclass(slots=True)
class _Losses:
    """Refuses what is not whole, or remembers it."""

    path: Path
    salvage: bool
    met: str = ""

    def add(self, problem: str) -> None:
        if not self.salvage:
            raise CorruptInputError(
                self.path, problem, expected="whole events", advice="--salvage keeps the whole ones"
            )
        self.met = problem


@dataclass(frozen=True, slots=True)
class _Header:
    """What a header says about the events behind it."""

    run: int
    surface_is_pdg: bool

    @classmethod
    def of(cls, lines: Sequence[str]) -> "_Header":
        entries = [(tag.strip(), rest.split()) for tag, _, rest in (line.strip().partition(":") for line in lines)]
        numbers = [values[0].removeprefix("+") for tag, values in entries if tag == "start_run" and values]
        runs = [int(text) for text in numbers if text.isascii() and text.isdigit() and len(text) <= 18]
        corant = [
            values[1] if len(values) > 1 else ""
            for tag, values in entries
            if tag in ("physics", "generator", "simul") and values[:1] == ["Corant"]
        ]
        modern = bool(corant) and re.match(r"v?([5-9]|\d\d)", corant[0]) is not None
        return cls(runs[0] if runs else -1, modern)


@dataclass(slots=True)
class _Event:
    """The lines of one event without its hits."""

    header: _Header
    start: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    hits: int = 0

    def add(self, line: str) -> None:
        tag, colon, rest = line.partition(":")
        if tag in ("hit", "hit_raw") and colon:
            self.hits += 1
        elif colon:
            self.lines.append((tag, rest))

    def first(self, tag: str) -> str:
        """Return what the event's first line with this tag says."""
        return next((rest for name, rest in self.lines if name == tag), "")


def _lines(stream: BinaryIO, losses: _Losses) -> Iterator[str]:
    """Yield the lines without line end."""
    kept: list[bytes] = []
    length = 0
    for piece in _pieces(stream, losses):
        start, *others = piece.split(b"\n")
        kept.append(start)
        length += len(start)
        for other in others:
            yield b"".join(kept).decode("latin-1")
            kept, length = [other], len(other)
        if length > _LONGEST_EVENT:
            raise CorruptInputError(losses.path, "a line without end")
    if length:
        yield b"".join(kept).decode("latin-1")


def _pieces(stream: BinaryIO, losses: _Losses) -> Iterator[bytes]:
    chunk = stream.read(_CHUNK)
    if not chunk.startswith(b"\x1f\x8b"):
        while chunk:
            yield chunk
            chunk = stream.read(_CHUNK)
        return
    unzip = zlib.decompressobj(wbits=31)
    while chunk:
        if unzip.eof:  # another compressed file may follow, or the zeros that fill a tape's block
            chunk = chunk.lstrip(b"\0")
            if not chunk:
                chunk = stream.read(_CHUNK)
                continue
            unzip = zlib.decompressobj(wbits=31)
        before = unzip.copy()
        try:
            piece = unzip.decompress(chunk, _CHUNK)
        except zlib.error as error:
            yield _until_error(before, chunk)
            losses.add(f"the gzip stream is damaged ({error})")
            return
        yield piece
        chunk = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
        chunk = chunk or stream.read(_CHUNK)
    if not unzip.eof:
        losses.add("the gzip stream ends early")


def _until_error(unzip: "zlib._Decompress", chunk: bytes) -> bytes:
    """Decompress byte by byte up to the one that cannot be."""
    found = []
    with suppress(zlib.error):
        for position in range(len(chunk)):
            found.append(unzip.decompress(chunk[position : position + 1]))  # noqa: PERF401  what came is kept
    return b"".join(found)


def _whole_events(lines: Iterator[str], losses: _Losses) -> Iterator[_Event]:
    """Follow the marks; what stands between events is left out."""
    header: list[str] = []
    in_header, header_used, ended = True, False, False
    event: _Event | None = None
    origin, size = _Header.of(header), 0
    for line in lines:
        if line.encode("latin-1").strip():
            ended = line.startswith("end_event:")
        size = 0 if ended else size + len(line)
        if size > _LONGEST_EVENT:
            raise CorruptInputError(losses.path, "an event without end")
        if line.startswith(("start_run:", "start_event:")) and event is not None:
            losses.add(f"an event begins within another: {line[:40]!a}")
            event = None
        if line.startswith("start_run:"):
            in_header = True
        elif line.startswith("start_event:"):
            origin = origin if header_used else _Header.of(header)
            in_header, header_used = False, True
            event = _Event(origin, line.partition(":")[2])
            continue
        elif line.startswith("end_event:"):
            if event is not None:
                yield event
            elif not in_header:
                losses.add("an event ends that did not begin")
            event, in_header = None, False
            continue
        if in_header:
            header = [] if header_used else header
            header_used = False
            header.append(line)
        elif event is not None:
            event.add(line)
    if event is not None or not ended:
        losses.add("the file ends within an event, or holds none")


def _expected(event: _Event) -> Expected:
    tracks = tuple(_track(tag, numbers, event.header) for tag, numbers in _track_lines(event))
    facts = {tag: _few(event, tag) for tag in _FEW_NUMBERS}
    numbers = _numbers(event.start) if _short("start_event", event.start) else []
    weights = {f"weight_w{n + 1}": _at(facts["weights"], n) for n in range(4)}
    total = _integer(_at(facts["total_hits"], 0))
    shared: dict[str, Value] = {"run_id": event.header.run, **_utc(facts["eventtime"])}
    ticks = _integer(_at(facts["eventtime"], 1))
    target = " ".join(event.first("target").split()).encode("latin-1")
    events: dict[str, Value] = {
        **shared,
        "n_hits": event.hits if event.hits or total >= 0 else -1,
        "reco": b"none",
        **_truth(tracks),
        **{name: value for name, value in weights.items() if name != "weight_w4"},
    }
    info: dict[str, Value] = {
        **shared,
        "source_event_id": _integer(_at(numbers, 0)),
        "source_t_sec": _integer(_at(facts["eventtime"], 0)),
        "source_t_nanosec": ticks if ticks == -1 else 16 * ticks,
        **weights,
    }
    mc_info: dict[str, Value] = {
        "n_hit_lines": event.hits,
        "total_hits": total,
        "event_type": _integer(_at(numbers, 1)),
        "target": target.rstrip(b"\0") if len(target) <= 32 else b"",
        "vertex_0": _at(facts["vertex"], 0),
        "vertex_1": _at(facts["vertex"], 1),
        "corsika_evno": _integer(_at(facts["corsika_evno"], 0)),
        **{f"{tag}_{n:02d}": _at(facts[tag], n) for tag in ("w2list", "w3list") for n in range(32)},
    }
    fits = tuple(_fit(rest) for tag, rest in event.lines if tag == "track_fit" and _short(tag, rest))
    return Expected(events, info, {"/mc_tracks": tracks, "/mc_info": (mc_info,), "/reco/track_fit": fits})


def _track_lines(event: _Event) -> Iterator[tuple[str, dict[str, float]]]:
    for tag, rest in event.lines:
        if tag in _TRACKS and _short(tag, rest):
            values = _numbers(rest)
            for names in map(str.split, _TRACKS[tag]):
                if len(names) == len(values):
                    yield tag, dict(zip(names, values, strict=True))


def _track(tag: str, numbers: dict[str, float], header: _Header) -> dict[str, Value]:
    row: dict[str, Value] = {"origin": tag.encode()}
    row |= {name: numbers.get(name, _NAN) for name in _TRACK_FLOATS}
    row |= {name: _integer(numbers.get(name, _NAN)) for name in _TRACK_INTEGERS}
    code = _integer(numbers.get("source_code", _NAN))
    if tag in _PDG_TAGS or (tag in _SURFACE_TAGS and header.surface_is_pdg):
        row["pdgid"] = code or -1
    elif tag in _SURFACE_TAGS:
        row["pdgid"] = _from_corsika(code)
    else:
        row["pdgid"] = _GEANT3.get(code, -1)
    return row


def _from_corsika(code: int) -> int:
    if code <= 32:
        return _GEANT3.get(code, -1)
    mass, charge = code // 100, code % 100
    if code >= 200 and mass <= 60 and 0 < charge <= mass:
        return 10**9 + 10**4 * charge + 10 * mass
    return _CORSIKA.get(code, -1)


def _truth(tracks: Sequence[dict[str, Value]]) -> dict[str, Value]:
    """Take the first neutrino, else the first primary, else the most energetic muon."""
    muons = [row for row in tracks if row["pdgid"] in (13, -13)]
    muons.sort(key=lambda row: -math.inf if row["energy"] != row["energy"] else row["energy"], reverse=True)
    for candidates in (
        [row for row in tracks if row["origin"] == b"neutrino"],
        [row for row in tracks if row["origin"] == b"track_primary"],
        muons,
    ):
        if candidates:
            return _truth_of(candidates[0])
    none: dict[str, Value] = {"mc_energy": _NAN, "mc_zenith": _NAN, "mc_azimuth": _NAN, "mc_bjorken_y": _NAN}
    return none | {"mc_pdgid": -1, "mc_is_cc": -1}


def _truth_of(row: dict[str, Value]) -> dict[str, Value]:
    x, y, z = (float(row[name]) for name in ("dir_x", "dir_y", "dir_z"))
    zenith = azimuth = _NAN
    if all(map(math.isfinite, (x, y, z))) and (x or y or z):
        # The particle came from the side opposite to its flight.
        zenith = math.atan2(math.hypot(x, y), -z)
        azimuth = math.atan2(-y, -x) % (2 * math.pi) if x or y else 0.0
    return {
        "mc_energy": row["energy"],
        "mc_pdgid": row["pdgid"],
        "mc_zenith": zenith,
        "mc_azimuth": azimuth,
        "mc_is_cc": {2: 1, 3: 0}.get(int(row["cc"]), -1),
        "mc_bjorken_y": row["by"],
    }


def _utc(values: Sequence[float]) -> dict[str, Value]:
    seconds, ticks = _integer(_at(values, 0)), _integer(_at(values, 1))
    sane = _YEAR_2000 <= seconds < _YEAR_2100 and 0 <= 16 * ticks < 10**9
    return {"timestamp": seconds if sane else -1, "nanoseconds": 16 * ticks if sane else -1}


def _fit(rest: str) -> dict[str, Value]:
    values = _numbers(rest)
    return {"n_values": len(values), **{f"value_{n:02d}": _at(values, n) for n in range(_FIT_VALUES)}}


def _few(event: _Event, tag: str) -> list[float]:
    """Return the numbers of the event's first line with this tag, none if they are too few or too many."""
    least, most = _FEW_NUMBERS[tag]
    rest = event.first(tag)
    values = _numbers(rest) if _short(tag, rest) else []
    return values if least <= len(values) <= most else []


def _at(values: Sequence[float], index: int) -> float:
    return values[index] if index < len(values) else _NAN


def _short(tag: str, rest: str) -> bool:
    """Say if the line is short enough to be one of numbers."""
    return len(tag) + 1 + len(rest) <= _LONGEST_LINE


def _integer(value: float) -> int:
    return int(value) if math.isfinite(value) and abs(value) < 2**53 and value == int(value) else -1


def _numbers(text: str) -> list[float]:
    return [number for token in text.split() for number in _of_token(token)]


def _of_token(token: str) -> list[float]:
    """Read one number, or several without blanks between them; NaN for what is none."""
    if short := _NO_LETTER.fullmatch(token):
        return [float(f"{short[1]}e{short[2]}")]
    found, position = [], 0
    while match := _NUMBER.match(token, position):
        if position and token[position] not in "+-":
            break
        found.append(float(re.sub("[dD]", "e", match[0])))
        position = match.end()
    if position == len(token):
        return found
    infinite = re.fullmatch(r"([+-]?)inf(inity)?", token.lower())
    return [_NAN if infinite is None else float(f"{infinite[1]}inf")]
