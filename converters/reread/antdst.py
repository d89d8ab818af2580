"""Second reader of AntDST files: one event at a time, in plain Python.

It reads the same mapping file and looks for the members anew. As no real file of this format was available, it
shows that the first reader does what the mapping says, and not that the mapping is right.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uproot

import converters
from converters.reread.contract import Expected, Value
from converters.source import ReadOptions
from legacy.config import load_yaml
from legacy.errors import UsageError, printable

_Rules = Mapping[str, Any]
_NUMBER = r"(?:bool|u?int(?:8|16|32|64)_t|float|double)"
_IN_EVENTS = ("mc_pdgid", "mc_energy", "weight_w2", "weight_w3")
_INFO = frozenset(
    "run_id source_event_id frame_index trigger_counter trigger_mask timestamp nanoseconds weight_w2 weight_w3".split()  # noqa: SIM905
)

_NO_FIT: Mapping[str, Value] = {
    **dict.fromkeys(("quality", "pos_x", "pos_y", "pos_z", "energy", "angular_error"), math.nan),
    **dict.fromkeys(("zenith", "azimuth", "dir_x", "dir_y", "dir_z"), math.nan),
    "n_hits": -1,
    "n_lines": -1,
    "reco": b"none",
}

_LARGEST_MAPPING = 1 << 20
_NOBODY = (0, -1, -999, -9999)
_ROUNDED = 1 + 1e-6  # single precision rounds pi up


@dataclass(frozen=True, slots=True)
class _Fit:
    """Branches of a fit, by column; for an element of a list also the key and its value."""

    name: str
    columns: Mapping[str, str]
    key: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class _Plan:
    """Branches by column, the fits, and what was asked."""

    event: Mapping[str, str]
    truth: Mapping[str, str]
    fits: tuple[_Fit, ...]
    shown: str
    convention: str | None
    degrees: frozenset[str]


def reread(path: Path, options: ReadOptions) -> Iterator[Expected]:
    """Read the events of an AntDST file.

    Parameters
    ----------
    path
        The file.
    options
        `reco`, `zenith` and `antdst_mapping` matter.

    Yields
    ------
    Expected
        One event after the other.
    """
    rules = _rules(options.antdst_mapping)
    with uproot.open(path) as root:
        # A tree of a name without a cycle is its latest version.
        paths = dict.fromkeys(name.rpartition(";")[0] for name in root.keys(filter_classname="TTree"))
        found = {name: root[name] for name in paths}
        plans = [(tree, *_plan(tree, rules, options)) for tree in found.values()]
        tree, plan, forms = max(plans, key=lambda one: _worth(one[0], one[1]))
        simulated = any(_tells(plan, event) for event in _events(tree, forms, plan.truth.values()))
        names = [*plan.event.values(), *plan.truth.values()]
        for fit in plan.fits:
            names += [*fit.columns.values(), *filter(None, [fit.key])]
        for event in _events(tree, forms, names):
            yield _expected(event, plan, simulated=simulated)


def _rules(choice: tuple[str, str] | None) -> _Rules:
    path = Path(choice[0]) if choice else Path(converters.__path__[0]) / "readers" / "antdst.yaml"
    if choice:
        shown = printable(str(path))
        if not path.is_file():
            raise UsageError(f"{shown}: no such file; name the mapping of the product with --antdst-mapping")
        # The name comes from the product: another file of that name is not looked into.
        if path.stat().st_size > _LARGEST_MAPPING or hashlib.sha256(path.read_bytes()).hexdigest() != choice[1]:
            raise UsageError(
                f"{shown}: it is not the mapping that the product was made with; name that one, or restore it"
            )
    content = load_yaml(path)
    return content if isinstance(content, dict) else {}


def _same(text: str) -> str:
    """Return the words of a path as the mapping compares them, with slashes between."""
    parts = [re.sub(r"\[.*", "", part).strip("_ ") for part in re.split(r"[./]", text)]
    bare = [part[2:] if part.startswith("m_") else re.sub(r"^f(?=[A-Z])", "", part) for part in parts]
    return "/".join(filter(None, (re.sub(r"[^a-z0-9]", "", part.lower()) for part in bare)))


def _members(tree: Any, roots: set[str]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Return for numbers and for lists the branch of every member; and the form of every branch."""
    known: dict[str, dict[str, str]] = {"number": {}, "list": {}}
    forms: dict[str, str] = {}
    for full, branch in tree.iteritems(recursive=True, full_paths=True):
        type_name = str(branch.typename)
        if branch.branches or branch.num_entries != tree.num_entries:
            continue
        if re.fullmatch(_NUMBER, type_name):
            form = "number"
        elif re.fullmatch(rf"{_NUMBER}\[\]|std::vector<{_NUMBER}>", type_name):
            form = "list"
        else:
            continue
        path = parent = ""
        for part in full.split("/"):
            own = _same(part)
            inside = parent and f"{own}/".startswith(f"{parent}/")
            path = f"{path[: len(path) - len(parent)]}{own}" if inside else f"{path}/{own}".strip("/")
            parent = own
        while "/" in path and path.split("/")[0] in roots:
            path = path.partition("/")[2]
        known[form].setdefault(path, full)
        forms[full] = form
    return known, forms


def _plan(tree: Any, rules: _Rules, options: ReadOptions) -> tuple[_Plan, dict[str, str]]:
    known, forms = _members(tree, {_same(root) for root in rules.get("roots", [])})
    particles = ["", *(f"/{_same(particle)}" for particle in rules.get("particles", []))]
    columns: _Rules = rules.get("fit_columns", {})

    def first(form: str, paths: list[str]) -> str:
        return next((known[form][path] for path in paths if path in known[form]), "")

    def taken(form: str, wanted: _Rules, fronts: list[str]) -> dict[str, str]:
        paths = {
            name: [f"{f}/{_same(m)}".strip("/") for m in r["members"] for f in fronts] for name, r in wanted.items()
        }
        return {name: branch for name, tried in paths.items() if (branch := first(form, tried))}

    event = taken("number", rules.get("event", {}), [""])
    truth = taken("number", rules.get("truth", {}), [_same(o) for o in rules.get("truth_objects", [])])
    fits = _fits(rules, lambda form, front: taken(form, columns, [f"{_same(front)}{p}" for p in particles]), first)
    halves = ("timestamp", "nanoseconds")
    unused = ("mjd",) if all(half in event for half in halves) else halves
    event = {name: branch for name, branch in event.items() if name not in unused}
    said = rules.get("zenith", "unknown")
    degrees = {name for name, rule in (*columns.items(), *rules.get("truth", {}).items()) if rule.get("unit") == "deg"}
    shown = options.reco or (fits[0].name if fits else "none")
    convention = options.zenith or (None if said == "unknown" else said)
    return _Plan(event, truth, tuple(fits), shown, convention, frozenset(degrees)), forms


def _fits(
    rules: _Rules, columns_at: Callable[[str, str], dict[str, str]], first: Callable[[str, list[str]], str]
) -> list[_Fit]:
    found: dict[str, _Fit] = {}
    for name, fronts in rules.get("fits", {}).items():
        columns = next((c for front in fronts if (c := columns_at("number", front))), {})
        if columns:
            found[name] = _Fit(name, columns)
    listed = rules.get("fit_list") or {"objects": [], "key": [], "codes": {}}
    for front in listed["objects"]:
        key = first("list", [f"{_same(front)}/{_same(member)}" for member in listed["key"]])
        columns = columns_at("list", front)
        if key and columns:
            for name, code in listed["codes"].items():
                found.setdefault(name, _Fit(name, columns, key, code))
            break
    order = [*rules.get("fits", {}), *listed["codes"]]
    return sorted(found.values(), key=lambda fit: order.index(fit.name))


def _worth(tree: Any, plan: _Plan) -> tuple[bool, int, int, int]:
    required = sum(name in plan.event for name in ("run_id", "source_event_id"))
    taken = len(plan.event) + len(plan.truth) + sum(len(fit.columns) for fit in plan.fits)
    return required > 0 and tree.num_entries > 0, required, taken, tree.num_entries


def _events(tree: Any, forms: Mapping[str, str], names: Any) -> Iterator[dict[str, Any]]:
    wanted = list(dict.fromkeys(names))
    for start in range(0, tree.num_entries if wanted else 0, 500):
        stop = min(start + 500, tree.num_entries)
        columns = []
        for name in wanted:
            library = "np" if forms[name] == "number" else "ak"
            columns.append(tree[name].array(entry_start=start, entry_stop=stop, library=library).tolist())
        for values in zip(*columns, strict=True):
            yield dict(zip(wanted, values, strict=True))


def _tells(plan: _Plan, event: Mapping[str, Any]) -> bool:
    """Say if an event has what only a simulated one has."""
    for name in _IN_EVENTS:
        value = event[plan.truth[name]] if name in plan.truth else 0
        if math.isfinite(value) and (value > 0 or (name == "mc_pdgid" and value not in _NOBODY)):
            return True
    return False


def _whole(value: float | int, lowest: int = 0) -> int:
    if not math.isfinite(value) or value != int(value) or not lowest <= value < 1 << 63:
        return -1
    return int(value)


def _stored(value: float | int) -> float | int:
    if isinstance(value, float):
        return value
    return int(value) if value < 1 << 63 else -1


def _expected(event: Mapping[str, Any], plan: _Plan, *, simulated: bool) -> Expected:
    events: dict[str, Value] = dict(_NO_FIT)
    for name, branch in plan.event.items():
        value = event[branch]
        events[name] = _whole(value)
        if name == "mjd":
            events[name] = float(value) if 50_000 < value < 70_000 else math.nan
    if "timestamp" in events and not _is_time(*(events[half] for half in ("timestamp", "nanoseconds"))):
        events["timestamp"] = events["nanoseconds"] = -1
    tables: dict[str, tuple[Mapping[str, Value], ...]] = {}
    if simulated:
        events |= _truth(event, plan)
        own = {name: branch for name, branch in plan.truth.items() if name not in _IN_EVENTS}
        tables["/mc_info"] = ({name: _stored(event[branch]) for name, branch in own.items()},)
    for fit in plan.fits:
        row = _row(event, fit)
        tables[f"/reco/{fit.name}"] = (row,) if row else ()
        if row and fit.name == plan.shown:
            events |= _shown(row, plan)
    info = {name: value for name, value in events.items() if name in _INFO}
    return Expected({name: value for name, value in events.items() if name != "source_event_id"}, info, tables)


def _is_time(seconds: Any, nanoseconds: Any) -> bool:
    """Say if a time is within the years of the experiment, widely: days 50,000 to 70,000 of the MJD."""
    return bool(50_000 < seconds / 86_400 + 40_587 < 70_000 and 0 <= nanoseconds < 10**9)


def _truth(event: Mapping[str, Any], plan: _Plan) -> dict[str, Value]:
    given = {name: event[branch] for name, branch in plan.truth.items()}
    values: dict[str, Value] = {name: float(given[name]) for name in ("weight_w2", "weight_w3") if name in given}
    if "mc_pdgid" in given:
        code = _whole(given["mc_pdgid"], -(1 << 31))
        values["mc_pdgid"] = -1 if code in _NOBODY else code
    if "mc_energy" in given:
        energy = float(given["mc_energy"])
        values["mc_energy"] = energy if math.isfinite(energy) and energy > 0 else math.nan
    if plan.convention and "zenith_true" in given:
        zenith = _radians(given["zenith_true"], "zenith_true", plan)
        zenith = min(zenith, math.pi) if 0 <= zenith <= math.pi * _ROUNDED else math.nan
        values["mc_zenith"] = math.pi - zenith if plan.convention == "flight" else zenith
    return values


def _radians(value: float, name: str, plan: _Plan) -> float:
    return math.radians(value) if name in plan.degrees else float(value)


def _row(event: Mapping[str, Any], fit: _Fit) -> dict[str, Value]:
    """Return the numbers of a fit, nothing if all are 0 or missing."""
    place = None
    if fit.key:
        keys = event[fit.key]
        if fit.code not in keys:
            return {}
        place = keys.index(fit.code)
    row = {name: event[branch] if place is None else event[branch][place] for name, branch in fit.columns.items()}
    if all(value == 0 or value != value for value in row.values()):
        return {}
    return {name: _stored(value) for name, value in row.items()}


def _shown(row: Mapping[str, Any], plan: _Plan) -> dict[str, Value]:
    values: dict[str, Value] = {"reco": plan.shown.encode()}
    for name in ("quality", "pos_x", "pos_y", "pos_z"):
        if name in row:
            values[name] = float(row[name])
    for name, target in (("nusedhits", "n_hits"), ("nusedlines", "n_lines")):
        if name in row:
            values[target] = _whole(row[name])
    if "energy" in row:
        energy = float(row["energy"])
        values["energy"] = energy if math.isfinite(energy) and energy > 0 else math.nan
    if "angerr" in row:
        error = float(row["angerr"]) if "angerr" in plan.degrees else math.degrees(row["angerr"])
        values["angular_error"] = error if math.isfinite(error) and error >= 0 else math.nan
    if plan.convention and {"zenith", "azimuth"} <= set(row):
        values |= _direction(_radians(row["zenith"], "zenith", plan), _radians(row["azimuth"], "azimuth", plan), plan)
    return values


def _direction(zenith: float, azimuth: float, plan: _Plan) -> dict[str, Value]:
    if not 0 <= zenith <= math.pi * _ROUNDED or not abs(azimuth) <= 2 * math.pi * _ROUNDED:
        return {}
    zenith = min(zenith, math.pi)
    if plan.convention == "flight":
        zenith, azimuth = math.pi - zenith, azimuth + math.pi
    azimuth %= 2 * math.pi
    azimuth = 0.0 if azimuth >= 2 * math.pi else azimuth
    return {
        "zenith": zenith,
        "azimuth": azimuth,
        "dir_x": -math.sin(zenith) * math.cos(azimuth),
        "dir_y": -math.sin(zenith) * math.sin(azimuth),
        "dir_z": -math.cos(zenith),
    }
