"""What became of each branch and object of an offline file, in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.readers.offline.branches import COMMENT, COUNTS, UUID
from converters.readers.offline.header import Header
from converters.readers.offline.tally import Tally
from converters.readers.rootfile import RootKey, highest_cycles, parsing
from converters.source import CoverageRow

_FITS, _TRUTH = "/reco/*", "/mc_tracks"
_BEST = "of the best track of each algorithm in each event"
_NOT_KEPT = "not kept"
_UNKNOWN = "a field that no sample of this format has: not kept"
_BOOKKEEPING = "ROOT's own bookkeeping: not kept"
_NO_HITS = "hits are counted, not kept: level 3 has none"
_NO_TRUTH = "not filled in real data: not kept"
_OF_FITS = "a field of reconstructed tracks, which simulated ones leave empty: not kept"
_REASONS = {
    "any": "pointer to objects of users' own classes: not kept",
    "usr_data": "objects of users' own classes: not kept",
    "usr_data.holder": "objects of users' own classes: not kept",
    "comment": "text for people: not kept",
    "index": "number without public meaning: not kept",
    "flags": "number without public meaning: not kept",
    "trks.any": "pointer to objects of users' own classes: not kept",
    "trks.usr": "values whose names and meaning depend on the program: not kept",
    "trks.usr_names": "names of values that are not kept",
    "trks.usr_data": "objects of users' own classes: not kept",
    "trks.error_matrix": "covariance of the fit, whose parameters depend on the program: not kept",
    "trks.comment": "text for people: not kept",
    "mc_trks.any": "pointer to objects of users' own classes: not kept",
    "mc_trks.usr_data": "objects of users' own classes: not kept",
    "mc_trks.counter": "counter without public meaning: not kept",
    "mc_trks.hit_ids": "numbers of simulated hits, which are not kept either",
    **{f"mc_trks.{name}": _OF_FITS for name in ("lik", "rec_type", "rec_stages", "fitinf", "error_matrix")},
}
"""Why a branch goes nowhere."""

_EVENT_FIELDS = {
    "id": ("/event_info.source_event_id", ""),
    "det_id": ("/event_info.det_id", ""),
    "run_id": ("/events.run_id", ""),
    "frame_index": ("/events.frame_index", ""),
    "trigger_counter": ("/events.trigger_counter", ""),
    "trigger_mask": ("/events.trigger_mask", ""),
    "overlays": ("/event_info.overlays", ""),
    "t.fSec": ("/event_info.source_t_sec", "with the time of the shown track also in timestamp, if a time"),
    "t.fNanoSec": ("/event_info.source_t_nanosec", "with the time of the shown track also in nanoseconds"),
    "usr": ("/reco/usr", "each value under the name that the source gives it"),
    "usr_names": ("/reco/usr", "names of columns"),
}
_SIMULATION_FIELDS = {
    "mc_id": ("/event_info.mc_id", ""),
    "mc_run_id": ("/event_info.mc_run_id", ""),
    "mc_t": ("/event_info.mc_time", ""),
    "mc_event_time.fSec": ("/mc_info.mc_event_t_sec", ""),
    "mc_event_time.fNanoSec": ("/mc_info.mc_event_t_nanosec", ""),
    "w2list": ("/mc_info.w2list_*", "bx, by, ichan and cc of GENHEN and gSeaGen also in /mc_tracks"),
    "w3list": ("/mc_info.w3list_*", ""),
    UUID: ("/mc_info.header_uuid", "zeros stand for none"),
}
_FIT_FIELDS = {
    **{f"trks.{name}": (f"{_FITS}.{name}", _BEST) for name in ("id", "t", "E", "len", "lik", "type")},
    **{f"trks.{name}": (f"{_FITS}.{name}", _BEST) for name in ("rec_type", "status", "mother_id", "counter")},
    **{f"trks.{kind}.{axis}": (f"{_FITS}.{kind}_{axis}", _BEST) for kind in ("pos", "dir") for axis in "xyz"},
    "trks.rec_stages": (f"{_FITS}.rec_stages", _BEST),
    "trks.fitinf": (_FITS, f"each value under its meaning where it is public, {_BEST}"),
    "trks.hit_ids": (f"{_FITS}.n_hit_ids", f"only their number, {_BEST}"),
}
_TRUTH_FIELDS = {
    "mc_trks.id": (f"{_TRUTH}.id", ""),
    "mc_trks.type": (f"{_TRUTH}.source_code", "also in pdgid, where it is a PDG code or has one"),
    "mc_trks.E": (f"{_TRUTH}.energy", ""),
    "mc_trks.t": (f"{_TRUTH}.time", ""),
    "mc_trks.len": (f"{_TRUTH}.length", ""),
    "mc_trks.status": (f"{_TRUTH}.status", ""),
    "mc_trks.mother_id": (f"{_TRUTH}.mother_id", ""),
    **{f"mc_trks.{kind}.{axis}": (f"{_TRUTH}.{kind}_{axis}", "") for kind in ("pos", "dir") for axis in "xyz"},
    "mc_trks.usr": (_TRUTH, "values called bx, by, ichan, cc, energy_lost_in_can, generation_counter"),
    "mc_trks.usr_names": (_TRUTH, "names of columns"),
    COMMENT: (f"{_TRUTH}.comment", ""),
}
_FRIEND = "friend tree of summaries that were computed from tree E: not kept"
_TREES = {
    "KM3NET_EVENT": "events of the data acquisition: hits are not kept in level 3",
    "KM3NET_SUMMARYSLICE": "rates of the data acquisition: not kept",
    "KM3NET_TIMESLICE": "raw data of the data acquisition: not kept in level 3",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What the coverage of a file is made from.

    Parameters
    ----------
    path, directory
        The file, and uproot's view of it.
    keys
        Everything in it.
    branches
        Branches of Evt by their own names.
    entries
        Number of events.
    simulated
        True for a simulation.
    unknown_types
        Branches that could not be read, and their types.
    header
        The header.
    """

    path: Path
    directory: Any
    keys: Sequence[RootKey]
    branches: Mapping[str, Any]
    entries: int
    simulated: bool
    unknown_types: Mapping[str, str]
    header: Header


def coverage_rows(source: Source, tally: Tally) -> Iterator[CoverageRow]:
    """Yield a row for every branch of Evt, for what was lost of it, and for everything else in the file."""
    fields = _EVENT_FIELDS | _FIT_FIELDS
    if source.simulated:
        fields = fields | _SIMULATION_FIELDS | _TRUTH_FIELDS
    for name, branch in source.branches.items():
        if name in COUNTS:
            yield _group_row(name, source, tally)
        elif not branch.branches:
            yield _branch_row(name, source, fields, tally)
    for (name, reason), count in sorted(tally.missing.items()):
        yield CoverageRow(f"{name}: {reason}", count, "", "missing in the product; otherwise as found")
    for (name, reason), count in sorted(tally.lost.items()):
        yield CoverageRow(f"{name}: {reason}", count, "", _NOT_KEPT)
    yield from _object_rows(source)


def _group_row(name: str, source: Source, tally: Tally) -> CoverageRow:
    count = tally.objects[name]
    if name == "trks":
        note = f"{tally.fits} fits; the best of each algorithm in each event is kept, {tally.kept.total()} rows"
        if tally.unfilled:
            note += f"; {tally.unfilled} tracks that were never filled stand for no fit"
        return CoverageRow(name, count, _FITS, note)
    if name == "mc_trks":
        return CoverageRow(name, count, _TRUTH if source.simulated else "", "every track")
    column = {"hits": "n_hit_lines", "mc_hits": "n_mc_hits"}[name]
    return CoverageRow(name, count, f"/mc_info.{column}" if source.simulated else "", _NO_HITS)


def _branch_row(name: str, source: Source, fields: Mapping[str, tuple[str, str]], tally: Tally) -> CoverageRow:
    group = name.partition(".")[0]
    count = tally.objects[group] if group in COUNTS else source.entries
    if name in source.unknown_types:
        return CoverageRow(name, count, "", f"of type {source.unknown_types[name]}, which is not known: not kept")
    if name == "usr":
        return CoverageRow(name, tally.named + tally.unnamed, *fields[name])
    if name in fields:
        return CoverageRow(name, count, *fields[name])
    if name == "w":
        extra = ", /mc_info.w_*" if source.simulated else ""
        return CoverageRow(name, count, f"/event_info.weight_w*{extra}")
    if group in ("hits", "mc_hits"):
        return CoverageRow(name, count, "", _NO_HITS)
    if name.rpartition(".")[2] in ("fUniqueID", "fBits"):
        return CoverageRow(name, count, "", _BOOKKEEPING)
    if not source.simulated and (name in _SIMULATION_FIELDS or group == "mc_trks"):
        return CoverageRow(name, count, "", _NO_TRUTH)
    return CoverageRow(name, count, "", _REASONS.get(name, _UNKNOWN))


def _object_rows(source: Source) -> Iterator[CoverageRow]:
    current = set(highest_cycles(source.keys).values())
    for key in source.keys:
        if key.address in source.header.objects:
            yield CoverageRow(key.address, source.header.objects[key.address], "/raw_header", "lines")
        elif key.address in source.header.unread:
            reason = f"cannot be read: {source.header.unread[key.address]}"
            yield CoverageRow(key.address, key.size, "", reason)
        elif key not in current:
            yield CoverageRow(key.address, key.size, "", "earlier version of an object: not kept")
        elif key.is_tree and key.path != "E":
            with parsing(source.path, f"tree {key.path}"):
                entries = int(source.directory[key.address].num_entries)
            yield CoverageRow(key.address, entries, "", _tree_note(key.path))
        elif key.path != "E" and not key.is_folder:
            yield CoverageRow(key.address, key.size, "", f"object of class {key.class_name}: not kept")


def _tree_note(name: str) -> str:
    if name == "T":
        return _FRIEND
    return next((note for start, note in _TREES.items() if name.startswith(start)), "a tree of another kind: not kept")
