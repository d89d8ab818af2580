"""Tables that only `.i3` files give, and the columns of their fits."""

from converters.layout import MC_TRACKS_TABLE
from legacy.columns import GROUP_ID
from legacy.model import ColumnSpec, TableSpec

HEADER_TABLE = TableSpec(
    "/i3_header",
    (
        GROUP_ID,
        ColumnSpec("frame", "i8", "", "Number of the frame in the file, from 0", "meta.record"),
        ColumnSpec("subrun", "i8", "", "Number of the subrun", "meta.id"),
        ColumnSpec("event", "i8", "", "Number of the event, as the header has it", "meta.id"),
        ColumnSpec("subevent", "i8", "", "Number of the subevent into which a program split the event", "meta.id"),
        ColumnSpec("subevent_stream", "S64", "", "Name of the split", "meta.id"),
        ColumnSpec("state", "i8", "", "State of the event, 20 is good", "meta.code"),
        ColumnSpec("start_year", "i8", "yr", "Year of the start, UTC", "time.start"),
        ColumnSpec("start_ticks", "i8", "0.1ns", "Start since the year began, leap seconds counted", "time.start"),
        ColumnSpec("end_year", "i8", "yr", "Year of the end, UTC", "time.end"),
        ColumnSpec("end_ticks", "i8", "0.1ns", "End since the year began, leap seconds counted", "time.end"),
    ),
    "The headers of the events' frames, as they are",
)

STREAM_WIDTH = HEADER_TABLE.dtype["subevent_stream"].itemsize
"""Longest name of a split that is kept, in bytes."""

FIT_COLUMNS = (
    ColumnSpec("x", "f8", "m", "Position of the particle, x, as the source has it", "pos.cartesian.x"),
    ColumnSpec("y", "f8", "m", "Position of the particle, y, as the source has it", "pos.cartesian.y"),
    ColumnSpec("z", "f8", "m", "Position of the particle, z, as the source has it", "pos.cartesian.z"),
    ColumnSpec("time", "f8", "ns", "Time at the position, relative to the event", "time"),
    ColumnSpec("zenith", "f8", "rad", "Zenith angle of the particle's origin", "pos.az.zd"),
    ColumnSpec("azimuth", "f8", "rad", "Azimuth of the particle's origin", "pos.az.azi"),
    ColumnSpec("energy", "f8", "GeV", "Kinetic energy of the particle", "phys.energy"),
    ColumnSpec("speed", "f8", "Gm/s", "Speed of the particle", "phys.veloc"),
    ColumnSpec("length", "f8", "m", "Length of the track", "phys.size"),
    ColumnSpec("type", "i8", "", "Type of the particle, in the codes of its class version", "meta.code"),
    ColumnSpec("shape", "i8", "", "Shape of the particle, as the source has it", "meta.code"),
    ColumnSpec("location", "i8", "", "Location of the particle, as the source has it", "meta.code"),
    ColumnSpec("fit_status", "i8", "", "Status of the fit, 0 is good", "meta.code"),
    ColumnSpec("bjorken_x", "f8", "", "Bjorken x", "phys"),
    ColumnSpec("bjorken_y", "f8", "", "Bjorken y", "phys"),
)
"""What an I3Particle gives, under the names that SeaTray's own HDF5 tables use."""

LIKELIHOOD_COLUMNS = (
    ColumnSpec("logl", "f8", "", "Negative logarithm of the likelihood, lower is better", "stat.likelihood"),
    ColumnSpec("rlogl", "f8", "", "logl per degree of freedom", "stat.likelihood"),
    ColumnSpec("ndof", "i8", "", "Degrees of freedom", "stat.fit.dof"),
    ColumnSpec("nmini", "i8", "", "Calls of the minimiser", "meta.number"),
)
"""What I3LogLikelihoodFitParams gives; the sign is that of icecube/icetray-public: gulliver, its table converter."""


def mc_table(width: int) -> TableSpec:
    """Return the table of simulated particles; `width` bytes hold the key of each object they come from."""
    columns = (
        column.with_dtype(f"S{width}") if column.name == "origin" else column for column in MC_TRACKS_TABLE.columns
    )
    own = (
        ColumnSpec("major_id", "S20", "", "Number of the process that made the particle, as text", "meta.id"),
        ColumnSpec("shape", "i8", "", "Shape of the particle, as the source has it", "meta.code"),
        ColumnSpec("location", "i8", "", "Location of the particle, as the source has it", "meta.code"),
        ColumnSpec("speed", "f8", "Gm/s", "Speed", "phys.veloc"),
    )
    return TableSpec(MC_TRACKS_TABLE.path, (*columns, *own), MC_TRACKS_TABLE.description)


def trigger_table(width: int) -> TableSpec:
    """Return the table of triggers; `width` bytes hold every key of a hierarchy."""
    return TableSpec(
        "/i3_triggers",
        (
            GROUP_ID,
            ColumnSpec("hierarchy", f"S{width}", "", "Key of the object in the frame", "meta.id"),
            ColumnSpec("source", "i8", "", "Source of the trigger, as the writing program numbers it", "meta.code"),
            ColumnSpec("type", "i8", "", "Type of the trigger, as the writing program numbers it", "meta.code"),
            ColumnSpec("subtype", "i8", "", "Subtype of the trigger, as the writing program numbers it", "meta.code"),
            ColumnSpec("config", "i8", "", "Number of the trigger's configuration", "meta.id"),
            ColumnSpec("time", "f8", "ns", "Start of the trigger, relative to the event", "time"),
            ColumnSpec("length", "f8", "ns", "Length of the trigger", "time.duration"),
            ColumnSpec("fired", "i8", "", "1 if it fired, else 0", "meta.code"),
            ColumnSpec("parent", "i8", "", "Place of the trigger it belongs to in this hierarchy, from 0", "meta.id"),
        ),
        "Triggers of each event, in the order of the source",
    )


def hits_table(width: int) -> TableSpec:
    """Return the table of hit counts; `width` bytes hold every key of a series of hits."""
    return TableSpec(
        "/i3_hit_counts",
        (
            GROUP_ID,
            ColumnSpec("series", f"S{width}", "", "Key of the object in the frame", "meta.id"),
            ColumnSpec("n_modules", "i8", "", "Number of optical modules with hits", "meta.number"),
            ColumnSpec("n_hits", "i8", "", "Number of hits", "meta.number"),
            ColumnSpec("charge", "f8", "", "Sum of the charges in photoelectrons, where they can be read", "phys"),
        ),
        "Hits and pulses of each event, counted and summed; the hits themselves are not kept",
    )
