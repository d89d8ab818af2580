"""The tags of `.evt` files and the meaning of their columns.

Sources: the sample files of km3net-testdata (each layout below was met in one of them, but `track_in` with
twelve columns), and the public readers km3pipe (`io/evt.py`) and Jpp (`io_ascii.hh`). Units: m, GeV, ns;
directions are unit vectors of flight.
"""

from dataclasses import dataclass

from converters.layout import MC_TRACKS_TABLE, mc_info_table, reco_table
from legacy.columns import MC_TRACKS
from legacy.model import ColumnSpec, TableSpec

_AT = ("id", "pos_x", "pos_y", "pos_z", "dir_x", "dir_y", "dir_z")
_TRACK = (*_AT, "energy", "time")
_CODE = (*_TRACK, "source_code")
_FAMILY = (*_CODE, "is_charm", "mother_id", "grandmother_id")

MC_TRACK_LAYOUTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "neutrino": ((*_TRACK, "bx", "by", "ichan", "source_code", "cc"), _FAMILY),
    "track_in": (_CODE, (*_CODE, "length"), (*_CODE, "length", "energy_lost_in_can"), _FAMILY),
    "track_primary": (_CODE,),
    "center_on_can": (_CODE,),
    "primarylepton": (_CODE, (*_CODE, "length")),
    "track_earthlepton": (_CODE, (*_CODE, "length")),
    "track_aux": (_CODE, (*_CODE, "length")),
    "track_seamuon": (_FAMILY,),
    "track_seaneutrino": (_FAMILY,),
    "track_sealepton": ((*_CODE, "extra_0", "extra_1", "extra_2", "extra_3"),),
    "track_bundle": ((*_AT, "extra_0"),),
}
"""Columns of ``/mc_tracks`` in the order of the line's values, for every number of values a tag can have."""

_EXTRA = tuple(
    ColumnSpec(f"extra_{n}", "f8", "", f"Undocumented value number {n} at the end of the source's line, as found")
    for n in range(4)
)
MC_TRACKS_WITH_EXTRA = TableSpec(
    MC_TRACKS_TABLE.path, (*MC_TRACKS, *_EXTRA), MC_TRACKS_TABLE.description, MC_TRACKS_TABLE.version
)

MAX_WEIGHTS = 4
MAX_LIST = 32
MAX_FIT_VALUES = 64
MAX_LINE_LENGTH = 16_384
"""Longest line that is read as numbers, in bytes; the longest known has forty of them."""


@dataclass(frozen=True, slots=True)
class EventTag:
    """A tag with a few numbers per event.

    Parameters
    ----------
    columns
        Names of the product's columns in the order of the line's values.
    in_events
        True if the values belong to ``/events`` and ``/event_info``, False for ``/mc_info``.
    open_end
        True if the line may have fewer values than there are columns.
    """

    columns: tuple[str, ...]
    in_events: bool = False
    open_end: bool = False


EVENT_TAGS: dict[str, EventTag] = {
    "weights": EventTag(tuple(f"weight_w{n}" for n in range(1, MAX_WEIGHTS + 1)), in_events=True, open_end=True),
    "w2list": EventTag(tuple(f"w2list_{n:02d}" for n in range(MAX_LIST)), open_end=True),
    "w3list": EventTag(tuple(f"w3list_{n:02d}" for n in range(MAX_LIST)), open_end=True),
    "total_hits": EventTag(("total_hits",)),
    "vertex": EventTag(("vertex_0", "vertex_1")),
    "corsika_evno": EventTag(("corsika_evno",)),
    "eventtime": EventTag(("source_t_sec", "source_t_16ns"), in_events=True),
}

TARGET = ColumnSpec("target", "S32", "", "Target nucleus as the source writes it: symbol and mass, or Z and A")


def _listed(name: str) -> tuple[ColumnSpec, ...]:
    meaning = f"Value number {{}} of the source's {name}; its meaning depends on the generator"
    return tuple(ColumnSpec(f"{name}_{n:02d}", "f8", "", meaning.format(n)) for n in range(MAX_LIST))


MC_INFO_TABLE = mc_info_table(
    ColumnSpec("event_type", "i8", "", "Second value of start_event: type of the event"),
    TARGET,
    ColumnSpec("vertex_0", "f8", "", "First value of the tag vertex, as found"),
    ColumnSpec("vertex_1", "f8", "", "Second value of the tag vertex, as found"),
    ColumnSpec("corsika_evno", "i8", "", "Number of the CORSIKA shower", "meta.id"),
    *_listed("w2list"),
    *_listed("w3list"),
)

TRACK_FIT_TABLE = reco_table(
    "track_fit",
    (
        ColumnSpec("n_values", "i8", "", "Number of values on the line", "meta.number"),
        *(
            ColumnSpec(f"value_{n:02d}", "f8", "", f"Value number {n} of the line; no public source says its meaning")
            for n in range(MAX_FIT_VALUES)
        ),
    ),
    "Lines with the tag track_fit, one row per line, as an open list of numbers",
)

END_TAG = "end_event"
MC_TAGS = frozenset({*MC_TRACK_LAYOUTS, "weights", "w2list", "w3list"})
