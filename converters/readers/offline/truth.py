"""Simulated particles: ``/mc_tracks``, and the one that ``/events`` shows.

Positions in w2list: KM3NeT's public data format definitions, version 3.6; GENHEN and gSeaGen have Bjorken x
and y, channel and interaction type at the same ones. Interaction type: 2 charged, 3 neutral current, as in
`.evt` files; the samples of neutral-current (mcv5.1.genhen_anumuNC) and charged-current files confirm it.
"""

import numpy as np
from numpy.typing import NDArray

from converters.readers.evt.particles import to_pdg
from converters.readers.offline.baskets import Decoder, Integers
from converters.readers.offline.branches import COMMENT, Chunk
from converters.readers.offline.header import Header
from converters.readers.offline.tables import COMMENT_WIDTH, MC_TRACKS_WITH_COMMENT
from converters.readers.offline.tally import Tally
from converters.readers.offline.usr import NameLists, first_positions
from converters.readers.shown_particle import choose_particles, particle_columns
from legacy.model import Column, StructuredArray

_COPIED = {
    "id": "id",
    "source_code": "type",
    "pos_x": "pos.x",
    "pos_y": "pos.y",
    "pos_z": "pos.z",
    "dir_x": "dir.x",
    "dir_y": "dir.y",
    "dir_z": "dir.z",
    "energy": "E",
    "time": "t",
    "length": "len",
    "mother_id": "mother_id",
    "status": "status",
}
"""Column of ``/mc_tracks`` by name of the source's field."""

ORIGIN = b"mc_trks"
NAMED_VALUES = "mc_trks.usr"
"""Branch of values with names; most files have unnamed zeros in it too."""
_NAMED = frozenset(["bx", "by", "ichan", "cc", "energy_lost_in_can", "generation_counter"])
"""Values of usr that have a column, by the name that the source gives them."""
_LISTED = {"bx": 7, "by": 8, "ichan": 9, "cc": 10}
"""Column by position in w2list."""
_LARGEST_CODE = 2**31
_NEUTRINOS = (12, 14, 16)
_MUON = 13
_FIRST_RESERVED, _LAST_RESERVED = 81, 100
"""PDG codes that each generator uses as it likes, such as MUPAGE 81 for the whole bundle."""
_SURFACE_TAGS = (b"track_primary:", b"center_on_can:")


def truth_rows(chunk: Chunk, header: Header, lists: NameLists, decoder: Decoder, tally: Tally) -> StructuredArray:
    """Return the rows of ``/mc_tracks``.

    Parameters
    ----------
    chunk
        All values.
    header
        Says which program's lists of weights these are, and which codes its primaries have.
    lists, decoder
        Decoders of names and strings.
    tally
        Notes what found no place.

    Raises
    ------
    CorruptInputError
        The bytes are damaged.
    """
    spec = MC_TRACKS_WITH_COMMENT
    every = np.arange(chunk.objects("mc_trks"))
    rows = spec.blank(len(every))
    rows["group_id"] = chunk.first + chunk.owners("mc_trks")
    rows["origin"] = ORIGIN
    for column, source in _COPIED.items():
        kind = spec.column(column).dtype
        rows[column] = chunk.member(f"mc_trks.{source}", every, kind, -1 if kind == "i8" else np.nan)
    if COMMENT in chunk.raw:
        comments, too_long = decoder.member_strings(chunk.raw[COMMENT], chunk.counts["mc_trks"], COMMENT_WIDTH)
        rows["comment"] = comments
        tally.lose(COMMENT, "texts too long for the column", too_long)
    rows["pdgid"] = _pdg_codes(rows, header)
    _add_named(rows, chunk, lists, tally)
    if header.neutrino_generator and "w2list" in chunk.vectors:
        _add_listed(rows, chunk)
    return rows


def _pdg_codes(rows: StructuredArray, header: Header) -> Integers:
    codes = to_pdg(rows["source_code"], "pdg")
    if header.corsika_primaries:
        surface = np.isin(rows["comment"], _SURFACE_TAGS)
        codes[surface] = to_pdg(rows["source_code"][surface], "corsika")
    return codes


def _set(rows: StructuredArray, column: str, index: Integers, values: NDArray[np.float64]) -> None:
    """Write values into rows; a code that is no whole number of usual size stays missing."""
    if rows.dtype[column].kind == "i":
        whole = (np.abs(values) < _LARGEST_CODE) & (values == np.trunc(values))
        rows[column][index[whole]] = values[whole].astype(np.int64)
    else:
        rows[column][index] = values


def _add_named(rows: StructuredArray, chunk: Chunk, lists: NameLists, tally: Tally) -> None:
    """Write the values of usr that have a known name."""
    values, names = chunk.vectors.get(NAMED_VALUES), chunk.raw.get("mc_trks.usr_names")
    if values is None or not len(values.values):
        return
    placed = 0
    if names is not None:
        patterns: dict[tuple[str, ...], list[int]] = {}
        for row, given in enumerate(lists.per_object(names, chunk.counts["mc_trks"])):
            if given:
                patterns.setdefault(given, []).append(row)
        for given, members in patterns.items():
            index = np.array(members, dtype=np.int64)
            for name, position in first_positions(given).items():
                if name in _NAMED:
                    there = index[values.counts[index] > position]
                    _set(rows, name, there, values.at(there, position))
                    placed += len(there)
    tally.lose(NAMED_VALUES, "values without a known name", len(values.values) - placed)


def _add_listed(rows: StructuredArray, chunk: Chunk) -> None:
    """Write the values of w2list that describe the interaction, where nothing better is known."""
    weights = chunk.vectors["w2list"]
    tracks = _first(np.flatnonzero(np.isin(np.abs(rows["pdgid"]), _NEUTRINOS)), chunk.owners("mc_trks"))
    owners = chunk.owners("mc_trks")[tracks]
    for column, position in _LISTED.items():
        given = rows[column][tracks]
        open_ = np.isnan(given) if given.dtype.kind == "f" else given == -1
        there = open_ & (weights.counts[owners] > position)
        _set(rows, column, tracks[there], weights.at(owners[there], position))


def _first(candidates: Integers, owners: Integers) -> Integers:
    """Return the first of the candidates in each event."""
    _, where = np.unique(owners[candidates], return_index=True)
    return candidates[where]


def truth_columns(rows: StructuredArray, first: int, n_events: int) -> dict[str, Column]:
    """Return the columns ``mc_*`` of ``/events``, each of length `n_events`.

    Shown is the first neutrino; else the first track, unless it is a muon or a code without common meaning; else the
    most energetic muon.

    Parameters
    ----------
    rows
        Rows of ``/mc_tracks`` of consecutive events.
    first, n_events
        ``group_id`` of the first event and number of events.
    """
    kind = np.abs(rows["pdgid"])
    beginning = _first(np.arange(len(rows)), rows["group_id"] - first)
    code = kind[beginning]
    reserved = (code >= _FIRST_RESERVED) & (code <= _LAST_RESERVED)
    primaries = beginning[(code != _MUON) & ~reserved]
    neutrinos = np.flatnonzero(np.isin(kind, _NEUTRINOS))
    return particle_columns(rows, choose_particles(rows, first, n_events, neutrinos, primaries))
