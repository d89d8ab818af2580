"""The tables that an offline file can fill: which columns, and what they mean.

Meaning of the fit's parameters (fitinf) by position, and of the list of weights: KM3NeT's public data format
definitions, version 3.6. Where these say nothing, a value keeps its position as its name.
"""

import keyword
import re
from collections.abc import Sequence

from converters.layout import MC_TRACKS_TABLE, mc_info_table, reco_table
from converters.readers.offline.fits import JGANDALF
from legacy.columns import MC_TRACKS, POSITION
from legacy.model import ColumnSpec, TableSpec

MAX_FITINF = 64
MAX_LIST = 32
MAX_USR = 64
STAGES_WIDTH = 64
COMMENT_WIDTH = 32
N_WEIGHTS = 4
"""So many values of w are weight_w1 to weight_w4; further ones are in /mc_info."""

USR = "usr"
"""Name of the table of values that the file's authors attached to events."""

MUON_PARAMETERS: dict[int, tuple[str, str, str]] = {
    0: ("beta0", "rad", "JGANDALF_BETA0_RAD, angular uncertainty"),
    1: ("beta1", "rad", "JGANDALF_BETA1_RAD, angular uncertainty"),
    2: ("chi2", "", "JGANDALF_CHI2"),
    3: ("n_hits", "", "JGANDALF_NUMBER_OF_HITS"),
    4: ("jenergy_energy", "GeV", "JENERGY_ENERGY"),
    5: ("jenergy_chi2", "", "JENERGY_CHI2"),
    6: ("gandalf_lambda", "", "JGANDALF_LAMBDA, parameter of the minimisation"),
    7: ("n_iterations", "", "JGANDALF_NUMBER_OF_ITERATIONS"),
    8: ("npe_mip", "", "JSTART_NPE_MIP, photo-electrons"),
    9: ("npe_mip_total", "", "JSTART_NPE_MIP_TOTAL, photo-electrons"),
    10: ("start_length", "m", "JSTART_LENGTH_METRES"),
    11: ("veto_npe", "", "JVETO_NPE, photo-electrons"),
    12: ("veto_n_hits", "", "JVETO_NUMBER_OF_HITS"),
    13: ("jenergy_muon_range", "m", "JENERGY_MUON_RANGE_METRES"),
    14: ("jenergy_noise_likelihood", "", "JENERGY_NOISE_LIKELIHOOD"),
    15: ("jenergy_ndf", "", "JENERGY_NDF, degrees of freedom"),
    16: ("jenergy_n_hits", "", "JENERGY_NUMBER_OF_HITS"),
    17: ("jcopy_z", "m", "JCOPY_Z_M"),
    18: ("coverage_orientation", "", "JPP_COVERAGE_ORIENTATION"),
    19: ("coverage_position", "", "JPP_COVERAGE_POSITION"),
    20: ("jenergy_energy_min", "GeV", "JENERGY_MINIMAL_ENERGY"),
    21: ("jenergy_energy_max", "GeV", "JENERGY_MAXIMAL_ENERGY"),
    22: ("npe_mip_missed", "", "JSTART_NPE_MIP_MISSED, photo-electrons"),
    23: ("features_n_doms", "", "JMUONFEATURES_NUMBER_OF_DOMS"),
    24: ("features_n_lines", "", "JMUONFEATURES_NUMBER_OF_LINES"),
    25: ("features_n_hits", "", "JMUONFEATURES_NUMBER_OF_HITS"),
}
_SHOWER_PARAMETERS = {4: ("jshower_energy", "GeV", "JSHOWERFIT_ENERGY")}
_AASHOWER_PARAMETERS = {
    0: ("aashower_energy", "GeV", "AASHOWERFIT_ENERGY"),
    1: ("n_hits", "", "AASHOWERFIT_NUMBER_OF_HITS"),
}
_PARAMETERS = {
    JGANDALF: MUON_PARAMETERS,
    "jsimplex": MUON_PARAMETERS,
    "jprefit": MUON_PARAMETERS,
    "jshower": _SHOWER_PARAMETERS,
    "aashower": _AASHOWER_PARAMETERS,
}
ANGULAR_ERROR_AT, N_HITS_AT = 0, 3
"""Positions in fitinf of Gandalf's beta0 and number of hits."""

_DESCRIPTIONS = {
    JGANDALF: "Jpp muon fit Gandalf (rec_type 4000, stage 3)",
    "jsimplex": "Jpp muon fit Simplex without Gandalf (rec_type 4000, stage 2)",
    "jprefit": "Jpp muon prefit (rec_type 4000, stage 1)",
    "jshower": "Jpp shower fit (rec_type 4000, stages 100 to 199)",
    "dusj": "Shower fit Dusj (rec_type 200 or stages 200 to 299)",
    "aashower": "Shower fit of aanet (rec_type 101, stages 300 to 399)",
}
_UNKNOWN_FIT = "Fit whose number rec_type has no public meaning"
_BEST = ": the best track of each event, that is the longest rec_stages, then the highest lik"


def _integer(name: str, description: str, ucd: str = "meta.code") -> ColumnSpec:
    return ColumnSpec(name, "i8", "", description, ucd)


_FLIGHT = tuple(
    ColumnSpec(f"dir_{axis}", "f8", "", f"Direction of flight, {axis}, as found", f"pos.cartesian.{axis}")
    for axis in "xyz"
)
_FIT = (
    _integer("id", "Number of the track in the event", "meta.id"),
    _integer("rec_type", "Program that made the fit, as found"),
    _integer("n_rec_stages", "Number of stages of the fit", "meta.number"),
    ColumnSpec("rec_stages", f"S{STAGES_WIDTH}", "", "Stages of the fit, in order", "meta.code"),
    _integer("type", "Particle code, as found"),
    *POSITION,
    *_FLIGHT,
    ColumnSpec("t", "f8", "ns", "Time of the track at its position, after the event's own time", "time"),
    ColumnSpec("E", "f8", "GeV", "Energy, as found; 0 where the fit has none", "phys.energy"),
    ColumnSpec("len", "f8", "m", "Length of the track, as found", "phys.size"),
    ColumnSpec("lik", "f8", "", "Likelihood or other quality of the fit, as found", "stat.likelihood"),
    _integer("status", "Status, as found"),
    _integer("mother_id", "Number of the track that it was made from, as found", "meta.id"),
    _integer("counter", "Counter of the source, as found"),
    _integer("n_hit_ids", "Number of hits that the source names for the track", "meta.number"),
)


def fit_parameters(algorithm: str) -> tuple[str, ...]:
    """Return the column for each position of fitinf."""
    return tuple(column.name for column in _fitinf(algorithm))


def _fitinf(algorithm: str) -> tuple[ColumnSpec, ...]:
    known = _PARAMETERS.get(algorithm, {})
    columns = []
    for position in range(MAX_FITINF):
        name, unit, text = known.get(position, (f"fitinf_{position:02d}", "", "No public source says its meaning"))
        columns.append(ColumnSpec(name, "f8", unit, f"{text} (fitinf[{position}])"))
    return tuple(columns)


def fit_table(algorithm: str) -> TableSpec:
    """Return the table ``/reco/<algorithm>``."""
    meaning = _DESCRIPTIONS.get(algorithm, _UNKNOWN_FIT) + _BEST
    return reco_table(algorithm, (*_FIT, *_fitinf(algorithm)), meaning)


MC_TRACKS_WITH_COMMENT = TableSpec(
    MC_TRACKS_TABLE.path,
    (
        *MC_TRACKS,
        ColumnSpec("generation_counter", "i8", "", "Value that the source calls so, as found", "meta.code"),
        ColumnSpec("comment", f"S{COMMENT_WIDTH}", "", "Comment of the source, as found: the tag of a line"),
    ),
    MC_TRACKS_TABLE.description,
    MC_TRACKS_TABLE.version,
)


def _listed(name: str, first: int, meaning: str) -> tuple[ColumnSpec, ...]:
    return tuple(
        ColumnSpec(f"{name}_{n:02d}", "f8", "", meaning.format(n), "stat.weight" if name == "w" else "")
        for n in range(first, MAX_LIST)
    )


_BY_GENERATOR = "Value number {} of the source's %s; its meaning depends on the generator"
MC_INFO_TABLE = mc_info_table(
    _integer("n_mc_hits", "Number of simulated hits in the source; they are not kept", "meta.number"),
    ColumnSpec("header_uuid", "S36", "", "Identifier of the event's header, see MultiHead in /raw_header"),
    ColumnSpec("mc_event_t_sec", "i8", "s", "UTC of the simulated event, whole Unix seconds", "time.epoch"),
    ColumnSpec("mc_event_t_nanosec", "i8", "ns", "UTC of the simulated event, nanoseconds", "time.epoch"),
    *_listed("w", N_WEIGHTS, "Weight w[{}] of the source"),
    *_listed("w2list", 0, _BY_GENERATOR % "w2list"),
    *_listed("w3list", 0, _BY_GENERATOR % "w3list"),
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_OWN = re.compile(r"usr_\d+")
_FORBIDDEN = frozenset(["group_id", "name", "h5loc", "split_h5", "h5singleton"])
"""Names that mean something else to readers of the product."""


def usr_columns(names: Sequence[str]) -> dict[str, str]:
    """Return a column name for each name that authors gave to their values, in order.

    Parameters
    ----------
    names
        Names as the source has them; a name that cannot be a column becomes ``usr_<position>``.
    """
    columns: dict[str, str] = {}
    for position, name in enumerate(names):
        usable = _NAME.fullmatch(name) and not _OWN.fullmatch(name) and not keyword.iskeyword(name)
        columns[name] = name if usable and name not in _FORBIDDEN else f"usr_{position:02d}"
    return columns


def usr_table(names: Sequence[str]) -> TableSpec:
    """Return the table of values that the file's authors attached to events under names of their own."""
    columns = tuple(
        ColumnSpec(column, "f8", "", f"Value that the source calls '{name[:64]}'")
        for name, column in usr_columns(names).items()
    )
    return reco_table(USR, columns, "Values that the authors of the file attached to events (Evt.usr)")
