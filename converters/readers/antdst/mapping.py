"""Which member of which class becomes which column of the product: the mapping file of AntDST files.

The file is YAML; `antdst.yaml` beside this package is the program's own and describes every key.
"""

import hashlib
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from legacy.config import Config, load_yaml
from legacy.errors import MetadataError, UsageError, printable

OWN_MAPPING = Path(__file__).parent.with_suffix(".yaml")
EVENT_COLUMNS: Mapping[str, str] = {
    # column of /events or /event_info -> the unit that the member must have
    "run_id": "",
    "source_event_id": "",
    "frame_index": "",
    "trigger_counter": "",
    "trigger_mask": "",
    "mjd": "d",
    "timestamp": "s",
    "nanoseconds": "ns",
}
TRUTH_COLUMNS: Mapping[str, str] = {
    "mc_pdgid": "",
    "mc_energy": "GeV",
    "weight_w2": "GeV.m2.sr.s/yr",
    "weight_w3": "yr**-1",
}
_SHOWN_UNITS: Mapping[str, tuple[str, ...]] = {
    "quality": ("",),
    "zenith": ("rad", "deg"),
    "azimuth": ("rad", "deg"),
    "angerr": ("rad", "deg"),
    "pos_x": ("m",),
    "pos_y": ("m",),
    "pos_z": ("m",),
    "energy": ("GeV",),
    "nusedhits": ("",),
    "nusedlines": ("",),
}
_ANGLES_OF_TRUTH = ("zenith_true",)
_USUAL_UNITS = frozenset({"", "d", "s", "ns", "m", "rad", "deg", "GeV", *TRUTH_COLUMNS.values()})
_TAKEN = frozenset({"group_id", "n_hit_lines", "total_hits", "name", "h5loc", "split_h5", "h5singleton"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,55}")
_PREFIX = re.compile(r"^(?:m_|f(?=[A-Z]))")
_LONGEST_FIT = 16
"""Characters of a fit's name that the column ``reco`` holds."""


@dataclass(frozen=True, slots=True)
class MemberRule:
    """Where the values of a column come from.

    Parameters
    ----------
    members
        Paths of members, the likeliest first.
    unit
        Unit of the member's values, VOUnits.
    text
        Meaning of the column.
    """

    members: tuple[str, ...]
    unit: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class FitList:
    """Fits that are elements of one list.

    Parameters
    ----------
    objects
        Paths of the list.
    key
        Members of its elements that tell them apart.
    codes
        Value of that member for each fit.
    """

    objects: tuple[str, ...]
    key: tuple[str, ...]
    codes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AntDstMapping:
    """The keys of the mapping file; see `antdst.yaml` for what each one means."""

    roots: tuple[str, ...] = ()
    zenith: Literal["unknown", "source", "flight"] = "unknown"
    event: Mapping[str, MemberRule] = field(default_factory=dict)
    truth_objects: tuple[str, ...] = ()
    truth: Mapping[str, MemberRule] = field(default_factory=dict)
    fits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fit_list: FitList = FitList((), (), {})
    particles: tuple[str, ...] = ()
    fit_columns: Mapping[str, MemberRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_units("event", self.event, EVENT_COLUMNS, closed=True)
        _check_units("truth", self.truth, TRUTH_COLUMNS, closed=False)
        for name, rule in self.fit_columns.items():
            _check_name(f"fit_columns.{name}", name)
            if rule.unit not in _SHOWN_UNITS.get(name, (rule.unit,)):
                raise ValueError(f"fit_columns.{name}: the unit must be {' or '.join(map(repr, _SHOWN_UNITS[name]))}")
        for name in _ANGLES_OF_TRUTH:
            if name in self.truth and self.truth[name].unit not in _SHOWN_UNITS["zenith"]:
                raise ValueError(f"truth.{name}: the unit must be 'rad' or 'deg'")
        for section, rules in (("event", self.event), ("truth", self.truth), ("fit_columns", self.fit_columns)):
            for name, rule in rules.items():
                _check_members(f"{section}.{name}", rule.members)
                _check_understood(f"{section}.{name}", rule.unit)
        for name in (*self.fits, *self.fit_list.codes):
            _check_name(f"the fit {name}", name, _LONGEST_FIT)
        self._check_codes()

    def _check_codes(self) -> None:
        if self.fit_list.codes:
            _check_members("fit_list.key", self.fit_list.key)
        fits: dict[int, str] = {}
        for name, code in self.fit_list.codes.items():
            if (other := fits.setdefault(code, name)) != name:
                raise ValueError(f"fit_list.codes: {other} and {name} have the same number {code}; correct one")


def words(path: str) -> tuple[str, ...]:
    """Return the words of a member's path as they are compared.

    Parameters
    ----------
    path
        Names with dots or slashes between them, such as ``fPos.fX``.
    """
    return tuple(filter(None, (_word(part) for part in re.split(r"[./]", path))))


def _word(name: str) -> str:
    bare = _PREFIX.sub("", name.partition("[")[0].strip("_ "), count=1)
    return re.sub(r"[^a-z0-9]", "", bare.lower())


def _check_name(where: str, name: str, longest: int = 56) -> None:
    if not _NAME.fullmatch(name) or len(name) > longest or name in _TAKEN:
        raise ValueError(f"{where}: expected a name of at most {longest} small letters, digits and underscores")


def _check_members(where: str, members: tuple[str, ...]) -> None:
    if not members:
        raise ValueError(f"{where}: no member is named; name one, or leave the key out")
    for member in members:
        if not words(member):
            raise ValueError(f"{where}: '{member}' names no member; write words such as Position.X")


def _check_understood(where: str, unit: str) -> None:
    if unit in _USUAL_UNITS:
        return
    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            units.Unit(unit, format="vounit")
        except (ValueError, TypeError, Warning) as error:
            problem = f"{where}: the unit '{unit}' is not understood; write one of VOUnits, such as m, deg or GeV"
            raise ValueError(problem) from error


def _check_units(where: str, rules: Mapping[str, MemberRule], units: Mapping[str, str], *, closed: bool) -> None:
    for name, rule in rules.items():
        if name not in units and closed:
            raise ValueError(f"{where}: no such column '{name}'; known are: {', '.join(units)}")
        _check_name(f"{where}.{name}", name)
        if name in units and rule.unit != units[name]:
            raise ValueError(f"{where}.{name}: the unit must be '{units[name]}'")


def load_mapping(choice: tuple[str, str] | None) -> AntDstMapping:
    """Read a mapping file.

    Parameters
    ----------
    choice
        Name of the file and its SHA-256, as `choose` gives them; None for the program's own.

    Raises
    ------
    UsageError
        The file cannot be read, or has changed since it was chosen.
    MetadataError
        It has an unknown key, a value of another type, or a unit that a column cannot have.
    """
    if choice is None:
        return _own()
    path, sha256 = Path(choice[0]), choice[1]
    if _sha256(path) != sha256:
        raise UsageError(
            f"{printable(str(path))}: this is not the mapping that was chosen (SHA-256 {sha256[:12]}...); "
            "restore that file, or convert again"
        )
    return _parsed(path)


def choose(path: Path) -> tuple[str, str]:
    """Check a mapping file of the user, and return its name as given and its SHA-256; raises as `load_mapping`."""
    _parsed(path)
    return str(path), _sha256(path)


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{printable(str(path))}: cannot be read ({error.strerror}); give the mapping file") from error


@cache
def _own() -> AntDstMapping:
    """Read the program's own mapping once in a process, not anew for every file."""
    return _parsed(OWN_MAPPING)


def _parsed(path: Path) -> AntDstMapping:
    content = load_yaml(path)
    if not isinstance(content, dict):
        raise MetadataError(f"{path}: expected keys such as 'event:'; begin with a copy of the program's antdst.yaml")
    given = Config(path, {"mapping": content}).section("mapping", AntDstMapping)
    try:
        return AntDstMapping(**given)  # type: ignore[arg-type]
    except ValueError as error:
        raise MetadataError(f"{printable(str(path))}: {printable(str(error))}") from error
