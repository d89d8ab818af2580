"""Second reader of offline ROOT files: uproot's own arrays as Python lists, one event and one track after another.

It shares no code and no table with `converters.readers.offline_root`, so that an error in one of them shows when
the two are compared. Facts from the sample files of km3net-testdata and KM3NeT's public data format definitions,
version 3.6.
"""

import errno
import keyword
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uproot

from converters.reread.contract import Expected, Value
from converters.reread.offline_root_truth import Lists, Row, angles, element, info_row, particles, truth
from converters.source import ReadOptions
from legacy.errors import AntaresLegacyError, CorruptInputError

_NAN = float("nan")
_STEP_BYTES = 8 << 20
_MOST_EVENTS = 2000
_YEAR_2000, _YEAR_2100 = 946_684_800, 4_102_444_800
_BILLION = 10**9

_SCALARS = (
    "id", "det_id", "run_id", "frame_index", "trigger_counter", "trigger_mask", "overlays", "t.fSec", "t.fNanoSec",
    "mc_id", "mc_run_id", "mc_t", "mc_event_time.fSec", "mc_event_time.fNanoSec", "w", "w2list", "w3list", "usr",
    "usr_names", "header_uuid[16]", "hits.id", "mc_hits.id",
)  # fmt: skip
_FIT = (
    "id", "pos.x", "pos.y", "pos.z", "dir.x", "dir.y", "dir.z", "t", "E", "len", "lik", "type", "rec_type",
    "status", "mother_id", "counter", "rec_stages", "fitinf", "hit_ids",
)  # fmt: skip
_TRUE = (
    "id", "pos.x", "pos.y", "pos.z", "dir.x", "dir.y", "dir.z", "t", "E", "len", "type", "status", "mother_id",
    "usr", "usr_names", "comment",
)  # fmt: skip
_MUON_NAMES = (
    "beta0", "beta1", "chi2", "n_hits", "jenergy_energy", "jenergy_chi2", "gandalf_lambda", "n_iterations",
    "npe_mip", "npe_mip_total", "start_length", "veto_npe", "veto_n_hits", "jenergy_muon_range",
    "jenergy_noise_likelihood", "jenergy_ndf", "jenergy_n_hits", "jcopy_z", "coverage_orientation",
    "coverage_position", "jenergy_energy_min", "jenergy_energy_max", "npe_mip_missed", "features_n_doms",
    "features_n_lines", "features_n_hits",
)  # fmt: skip
_WHOLE = ("id", "type", "rec_type", "status", "mother_id", "counter")
"""Members of tracks that are whole numbers."""
_KEY = ("run_id", "frame_index", "trigger_counter", "trigger_mask")
_SHOWN = (
    "pos_x",
    "pos_y",
    "pos_z",
    "dir_x",
    "dir_y",
    "dir_z",
    "zenith",
    "azimuth",
    "energy",
    "quality",
    "angular_error",
)
_PARAMETER_NAMES: dict[str, dict[int, str]] = {
    **{name: dict(enumerate(_MUON_NAMES)) for name in ("jgandalf", "jsimplex", "jprefit")},
    "jshower": {4: "jshower_energy"},
    "aashower": {0: "aashower_energy", 1: "n_hits"},
}
_PARAMETERS, _STAGE_LETTERS, _MOST_NAMES = 64, 64, 64
_RESERVED_NAMES = ("group_id", "name", "h5loc", "split_h5", "h5singleton")


def reread(path: Path, options: ReadOptions) -> Iterator[Expected]:
    """Read a file event by event.

    Parameters
    ----------
    path
        The file.
    options
        `reco` names the only algorithm to show in ``/events``.

    Yields
    ------
    Expected
        One event, in file order.

    Raises
    ------
    CorruptInputError
        The file is damaged.
    OSError
        The file cannot be read.
    """
    try:
        with uproot.open({str(path): None}, object_cache=None, array_cache=None) as file:
            branches = {branch.name: branch for branch in file["E"]["Evt"].itervalues(recursive=True)}
            context = _Context.of(file, branches, options)
            for event in _events(branches, int(file["E"].num_entries), simulated=context.simulated):
                yield _expected(event, context)
    except AntaresLegacyError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise CorruptInputError(
            path, "damaged ROOT file", found=f"{type(error).__name__}: {str(error)[:100]}"
        ) from error


@dataclass(frozen=True, slots=True)
class _Context:
    """What holds for the whole file."""

    simulated: bool
    documented_weights: bool
    corsika_primaries: bool
    usr_columns: Mapping[str, str]
    reco: str | None

    @classmethod
    def of(cls, file: Any, branches: Mapping[str, Any], options: ReadOptions) -> "_Context":
        header = b""
        for name in ("Head", "Header", "MultiHead"):
            if name in file:
                header += bytes(file.key(name).get_uncompressed_chunk_cursor()[0].raw_data)
        named = any(tag in header for tag in (b"\x07physics", b"\x05simul", b"\x09generator", b"\x06genvol"))
        return cls(
            simulated=named or _any_filled(branches.get("mc_trks.id")),
            documented_weights=b"gSeaGen" in header or b"GENHEN" in header,
            corsika_primaries=re.search(rb"Corant\s+v?[1-4]\b", header) is not None,
            usr_columns=_usr_columns(branches),
            reco=options.reco,
        )


def _any_filled(branch: Any) -> bool:
    return branch is not None and any(len(ids) for ids in branch.array(library="np"))


def _usr_columns(branches: Mapping[str, Any]) -> dict[str, str]:
    """Return the column for each name that any event gives to its values."""
    columns: dict[str, str] = {}
    if "usr" not in branches or "usr_names" not in branches:
        return columns
    for names in branches["usr_names"].array(library="ak").to_list():
        for name in names:
            if name in columns or len(columns) == _MOST_NAMES:
                continue
            good = re.fullmatch(r"[A-Za-z_]\w{0,62}", name, re.ASCII) and name not in _RESERVED_NAMES
            good = good and not keyword.iskeyword(name) and not re.fullmatch(r"usr_\d+", name, re.ASCII)
            columns[name] = name if good else f"usr_{len(columns):02d}"
    return columns


def _events(branches: Mapping[str, Any], entries: int, *, simulated: bool) -> Iterator[Lists]:
    wanted = [*_SCALARS, *(f"trks.{name}" for name in _FIT)]
    if simulated:
        wanted += [f"mc_trks.{name}" for name in _TRUE]
    present = [name for name in wanted if name in branches]
    size = sum(branches[name].uncompressed_bytes for name in present) // max(1, entries)
    step = max(1, min(_MOST_EVENTS, _STEP_BYTES // max(1, size)))
    for start in range(0, entries, step):
        stop = min(entries, start + step)
        lists = {
            name: branches[name].array(entry_start=start, entry_stop=stop, library="ak").to_list() for name in present
        }
        for number in range(stop - start):
            yield {name: values[number] for name, values in lists.items()}


def _expected(event: Lists, context: _Context) -> Expected:
    info = _identity(event, simulated=context.simulated)
    fits = _best_fits(event)
    shown = _shown(fits, context.reco)
    events = _fit_values(event, shown)
    events.update(_time(event, shown))
    events.update({name: info[name] for name in (*_KEY, "weight_w1", "weight_w2", "weight_w3")})
    info.update({name: events[name] for name in ("timestamp", "nanoseconds")})
    tables: dict[str, tuple[Mapping[str, Value], ...]] = {
        f"/reco/{name}": (_fit_row(name, fit),) for name, fit in fits.items()
    }
    if context.usr_columns and event.get("usr"):
        tables["/reco/usr"] = (_usr_row(event, context.usr_columns),)
    if context.simulated:
        rows = particles(
            event, documented_weights=context.documented_weights, corsika_primaries=context.corsika_primaries
        )
        events.update(truth(rows))
        tables["/mc_tracks"] = tuple(rows)
        tables["/mc_info"] = (info_row(event),)
    return Expected(events, info, tables)


# --- identity and time -------------------------------------------------------------------------------------


def _identity(event: Lists, *, simulated: bool) -> Row:
    found: Row = {}
    for name in (*_KEY, "det_id", "overlays", *(("mc_id", "mc_run_id") if simulated else ())):
        value = event.get(name, -1)
        negative = value < 0 and name in ("run_id", "frame_index", "mc_id", "mc_run_id")
        found[name] = -1 if negative or value >= 2**63 else value
    if all(event.get(name) == 0 for name in _KEY):
        for name in ("det_id", "frame_index", "trigger_counter", "trigger_mask", "overlays"):
            found[name] = -1
        run = event.get("mc_run_id", -1) if simulated else -1
        found["run_id"] = run if run > 0 else -1
    found["source_event_id"] = event.get("id", -1)
    found["source_t_sec"], found["source_t_nanosec"] = event.get("t.fSec", -1), event.get("t.fNanoSec", -1)
    if simulated:
        time = event.get("mc_t", _NAN)
        found["mc_time"] = time if time == 0 or 1e-30 <= abs(time) <= 1e30 else _NAN
    for number in range(4):
        found[f"weight_w{number + 1}"] = element(event.get("w", ()), number)
    return found


def _time(event: Lists, shown: "_Fit | None") -> Row:
    missing: Row = {"timestamp": -1, "nanoseconds": -1}
    if "t.fSec" not in event or not 0 <= event["t.fNanoSec"] < _BILLION:
        return missing
    shift = 0.0 if shown is None or math.isnan(shown.values["t"]) else shown.values["t"]
    if abs(shift) > 1e18:
        return missing
    seconds, rest = divmod(event["t.fSec"] * _BILLION + event["t.fNanoSec"] + math.floor(shift), _BILLION)
    return {"timestamp": seconds, "nanoseconds": rest} if _YEAR_2000 <= seconds < _YEAR_2100 else missing


# --- fits --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fit:
    """A reconstructed track: its place in the event, its algorithm, and its values by the source's names."""

    place: int
    algorithm: str
    values: Mapping[str, Any]

    def better_than(self, other: "_Fit") -> bool:
        """Say if this fit has more stages, or as many and a higher likelihood."""
        mine, its = len(self.values["rec_stages"]), len(other.values["rec_stages"])
        if mine != its:
            return mine > its
        one, two = self.values["lik"], other.values["lik"]
        return not math.isnan(one) and one > (-math.inf if math.isnan(two) else two)


def _algorithm(rec_type: int, stages: Sequence[int]) -> str:
    """Name the program of a track, ``""`` if nothing ever filled it."""
    if rec_type == 0 and not stages:
        return ""
    if rec_type == 200 or any(200 <= stage <= 299 for stage in stages):
        return "dusj"
    if rec_type == 101 and any(300 <= stage <= 399 for stage in stages):
        return "aashower"
    if rec_type == 4000:
        if any(100 <= stage <= 199 for stage in stages):
            return "jshower"
        for stage, name in ((3, "jgandalf"), (2, "jsimplex"), (1, "jprefit")):
            if stage in stages:
                return name
    return f"rec_type_{rec_type}" if 0 <= rec_type < 10_000_000 else "rec_type_other"


def _best_fits(event: Lists) -> dict[str, _Fit]:
    """Return the best track of each algorithm; an event may have hundreds, so that only these get all their values."""
    places = range(len(event.get("trks.id", ())))
    columns = {
        name: event[f"trks.{name}"] if f"trks.{name}" in event else [_absent(name) for _ in places] for name in _FIT
    }
    best: dict[str, _Fit] = {}
    for place in places:
        stages = columns["rec_stages"][place]
        algorithm = _algorithm(columns["rec_type"][place], stages)
        if not algorithm:
            continue
        fit = _Fit(place, algorithm, {"rec_stages": stages, "lik": columns["lik"][place]})
        if algorithm not in best or fit.better_than(best[algorithm]):
            best[algorithm] = fit
    return {
        name: replace(fit, values={known: values[fit.place] for known, values in columns.items()})
        for name, fit in best.items()
    }


def _absent(name: str) -> Any:
    """Return what stands for a member of a track that the file does not have."""
    return [] if name in ("rec_stages", "fitinf", "hit_ids") else -1 if name in _WHOLE else _NAN


def _shown(fits: Mapping[str, _Fit], reco: str | None) -> _Fit | None:
    if reco is not None:
        return fits.get(reco)
    shown: _Fit | None = None
    for fit in sorted(fits.values(), key=lambda fit: fit.place):
        if shown is None or fit.better_than(shown):
            shown = fit
    return shown


def _fit_values(event: Lists, shown: _Fit | None) -> Row:
    row: Row = dict.fromkeys(_SHOWN, _NAN)
    row["reco"], row["n_hits"] = b"none", len(event.get("hits.id", ())) or -1
    if shown is None:
        return row
    values, parameters = shown.values, shown.values["fitinf"]
    row["reco"], row["n_hits"] = shown.algorithm.encode(), -1
    row.update({f"pos_{axis}": values[f"pos.{axis}"] for axis in "xyz"})
    direction = [float(values[f"dir.{axis}"]) for axis in "xyz"]
    origin = angles(*direction)
    if origin is not None:
        row["zenith"], row["azimuth"] = origin
        length = math.hypot(*direction)
        # Rounded to six decimals, a vector is still one of length 1.
        scale = length if abs(length - 1) > 1e-6 else 1.0
        row.update({f"dir_{axis}": value / scale for axis, value in zip("xyz", direction, strict=True)})
    row["energy"] = values["E"] if values["E"] != 0 else _NAN
    row["quality"] = values["lik"] if abs(values["lik"]) < 1e300 else _NAN
    if shown.algorithm == "jgandalf":
        beta, hits = element(parameters, 0), element(parameters, 3)
        if 0 < beta < math.inf:
            row["angular_error"] = math.degrees(beta)
        if 0 < hits < _BILLION:
            row["n_hits"] = int(hits)
    return row


def _fit_row(algorithm: str, fit: _Fit) -> Row:
    values, stages, parameters = fit.values, fit.values["rec_stages"], fit.values["fitinf"]
    row: Row = {name: values[name] for name in (*_WHOLE, "t", "E", "len", "lik")}
    row.update({f"{kind}_{axis}": values[f"{kind}.{axis}"] for kind in ("pos", "dir") for axis in "xyz"})
    text = " ".join(str(stage) for stage in stages).encode()
    row["rec_stages"] = text if len(text) <= _STAGE_LETTERS else b""
    row["n_rec_stages"], row["n_hit_ids"] = len(stages), len(values["hit_ids"])
    known = _PARAMETER_NAMES.get(algorithm, {})
    for position in range(_PARAMETERS):
        row[known.get(position, f"fitinf_{position:02d}")] = element(parameters, position)
    return row


def _usr_row(event: Lists, columns: Mapping[str, str]) -> Row:
    row: Row = dict.fromkeys(columns.values(), _NAN)
    met = set()
    for name, value in zip(event["usr_names"], event["usr"], strict=False):
        if name in columns and name not in met:
            row[columns[name]] = value
        met.add(name)
    return row
