"""The one registry of physics columns: name, dtype, unit, UCD, description.

Every product takes its columns from here, so that a value, unit or UCD can differ nowhere. A table that
mirrors a source's own fields (``/reco/*``) may add columns that only that source has.
Units are VOUnits strings, UCDs are UCD1+.
"""

from legacy.model import ColumnSpec


def _c(name: str, dtype: str, unit: str, ucd: str, description: str) -> ColumnSpec:
    return ColumnSpec(name, dtype, unit, description, ucd)


GROUP_ID = _c("group_id", "i8", "", "meta.record", "Row key: number of the event in this file, dense from 0")

IDENTITY = (
    GROUP_ID,
    _c(
        "event_id",
        "i8",
        "",
        "meta.id",
        "Number of the event, unique in this file: the source's own where that is unique, else the position",
    ),
    _c("internal_id", "S40", "", "meta.id;meta.main", "Identifier of the event, unique everywhere"),
)

RUN_ID = _c("run_id", "i8", "", "meta.id", "Run number; in simulations the number of the simulated run")
FRAME_INDEX = _c("frame_index", "i8", "", "meta.id", "Number of the time slice in the run")
TRIGGER_COUNTER = _c("trigger_counter", "i8", "", "meta.id", "Counter of the trigger in the run")
TRIGGER_MASK = _c(
    "trigger_mask", "i8", "", "meta.code", "Bit mask of the triggers that fired; bit n-1 stands for trigger n"
)
NATURAL_KEY = (RUN_ID, FRAME_INDEX, TRIGGER_COUNTER)

TIMESTAMP = _c("timestamp", "i8", "s", "time.epoch", "UTC, whole seconds since 1970-01-01T00:00:00")
NANOSECONDS = _c("nanoseconds", "i8", "ns", "time.epoch", "UTC, nanoseconds within the second")
MJD = _c("mjd", "f8", "d", "time.epoch", "Modified Julian Date, UTC")

SKY = (
    _c("ra", "f8", "deg", "pos.eq.ra;meta.main", "Right ascension of the source direction, ICRS"),
    _c("dec", "f8", "deg", "pos.eq.dec;meta.main", "Declination of the source direction, ICRS"),
)
LOCAL = (
    _c(
        "zenith",
        "f8",
        "rad",
        "pos.az.zd",
        "Zenith angle of the direction the particle came from; 0 = from above",
    ),
    _c(
        "azimuth",
        "f8",
        "rad",
        "pos.az.azi",
        "Azimuth of the direction the particle came from, counter-clockwise from x, which is grid east",
    ),
)
DIRECTION = (
    _c("dir_x", "f8", "", "pos.cartesian.x", "Direction of flight, unit vector, x = grid east (ANTARES, KM3NeT: UTM)"),
    _c("dir_y", "f8", "", "pos.cartesian.y", "Direction of flight, unit vector, y = grid north (ANTARES, KM3NeT: UTM)"),
    _c("dir_z", "f8", "", "pos.cartesian.z", "Direction of flight, unit vector, z = up"),
)
POSITION = (
    _c("pos_x", "f8", "m", "pos.cartesian.x", "Position on the track or of the vertex, detector frame, x"),
    _c("pos_y", "f8", "m", "pos.cartesian.y", "Position on the track or of the vertex, detector frame, y"),
    _c("pos_z", "f8", "m", "pos.cartesian.z", "Position on the track or of the vertex, detector frame, z"),
)
ANGULAR_ERROR = _c(
    "angular_error",
    "f8",
    "deg",
    "stat.error;pos.angDistance",
    "Estimated error of the reconstructed direction",
)
ENERGY = _c("energy", "f8", "GeV", "phys.energy", "Reconstructed energy")
QUALITY = _c(
    "quality",
    "f8",
    "",
    "stat.fit.goodness",
    "Quality of the fit named in reco; its meaning depends on the fit",
)
N_HITS = _c("n_hits", "i8", "", "meta.number", "Hits used by the fit; without a fit the number of hits the source has")
N_LINES = _c("n_lines", "i8", "", "meta.number", "Detector lines with hits used by the fit")
RECO = _c(
    "reco",
    "S16",
    "",
    "meta.code",
    "The fit this row shows, see /reco; none without one. Meaning of quality: Lambda, higher is better (aafit, "
    "public_ps); chi2-like, lower is better (bbfit_track, bbfit_bright, bbfit); likelihood-like, as the source has it "
    "(gridfit, dusj, tantra, jgandalf, jshower, aashower and all others)",
)
WEIGHTS = (
    _c(
        "weight_w1",
        "f8",
        "m3",
        "stat.weight",
        "Generation weight w1: generation volume, as the source has it",
    ),
    _c(
        "weight_w2",
        "f8",
        "GeV.m2.sr.s/yr",
        "stat.weight",
        "Generation weight w2: free of a flux, as the source has it",
    ),
    _c(
        "weight_w3",
        "f8",
        "yr**-1",
        "stat.weight",
        "Generation weight w3: with the generator's flux, as the source has it",
    ),
)

_TRUTH = "Truth of the first neutrino, else of the primary, else of the most energetic muon: "

TRUTH = (
    _c("mc_energy", "f8", "GeV", "phys.energy", _TRUTH + "energy"),
    _c("mc_pdgid", "i8", "", "meta.code", _TRUTH + "PDG code of the particle; -1 unknown"),
    _c("mc_zenith", "f8", "rad", "pos.az.zd", _TRUTH + "zenith angle the particle came from"),
    _c(
        "mc_azimuth",
        "f8",
        "rad",
        "pos.az.azi",
        _TRUTH + "azimuth the particle came from, counter-clockwise from x, which is grid east",
    ),
    _c(
        "mc_is_cc",
        "i8",
        "",
        "meta.code",
        _TRUTH + "1 charged current, 0 neutral current, -1 unknown",
    ),
    _c("mc_bjorken_y", "f8", "", "phys", _TRUTH + "Bjorken y"),
)

EVENTS = (
    *IDENTITY,
    *NATURAL_KEY,
    TRIGGER_MASK,
    TIMESTAMP,
    NANOSECONDS,
    MJD,
    *SKY,
    *LOCAL,
    *DIRECTION,
    *POSITION,
    ANGULAR_ERROR,
    ENERGY,
    QUALITY,
    N_HITS,
    N_LINES,
    RECO,
    *TRUTH,
    *WEIGHTS,
)

EVENT_INFO = (
    GROUP_ID,
    _c("source_event_id", "i8", "", "meta.id", "The source's own number of the event, unique or not"),
    RUN_ID,
    _c("det_id", "i8", "", "meta.id;instr", "Detector identifier of the source"),
    FRAME_INDEX,
    TRIGGER_COUNTER,
    TRIGGER_MASK,
    _c("overlays", "i8", "", "meta.number", "Number of triggers merged into the event"),
    TIMESTAMP,
    NANOSECONDS,
    _c(
        "source_t_sec",
        "i8",
        "s",
        "time",
        "The source's own time field, seconds, as found; often a placeholder in simulations",
    ),
    _c("source_t_nanosec", "i8", "ns", "time", "The source's own time field, nanoseconds, as found"),
    _c("mc_run_id", "i8", "", "meta.id", "Run number of the simulation"),
    _c("mc_id", "i8", "", "meta.id", "Number of the event in the simulation, as found"),
    _c("mc_time", "f8", "ns", "time", "Time of the simulated event in the run, as found"),
    *WEIGHTS,
    _c("weight_w4", "f8", "", "stat.weight", "Weight number 4, as the source has it"),
)

MC_TRACKS = (
    GROUP_ID,
    _c("origin", "S20", "", "meta.code", "Tag or branch of the source that the row comes from"),
    _c("id", "i8", "", "meta.id", "Number of the track in the event, as the source has it"),
    _c("pdgid", "i8", "", "meta.code", "PDG code; -1 where the source's code has none"),
    _c("source_code", "i8", "", "meta.code", "Particle code as the source has it (GEANT3, CORSIKA or PDG)"),
    *POSITION,
    *DIRECTION,
    _c("energy", "f8", "GeV", "phys.energy", "Energy"),
    _c("time", "f8", "ns", "time", "Time relative to the event, as the source has it"),
    _c("length", "f8", "m", "phys.size", "Track length"),
    _c("energy_lost_in_can", "f8", "GeV", "phys.energy", "Energy lost in the can"),
    _c("bx", "f8", "", "phys", "Bjorken x (neutrino only)"),
    _c("by", "f8", "", "phys", "Bjorken y (neutrino only)"),
    _c("ichan", "i8", "", "meta.code", "Scattering type or channel (neutrino only), as the source has it"),
    _c("cc", "i8", "", "meta.code", "Interaction type (neutrino only): 2 charged current, 3 neutral current"),
    _c("is_charm", "i8", "", "meta.code", "Mark of charm origin, as the source has it"),
    _c("mother_id", "i8", "", "meta.id", "Mother: code or number, as the source has it"),
    _c("grandmother_id", "i8", "", "meta.id", "Grandmother: code, as the source has it"),
    _c("status", "i8", "", "meta.code", "Status of the track, as the source has it"),
)

HITS_MET = (
    _c(
        "n_hit_lines",
        "i8",
        "",
        "meta.number",
        "Number of hits in the source; the hits themselves are not kept",
    ),
    _c(
        "total_hits",
        "i8",
        "",
        "meta.number",
        "Number of hits as the source declares it; may be 0 beside thousands",
    ),
)


def registered() -> tuple[ColumnSpec, ...]:
    """Return every column of the registry, repeated ones once."""
    unique: dict[ColumnSpec, None] = dict.fromkeys((*EVENTS, *EVENT_INFO, *MC_TRACKS, *HITS_MET))
    return tuple(unique)
