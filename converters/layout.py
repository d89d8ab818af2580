"""Every path of the product and the version of its data model.

Data model versions: a new major number when something is renamed, moved or changes its meaning, a new minor
number for new columns or tables.

- 1.0 (2026): first version.
"""

from legacy.columns import EVENT_INFO, EVENTS, GROUP_ID, HITS_MET, MC_TRACKS
from legacy.model import ColumnSpec, TableSpec

ABOUT = (
    "Reconstructed events of a neutrino telescope, one row per event in /events. group_id links the tables. "
    "/parameters explains every column of every table: unit (VOUnits; empty: a plain number), type, UCD, meaning. "
    "Missing values: NaN in floating-point columns, -1 in integers, empty texts; never 0. Times are UTC. "
    "In /events, zenith and azimuth say where a particle came from, dir_x, dir_y, dir_z where it flies to. "
    "/header: title, author, licence. /provenance: how the file came to be, and its source. "
    "/source_coverage: what became of every field of the source."
)
"""Said in every HDF5 product, for those who have the file and nothing else."""

DATA_MODEL_VERSION = "1.0"
KM3PIPE_FORMAT_VERSION = "5.1"
"""Version of the km3pipe HDF5 format that the file follows."""

RECO_PREFIX = "/reco/"
NO_FITS = frozenset({"/reco/usr", "/reco/track_fit"})
"""Tables beside the fits whose rows are open lists of a source's own numbers."""

EVENTS_TABLE = TableSpec("/events", EVENTS, "One row per event: the table to work with")
GROUP_INFO_TABLE = TableSpec("/group_info", (GROUP_ID,), "The row keys of all events")
EVENT_INFO_TABLE = TableSpec(
    "/event_info", EVENT_INFO, "Identity, time and weights of each event, as the source has them"
)
MC_INFO = "/mc_info"
DATA_QUALITY = "/data_quality"
MC_TRACKS_TABLE = TableSpec("/mc_tracks", MC_TRACKS, "Simulated particles")


def mc_info_table(*columns: ColumnSpec) -> TableSpec:
    """Return the table of event-wise simulation facts, with columns that a source adds."""
    return TableSpec(MC_INFO, (GROUP_ID, *HITS_MET, *columns), "Facts about each simulated event")


def reco_table(name: str, columns: tuple[ColumnSpec, ...], description: str) -> TableSpec:
    """Return the table ``/reco/<name>`` of one algorithm; `columns` come after ``group_id``."""
    return TableSpec(RECO_PREFIX + name, (GROUP_ID, *columns), description)


def _text(name: str, width: int, description: str, ucd: str = "") -> ColumnSpec:
    return ColumnSpec(name, f"S{width}", "", description, ucd)


def raw_header_table(widths: tuple[int, int, int, int]) -> TableSpec:
    """Return the four columns that km3pipe's HDF5Pump expects, as wide as the header needs them."""
    names = ("parameter", "field_names", "field_values", "dtype")
    meanings = (
        "Tag of the header line",
        "Names of its values, separated by spaces",
        "Its values, separated by spaces",
        "Type of each value: a<width> text, f8 or i8 number",
    )
    columns = tuple(_text(n, w, m) for n, w, m in zip(names, widths, meanings, strict=True))
    return TableSpec("/raw_header", columns, "The source's own header, every line")


HEADER_FIELDS = (
    "author",
    "contact",
    "instrument",
    "license",
    "measurement_start",
    "measurement_stop",
    "reference",
    "title",
    "description",
    "version",
    "publisher",
    "creation_date",
)
"""Columns of ``/header``, all text; everything but the last can come from the user's metadata file."""


def header_table(widths: dict[str, int]) -> TableSpec:
    """Return the table for people, as wide as its texts need it."""
    columns = tuple(
        _text(name, widths[name], f"{name.replace('_', ' ').capitalize()} of the data") for name in HEADER_FIELDS
    )
    return TableSpec("/header", columns, "What these data are, for people")


PARAMETERS_TABLE = TableSpec(
    "/parameters",
    (
        _text("table", 64, "Table"),
        _text("column", 64, "Column; km3pipe cannot read a column called name"),
        _text("unit", 32, "Unit, VOUnits; empty: dimensionless"),
        _text("dtype", 8, "NumPy dtype"),
        _text("ucd", 64, "Unified Content Descriptor"),
        _text("description", 400, "Meaning"),
    ),
    "Meaning and unit of every column of every table",
)

PROVENANCE_TABLE = TableSpec(
    "/provenance",
    (
        _text("activity_id", 40, "Identifier of the processing step"),
        _text("parent", 40, "Identifier of the step before"),
        _text("software", 64, "Program"),
        _text("version", 64, "Its version"),
        _text("start", 32, "Start of the step, UTC"),
        _text("stop", 32, "End of the step, UTC"),
        _text("input_name", 255, "Name of the input file, without folder"),
        _text("input_sha256", 64, "SHA-256 of the input file"),
        _text("parameters", 2000, "Options of the step, JSON"),
    ),
    "How this file came to be, one row per step",
)

COVERAGE_TABLE = TableSpec(
    "/source_coverage",
    (
        _text("field", 96, "Field as the source names it"),
        ColumnSpec("count", "i8", "", "Values met; else entries or bytes from the file's own index; -1 not counted"),
        _text("destination", 96, "Table and column of this file; empty: nowhere"),
        _text("note", 400, "Why it went nowhere, or what was done with it"),
    ),
    "What became of every field of the source",
)


def version_problem(version: str) -> str:
    """Say why a product of this data model version cannot be checked, ``""`` if it can."""
    if version.partition(".")[0] == DATA_MODEL_VERSION.partition(".")[0]:
        return ""
    return f"data model version is '{version}'; this program checks {DATA_MODEL_VERSION}"
