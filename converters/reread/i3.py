"""Second reader of `.i3` files: one frame after the other, in plain Python."""

import math
from calendar import isleap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from converters.reread.contract import Expected, Value
from converters.reread.i3_frames import CutError, RawFrame, raw_frames
from converters.reread.i3_hits import Found, counted
from converters.reread.i3_names import MOST, column_names, shown_key, table_names, words
from converters.reread.i3_objects import MEMBERS, class_of, decode, particle_in
from converters.reread.i3_truth import truth
from converters.source import ReadOptions

_BESIDE = {
    "AafitFinalFit": {"quality": "AafitLambdaFinalFit", "error_estimate": "AafitErrorEstimateFinalFit"},
    "BBFitTrack": {"quality": "BBFitTChi2"},
    "BBFitBright": {"quality": "BBFitBChi2"},
}
_PARTICLE = (
    "x y z time zenith azimuth energy speed length type shape location fit_status bjorken_x bjorken_y".split()  # noqa: SIM905
)
_HITS = (
    "I3RecoPulseSeriesMap",
    "I3MCHitSeriesMap",
    "I3RecoHitSeriesMap",
    "I3RecoPulseSeriesMapMask",
    "I3RecoPulseSeriesMapUnion",
)

_MOST_TRIED = 100
"""Objects of each kind in which an I3Particle is looked for."""


@dataclass(slots=True)
class _Content:
    """What the whole file holds, seen before its events are."""

    letter: str = "P"
    inherits: bool = False
    classes: dict[str, set[str]] = field(default_factory=dict)
    particles: set[str] = field(default_factory=set)
    entries: dict[str, set[str]] = field(default_factory=dict)

    def of(self, *names: str) -> list[str]:
        """Return the keys under which objects of some classes lie."""
        return sorted(key for key, classes in self.classes.items() if classes & set(names))

    @property
    def fits(self) -> list[str]:
        return [key for key in sorted(self.particles) if not key.startswith("MC")][:MOST]

    @property
    def antares(self) -> bool:
        return any(
            key.startswith(("Aafit", "BBFit", "GridFit", "Antares", "AntMCTree", "AntTrigger")) for key in self.classes
        )


def reread(path: Path, options: ReadOptions) -> Iterator[Expected]:
    """Read the events of an `.i3` file.

    Parameters
    ----------
    path
        The file.
    options
        `reco`, `detector` and `salvage` matter.

    Yields
    ------
    Expected
        One event after the other.
    """
    content = _look(path, options)
    antares = options.detector == "antares" or (options.detector is None and content.antares)
    names = table_names(content.fits)
    shown = shown_key(names, options.reco)
    for frame, objects in _events(path, options, content):
        yield _Event(frame, objects, content, names).expected(shown, antares=antares)


def _whole(path: Path, options: ReadOptions) -> Iterator[RawFrame | None]:
    """Yield the whole frames, and None behind them if the file does not end there."""
    try:
        yield from raw_frames(path, verify=options.salvage)
    except CutError:
        yield None


def _look(path: Path, options: ReadOptions) -> _Content:
    content = _Content()
    letters = set()
    tried: Counter[tuple[str, str, str]] = Counter()
    for frame in _whole(path, options):
        letters.add(frame.stream if frame is not None else "P")
        if frame is None or not frame.sound or frame.stream == "I":
            continue
        for key, data in frame.objects:
            name, place = class_of(data)
            content.classes.setdefault(key, set()).add(name)
            kind = (frame.stream, key, f"{name} {data[place + 1 : place + 2].hex()}")
            tried[kind] += 1
            if name in ("I3Particle", *MEMBERS) or (tried[kind] <= _MOST_TRIED and particle_in(data) is not None):
                content.particles.add(key)
            if name == "I3MapStringDouble" and key.endswith(("WeightDict", "_FinalLLHValues")):
                content.entries.setdefault(key, set()).update(entry for entry, _ in decode(data) or ())
    content.inherits = {"P", "Q"} <= letters
    content.letter = "Q" if "Q" in letters and "P" not in letters else "P"
    return content


def _events(path: Path, options: ReadOptions, content: _Content) -> Iterator[tuple[RawFrame, dict[str, bytes]]]:
    """Yield each frame of an event, with its own objects and those of the last frames of the other streams."""
    before: dict[str, RawFrame] = {}
    lost = False
    for frame in _whole(path, options):
        if frame is None:
            return
        if not frame.sound:
            # Whatever its letter says: it can have been the Q frame of the events that follow.
            lost = content.inherits
            if frame.stream in before:
                before[frame.stream] = replace(frame, objects=())
            continue
        if frame.stream != content.letter:
            if frame.stream not in ("P", "I"):
                before[frame.stream] = frame
                lost = lost and frame.stream != "Q"
            continue
        if lost:
            continue
        objects = dict(frame.objects)
        for other in before.values():
            for key, data in other.objects:
                objects.setdefault(key, data)
        yield frame, objects


class _Event:
    """One event, and what it is expected to give."""

    def __init__(self, frame: RawFrame, objects: dict[str, bytes], content: _Content, names: dict[str, str]) -> None:
        self._frame = frame
        self._content = content
        self._names = names
        self._objects = {key: (class_of(data)[0], data) for key, data in objects.items()}
        self._decoded: dict[str, Any] = {}

    def _get(self, key: str, *names: str) -> Any:
        """Return an object if it is of one of some classes and can be read."""
        if key not in self._objects or self._objects[key][0] not in names:
            return None
        if key not in self._decoded:
            self._decoded[key] = decode(self._objects[key][1])
        return self._decoded[key]

    def _particle(self, key: str) -> Any:
        if key not in self._objects or self._objects[key][0] == "I3Particle":
            return self._get(key, "I3Particle")
        return particle_in(self._objects[key][1])

    def expected(self, shown: str | None, *, antares: bool) -> Expected:
        """Return everything that the event gives."""
        header = self._get("I3EventHeader", "I3EventHeader")
        tables: dict[str, tuple[Mapping[str, Value], ...]] = {"/i3_header": (self._header(header),)}
        fits = {key: self._fit(key) for key in self._content.fits}
        for key, row in fits.items():
            tables[f"/reco/{self._names[key]}"] = () if row is None else (row,)
        if self._content.of("I3Double", "I3Int", "I3Bool"):
            tables["/i3_scalars"] = self._scalars()
        if any(key.endswith("WeightDict") for key in self._content.of("I3MapStringDouble")):
            tables["/mc_info"] = self._weights()
        keys = {**_identity(header, antares=antares), **self._trigger(tables)}
        keys |= self._antares_weights() if antares else {}
        fit = None if shown is None else fits[shown]
        if fit is not None and float(fit["fit_status"]) > 0:  # it failed
            fit = None
        events: dict[str, Value] = {**keys, **self._shown(fit, antares=antares), "reco": b"none"}
        events.pop("source_event_id", None)
        hits = self._hits(tables)
        if shown is not None and fit is not None:
            none = (-1, fit.get("n_used_hits", -1), math.nan, fit.get("n_used_lines", -1))
            count = hits.get(f"{shown}HitsUsed", none)
            events |= {"n_hits": count[1], "n_lines": count[3], "reco": self._names[shown].encode()}
        if self._content.of("I3MCTree") or any(key.startswith("MC") for key in self._content.particles):
            tables["/mc_tracks"], shown_truth = truth(self._simulated(), self._current())
            events |= shown_truth
        return Expected(events, keys, tables)

    def _header(self, header: Any) -> dict[str, Value]:
        row: dict[str, Value] = {"frame": self._frame.number}
        numbers = ("subrun", "event", "subevent", "state")
        row |= {name: header[name] if header else -1 for name in numbers}
        split = header["stream"].encode() if header else b""
        row["subevent_stream"] = split if len(split) <= 64 else b""
        for name in ("start", "end"):
            row[f"{name}_year"], row[f"{name}_ticks"] = header[name] if header else (-1, -1)
        return row

    def _fit(self, key: str) -> dict[str, Value] | None:
        particle = self._particle(key)
        if particle is None:
            return None
        row: dict[str, Value] = {name: particle[name] for name in _PARTICLE} | particle.get("more", {})
        doubles = self._content.of("I3Double")
        for column, beside in _BESIDE.get(key, {}).items():
            if beside in doubles:
                value = self._get(beside, "I3Double")
                row[column] = math.nan if value is None else value
        likelihoods = [f"{key}FitParams", f"{key}Params"]
        if key.endswith("FitResult"):
            likelihoods.append(key[: -len("Result")] + "Params")
        known = [name for name in likelihoods if name in self._content.of("I3LogLikelihoodFitParams")]
        if known:
            values = self._get(known[0], "I3LogLikelihoodFitParams") or (math.nan, math.nan, -1, -1)
            row |= dict(zip(("logl", "rlogl", "ndof", "nmini"), values, strict=True))
        values_key = f"{key}_FinalLLHValues"
        if values_key in self._content.entries:
            given = dict(self._get(values_key, "I3MapStringDouble") or ())
            columns = column_names(list(self._content.entries[values_key]), ["group_id", *row])
            row |= {column: given.get(name, math.nan) for name, column in columns.items()}
        return row

    def _scalars(self) -> tuple[Mapping[str, Value], ...]:
        row: dict[str, Value] = {}
        columns = column_names(self._content.of("I3Double", "I3Int", "I3Bool"), ["group_id"])
        there = False
        for key, column in columns.items():
            value = self._get(key, "I3Double", "I3Int", "I3Bool")
            there = there or value is not None
            if value is None:
                value = math.nan if "I3Double" in self._content.classes[key] else -1
            row[column] = int(value) if isinstance(value, bool) else value
        return (row,) if there else ()

    def _weights(self) -> tuple[Mapping[str, Value], ...]:
        row: dict[str, Value] = {}
        there = False
        for key in self._content.of("I3MapStringDouble"):
            if not key.endswith("WeightDict"):
                continue
            prefix = "" if key == "I3MCWeightDict" else words(key) + "_"
            names = list(self._content.entries.get(key, ()))
            columns = column_names(names, ["group_id", "n_hit_lines", "total_hits", *row], prefix)
            given = self._get(key, "I3MapStringDouble")
            there = there or given is not None
            for name, column in list(columns.items())[: MOST - len(row)]:
                row[column] = dict(given or ()).get(name, math.nan)
        return (row,) if there else ()

    def _antares_weights(self) -> dict[str, Value]:
        """Return w2 in GeV m2 sr s/yr from GeV cm2 sr, and w3 in 1/yr from 1/ns, with a year of 3.156e7 s."""
        there = self._content.entries.get("I3MCWeightDict", set())
        given = dict(self._get("I3MCWeightDict", "I3MapStringDouble") or ())
        weights: dict[str, Value] = {}
        for name, entry, factor in (("w2", "OneWeight", 3156.0), ("w3", "GlobalWeight", 3.156e16)):
            if entry in there:
                value = float(given.get(entry, math.nan)) * factor
                weights[f"weight_{name}"] = value if math.isfinite(value) else math.nan
        return weights

    def _current(self) -> int:
        for key in self._content.of("I3MapStringDouble"):
            if key.endswith("WeightDict"):
                kind = dict(self._get(key, "I3MapStringDouble") or ()).get("InteractionType")
                if kind in (1.0, 2.0):
                    return 1 if kind == 1.0 else 0
        return -1

    def _trigger(self, tables: dict[str, tuple[Mapping[str, Value], ...]]) -> dict[str, Value]:
        counter = self._get("AntaresTriggerCounter", "I3Int")
        found: dict[str, Value] = {"trigger_counter": -1 if counter is None else counter, "trigger_mask": -1}
        rows: list[Mapping[str, Value]] = []
        hierarchies = self._content.of("I3TriggerHierarchy")
        for key in hierarchies:
            triggers = self._get(key, "I3TriggerHierarchy")
            if triggers is None:
                continue
            for trigger, parent in triggers:
                numbers = dict(zip(("source", "type", "subtype", "config"), trigger["key"], strict=True))
                times = {"time": trigger["time"], "length": trigger["length"]}
                rows.append(
                    {"hierarchy": key.encode(), **numbers, **times, "fired": int(trigger["fired"]), "parent": parent}
                )
            fired = {trigger["key"][1] for trigger, _ in triggers if trigger["fired"]}
            mask = sum(2 ** (kind - 1) for kind in fired) if all(0 < kind < 64 for kind in fired) else -1
            if found["trigger_mask"] == -1 or key == "AntTriggerHierarchy":
                found["trigger_mask"] = mask
        if hierarchies:
            tables["/i3_triggers"] = tuple(rows)
        return found

    def _hits(self, tables: dict[str, tuple[Mapping[str, Value], ...]]) -> dict[str, tuple[int, int, float, int]]:
        keys = self._content.of(*_HITS)
        found: dict[str, tuple[int, int, float, int]] = {}
        rows: list[Mapping[str, Value]] = []
        state = Found()
        get: Callable[[str], Any] = lambda key: self._get(key, *_HITS)  # noqa: E731  shorter than a function here
        for key in keys:
            count = counted(key, get, state)
            if count is not None:
                found[key] = count
                rows.append({"series": key.encode(), "n_modules": count[0], "n_hits": count[1], "charge": count[2]})
        if keys:
            tables["/i3_hit_counts"] = tuple(rows)
        return found

    def _simulated(self) -> list[tuple[str, dict[str, Any], int]]:
        found = []
        for key in self._content.of("I3MCTree"):
            nodes = self._get(key, "I3MCTree") or []
            found += [(key, p, nodes[parent][0]["minor"] if parent >= 0 else -1) for p, parent in nodes]
        for key in sorted(self._content.particles):
            if key.startswith("MC") and (particle := self._particle(key)) is not None:
                found.append((key, particle, -1))
        return found

    def _shown(self, row: Mapping[str, Value] | None, *, antares: bool) -> dict[str, Value]:
        names = ("zenith", "azimuth", "dir_x", "dir_y", "dir_z", "energy", "quality", "pos_x", "pos_y", "pos_z")
        found: dict[str, Value] = {**dict.fromkeys(names, math.nan), "n_hits": -1, "n_lines": -1}
        if row is None:
            return found
        zenith, azimuth = float(row["zenith"]), float(row["azimuth"])
        if 0 <= zenith <= math.pi and abs(azimuth) <= 2 * math.pi:
            found["zenith"], found["azimuth"] = zenith, azimuth + 2 * math.pi if azimuth < 0 else azimuth
            found["dir_x"] = -math.sin(zenith) * math.cos(azimuth)
            found["dir_y"] = -math.sin(zenith) * math.sin(azimuth)
            found["dir_z"] = -math.cos(zenith)
        found["energy"], found["quality"] = row["energy"], row.get("quality", math.nan)
        if antares:
            found["pos_x"], found["pos_y"] = float(row["x"]) - 8221.6, float(row["y"]) - 2381.9
            found["pos_z"] = float(row["z"]) + 2475.0
        return {name: value if math.isfinite(float(value)) else math.nan for name, value in found.items()}


def _identity(header: Any, *, antares: bool) -> dict[str, Value]:
    number = "frame_index" if antares else "source_event_id"
    if header is None:
        return {"run_id": -1, number: -1, "timestamp": -1, "nanoseconds": -1}
    seconds, nanoseconds = _unix(*header["start"])
    # IceTray begins with the largest number in both.
    run, event = (-1 if value == 0xFFFFFFFF else value for value in (header["run"], header["event"]))
    return {"run_id": run, number: event, "timestamp": seconds, "nanoseconds": nanoseconds}


def _unix(year: int, ticks: int) -> tuple[int, int]:
    """Convert year and tenths of nanoseconds; leap seconds at the end of June are counted in the ticks."""
    seconds = ticks // 10**10
    if not 1970 <= year <= 2099 or not 0 <= seconds <= (366 if isleap(year) else 365) * 86400:
        return -1, -1
    begin = datetime(year, 1, 1, tzinfo=UTC)
    july = int((datetime(year, 7, 1, tzinfo=UTC) - begin) / timedelta(seconds=1))
    if year in (1972, 1981, 1982, 1983, 1985, 1992, 1993, 1994, 1997, 2012, 2015) and seconds > july:
        seconds -= 1
    return int(begin.timestamp()) + seconds, ticks % 10**10 // 10
