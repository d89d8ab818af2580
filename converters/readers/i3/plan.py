"""Where the objects of a file go, decided once from the survey; no other object is decoded."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from converters.layout import mc_info_table, reco_table
from converters.readers.i3.classes.containers import STRING_DOUBLE
from converters.readers.i3.classes.extended import Extension
from converters.readers.i3.classes.fits import LOG_LIKELIHOOD
from converters.readers.i3.classes.header import EVENT_HEADER
from converters.readers.i3.classes.particle import PARTICLE
from converters.readers.i3.classes.scalars import BOOLEAN, DOUBLE, INTEGER
from converters.readers.i3.classes.tree import MC_TREE
from converters.readers.i3.classes.trigger import TRIGGER_HIERARCHY
from converters.readers.i3.hits import SERIES_CLASSES
from converters.readers.i3.labels import Variant
from converters.readers.i3.registry import EXTENSIONS
from converters.readers.i3.specs import FIT_COLUMNS, LIKELIHOOD_COLUMNS, hits_table, mc_table, trigger_table
from converters.readers.i3.survey import FINAL_VALUES, MAX_COLUMNS, WEIGHTS, Survey
from converters.readers.safe_names import printable, safe_name, snake_case
from legacy.columns import GROUP_ID
from legacy.model import MISSING_INTEGER, ColumnSpec, TableSpec

HEADER_KEY = "I3EventHeader"
TRIGGER_COUNTER_KEY = "AntaresTriggerCounter"
HITS_USED = "HitsUsed"
_TRUTH_PREFIX = "MC"
_RECO_NAMES = {
    "AafitFinalFit": "aafit",
    "BBFitTrack": "bbfit_track",
    "BBFitBright": "bbfit_bright",
    "GridFit_FinalFitResult": "gridfit",
}
_NUMBERS = {
    "AafitFinalFit": (("AafitLambdaFinalFit", "quality"), ("AafitErrorEstimateFinalFit", "error_estimate")),
    "BBFitTrack": (("BBFitTChi2", "quality"),),
    "BBFitBright": (("BBFitBChi2", "quality"),),
}
"""Numbers that lie beside their fit in the frames of ANTARES (keys: tamasgal/km3pipe, io/i3.py)."""
_DESCRIPTIONS = {
    "aafit": "AAFit muon track; quality is Lambda, higher is better",
    "bbfit_track": "BBFit muon track; quality is like a chi2, lower is better",
    "bbfit_bright": "BBFit bright point; quality is like a chi2, lower is better",
    "gridfit": "GridFit muon track",
}
_RESULT = "FitResult"


@dataclass(frozen=True, slots=True)
class Named:
    """A column that is filled from something with a name in the source: a key, or an entry of a map."""

    source: str
    column: str


@dataclass(frozen=True, slots=True)
class Fit:
    """A fit and what belongs to it.

    Parameters
    ----------
    key
        Key of its particle.
    spec
        Its table.
    extensions
        Classes of its objects that have columns of their own.
    numbers
        Objects with one number each.
    likelihood
        Key of its likelihood, ``""`` without one.
    values_key, values
        Key of its map of values, ``""`` without one, and the entries.
    """

    key: str
    spec: TableSpec
    extensions: tuple[Extension, ...]
    numbers: tuple[Named, ...]
    likelihood: str
    values_key: str
    values: tuple[Named, ...]

    @property
    def reco(self) -> str:
        """Name of the fit: the last part of the table's path."""
        return self.spec.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Weights:
    """A map of weights: its key, and the columns of ``/mc_info`` that its entries fill."""

    key: str
    values: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which objects are read, and into what.

    Parameters
    ----------
    fits
        Particles that are no simulated ones, in the order of their keys.
    scalars, scalar_table, scalar_missing
        Single numbers, their table, and by key what stands in it for one that an event does not have.
    weights, weight_table
        Maps of weights, and the table of all of them.
    trees, truths, mc_table
        Keys of trees of simulated particles, and of single ones, and their table.
    hierarchies, trigger_table
        Keys of trigger hierarchies, and their table.
    series, hits_table
        Keys of hits, and the table of their counts.
    wanted
        Keys of all objects that are read.
    """

    fits: tuple[Fit, ...]
    scalars: tuple[Named, ...]
    scalar_table: TableSpec
    scalar_missing: Mapping[str, float]
    weights: tuple[Weights, ...]
    weight_table: TableSpec
    trees: tuple[str, ...]
    truths: tuple[str, ...]
    mc_table: TableSpec
    hierarchies: tuple[str, ...]
    trigger_table: TableSpec
    series: tuple[str, ...]
    hits_table: TableSpec
    wanted: frozenset[str]


def make_plan(survey: Survey) -> Plan:
    """Decide where each object goes."""
    variants = survey.variants()

    def keys(*names: str) -> tuple[str, ...]:
        return tuple(sorted({variant.key for variant in variants if variant.name in names}))

    doubles = keys(DOUBLE.name)
    particles = tuple(sorted({v.key for v in variants if is_particle(v, survey.based)}))
    fits = _fits([key for key in particles if not _is_truth(key)], doubles, keys(LOG_LIKELIHOOD.name), survey)
    scalars, scalar_table = _scalars(keys(DOUBLE.name, INTEGER.name, BOOLEAN.name), doubles)
    weights, weight_table = _weights([key for key in keys(STRING_DOUBLE.name) if key.endswith(WEIGHTS)], survey)
    trees, truths = keys(MC_TREE.name), tuple(key for key in particles if _is_truth(key))
    hierarchies, series = keys(TRIGGER_HIERARCHY.name), keys(*SERIES_CLASSES)
    parts = [part for fit in fits for part in (fit.key, *filter(None, (fit.likelihood, fit.values_key)))]
    wanted = {*parts, *(scalar.source for scalar in scalars), *(weight.key for weight in weights), TRIGGER_COUNTER_KEY}
    return Plan(
        fits,
        scalars,
        scalar_table,
        {scalar.source: math.nan if scalar.source in doubles else MISSING_INTEGER for scalar in scalars},
        weights,
        weight_table,
        trees,
        truths,
        mc_table(_width((*trees, *truths))),
        hierarchies,
        trigger_table(_width(hierarchies)),
        series,
        hits_table(_width(series)),
        frozenset({*wanted, *trees, *truths, *hierarchies, *series, *keys(EVENT_HEADER.name)}),
    )


def is_particle(variant: Variant, based: Collection[Variant]) -> bool:
    """Say if an object is an I3Particle or begins with one."""
    return variant.name == PARTICLE.name or variant.name in EXTENSIONS or variant in based


def _is_truth(key: str) -> bool:
    return key.startswith(_TRUTH_PREFIX)


def _width(keys: Iterable[str]) -> int:
    return max((1, *(len(key.encode()) for key in keys)))


def columns_for(names: Iterable[str], taken: Collection[str], prefix: str = "") -> tuple[Named, ...]:
    """Give names of the source, in alphabetical order, names that a column can have."""
    used = set(taken)
    found: list[Named] = []
    for name in sorted(names)[:MAX_COLUMNS]:
        column = safe_name(prefix + snake_case(name), used)
        used.add(column)
        found.append(Named(name, column))
    return tuple(found)


def _number(named: Named, dtype: str, what: str) -> ColumnSpec:
    return ColumnSpec(named.column, dtype, "", f"{what} {printable(named.source)}; the source gives no unit")


def _fits(
    keys: Sequence[str], doubles: Collection[str], likelihoods: Collection[str], survey: Survey
) -> tuple[Fit, ...]:
    taken = set(_RECO_NAMES.values())  # they say which fit it is, so no other key may become one of them
    fits: list[Fit] = []
    for key in keys[:MAX_COLUMNS]:
        reco = _RECO_NAMES.get(key) or safe_name(snake_case(key), taken)
        taken.add(reco)
        numbers = tuple(Named(source, column) for source, column in _NUMBERS.get(key, ()) if source in doubles)
        likelihood = next((name for name in _likelihood_keys(key) if name in likelihoods), "")
        values_key = key + FINAL_VALUES if key + FINAL_VALUES in survey.names else ""
        names = sorted({variant.name for variant in survey.variants() if variant.key == key})
        extensions = tuple(EXTENSIONS[name] for name in names if name in EXTENSIONS)
        columns = [*FIT_COLUMNS, *(_number(named, "f8", "Object") for named in numbers)]
        columns += _extended(extensions, {GROUP_ID.name, *(column.name for column in columns)})
        columns += LIKELIHOOD_COLUMNS if likelihood else ()
        used = {GROUP_ID.name, *(column.name for column in columns)}
        values = columns_for(survey.names.get(values_key, ()), used)
        columns += (_number(named, "f8", f"Entry of {printable(values_key)}:") for named in values)
        description = _DESCRIPTIONS.get(reco, f"Particle {printable(key)} of the frames")
        spec = reco_table(reco, tuple(columns), description)
        fits.append(Fit(key, spec, extensions, numbers, likelihood, values_key, values))
    return tuple(fits)


def _extended(extensions: Sequence[Extension], taken: set[str]) -> list[ColumnSpec]:
    columns: list[ColumnSpec] = []
    for member in (member for one in extensions for member in one.members):
        column = replace(member.column, name=safe_name(member.column.name, taken))
        taken.add(column.name)
        columns.append(column)
    return columns


def _likelihood_keys(key: str) -> tuple[str, ...]:
    own = (f"{key}FitParams", f"{key}Params")
    return (*own, f"{key.removesuffix(_RESULT)}FitParams") if key.endswith(_RESULT) else own


def _scalars(keys: Sequence[str], doubles: Collection[str]) -> tuple[tuple[Named, ...], TableSpec]:
    scalars = columns_for(keys, {GROUP_ID.name})
    columns = (_number(named, "f8" if named.source in doubles else "i8", "Object") for named in scalars)
    return scalars, TableSpec("/i3_scalars", (GROUP_ID, *columns), "Single numbers and flags in the frames")


def _weights(keys: Sequence[str], survey: Survey) -> tuple[tuple[Weights, ...], TableSpec]:
    """Plan ``/mc_info``: the usual dictionary under the names of its entries, others with their key in front."""
    used = {column.name for column in mc_info_table().columns}
    weights: list[Weights] = []
    columns: list[ColumnSpec] = []
    for key in keys:
        prefix = "" if key == f"I3MC{WEIGHTS}" else f"{snake_case(key)}_"
        room = MAX_COLUMNS - len(columns)
        values = columns_for(survey.names.get(key, ()), used, prefix)[:room]
        used |= {named.column for named in values}
        weights.append(Weights(key, values))
        columns += (_number(named, "f8", f"Entry of {printable(key)}:") for named in values)
    return tuple(weights), mc_info_table(*columns)
