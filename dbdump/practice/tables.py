"""The tables, views and sequences of the practice database, targets of foreign keys first."""

from dbdump.practice.description import (
    Check,
    ForeignKey,
    Kind,
    PracticeColumn,
    PracticeIndex,
    PracticeTable,
    PracticeView,
    Sequence,
)

ODD_TABLE = "Sensor list / été '09 (50%)"
"""A name that is legal, and that no program should stumble over; Oracle allows no double quotes in names."""


def _id(name: str, comment: str) -> PracticeColumn:
    return PracticeColumn(name, Kind.INTEGER, comment, required=True)


def _number(name: str, digits: int, scale: int, comment: str) -> PracticeColumn:
    return PracticeColumn(name, Kind.DECIMAL, comment, (digits, scale))


_LINE = _id("line_id", "detector line, 1 to 12")
_STOREY = _id("storey", "storey of the line, 1 (lowest) to 25")
_INSTRUMENT = _id("instrument_id", "instrument that measured")
_TIME = PracticeColumn("measured_at", Kind.MOMENT, "time of the measurement, UTC", required=True)
_YEAR = _id("obs_year", "year of measured_at, by which the table would be partitioned")
_QUALITY = PracticeColumn(
    "quality", Kind.INTEGER, "flag of OceanSITES: 1 good, 3 probably bad, 9 missing", required=True
)
_QUALITY_CHECK = "quality IN (1, 2, 3, 4, 9)"
_OF_LINE = ForeignKey(("line_id",), "detector_line", ("line_id",))
_OF_STOREY = ForeignKey(("line_id", "storey"), "storey", ("line_id", "storey"))
_OF_INSTRUMENT = ForeignKey(("instrument_id",), "instrument", ("instrument_id",))
_OF_MODULE = ForeignKey(("om_id",), "optical_module", ("om_id",))

DETECTOR = (
    PracticeTable(
        "detector_line",
        "Lines of the detector and where they are anchored",
        (
            _LINE,
            PracticeColumn("name", Kind.TEXT, "name as the collaboration uses it", (16,), required=True),
            _number("latitude", 9, 6, "degrees north, WGS84"),
            _number("longitude", 9, 6, "degrees east, WGS84"),
            _number("depth_m", 6, 1, "depth of the anchor, m"),
            PracticeColumn("connected", Kind.MOMENT, "first data, UTC", required=True),
            PracticeColumn("disconnected", Kind.MOMENT, "last data, UTC; NULL while in operation"),
        ),
        ("line_id",),
        unique=(("name",),),
        checks=(Check("line_number", "line_id BETWEEN 1 AND 12"),),
    ),
    PracticeTable(
        "storey",
        "Storeys, each with a local control module and three optical modules",
        (_LINE, _STOREY, _number("height_m", 6, 2, "height above the sea floor, m")),
        ("line_id", "storey"),
        foreign_keys=(_OF_LINE,),
        checks=(Check("storey_number", "storey BETWEEN 1 AND 25"),),
    ),
    PracticeTable(
        "optical_module",
        "Optical modules: a photomultiplier of 10 inches in a glass sphere",
        (
            _id("om_id", "number of the module"),
            _LINE,
            _STOREY,
            PracticeColumn("place", Kind.CHAR, "place on the storey: A, B or C", (1,), required=True),
            PracticeColumn("serial", Kind.TEXT, "serial number of the photomultiplier", (16,), required=True),
            PracticeColumn("in_use", Kind.BOOLEAN, "whether it gives data", required=True),
        ),
        ("om_id",),
        unique=(("serial",), ("line_id", "storey", "place")),
        foreign_keys=(_OF_STOREY,),
        checks=(Check("om_place", "place IN ('A', 'B', 'C')"),),
    ),
    PracticeTable(
        "instrument",
        "Instruments of oceanography",
        (
            _INSTRUMENT,
            PracticeColumn("kind", Kind.TEXT, "CTD, ADCP, OXYGEN or SVP", (8,), required=True),
            PracticeColumn("model", Kind.TEXT, "maker and model", (40,)),
            _LINE,
            _number("depth_m", 6, 1, "depth, m"),
        ),
        ("instrument_id",),
        foreign_keys=(_OF_LINE,),
    ),
    PracticeTable(
        "run_info",
        "Runs of the data acquisition",
        (
            _id("run_number", "number of the run"),
            PracticeColumn("setup", Kind.TEXT, "setup of the detector", (60,), required=True),
            PracticeColumn("trigger_mask", Kind.BIGINT, "triggers that were on, one bit each", required=True),
            PracticeColumn("started", Kind.PRECISE, "start of the run, UTC", required=True),
            PracticeColumn("stopped", Kind.PRECISE, "end of the run, UTC", required=True),
            PracticeColumn("livetime_s", Kind.DOUBLE, "time in which data were taken, s"),
            PracticeColumn("events", Kind.BIGINT, "events of all triggers"),
            PracticeColumn("is_physics", Kind.BOOLEAN, "whether the run is for physics", required=True),
            PracticeColumn("remark", Kind.TEXT, "of the shifter", (200,)),
        ),
        ("run_number",),
        checks=(Check("run_times", "stopped > started"),),
        indexes=(PracticeIndex("run_info_started", ("started",)),),
    ),
)

MEASUREMENTS = (
    PracticeTable(
        "om_rate",
        "Counting rates of the optical modules, one row every 15 minutes",
        (
            _id("om_id", "optical module"),
            _TIME,
            _YEAR,
            PracticeColumn("run_number", Kind.INTEGER, "run in which it was measured; NULL between runs"),
            _number("rate_khz", 9, 3, "mean counting rate, kHz"),
            _number("median_khz", 9, 3, "median counting rate, kHz"),
            _number("baseline_khz", 8, 3, "rate without bursts: 40K and steady bioluminescence, kHz"),
            _number("burst_fraction", 6, 5, "share of the time above 1.2 times the baseline, 0 to 1"),
            _QUALITY,
        ),
        ("om_id", "measured_at"),
        foreign_keys=(_OF_MODULE, ForeignKey(("run_number",), "run_info", ("run_number",))),
        checks=(Check("rate_fraction", "burst_fraction BETWEEN 0 AND 1"), Check("rate_quality", _QUALITY_CHECK)),
        indexes=(PracticeIndex("om_rate_time", ("measured_at",)), PracticeIndex("om_rate_year", ("obs_year", "om_id"))),
    ),
    PracticeTable(
        "ctd",
        "Conductivity, temperature and depth, every 5 minutes",
        (
            _INSTRUMENT,
            _TIME,
            _YEAR,
            _number("temperature_degc", 7, 4, "in-situ temperature, degC (ITS-90)"),
            _number("conductivity_s_m", 8, 6, "conductivity, S/m"),
            _number("pressure_dbar", 8, 3, "pressure without that of the air, dbar"),
            _number("salinity_psu", 7, 4, "practical salinity from the three others (PSS-78)"),
            _QUALITY,
        ),
        ("instrument_id", "measured_at"),
        foreign_keys=(_OF_INSTRUMENT,),
        checks=(Check("ctd_quality", _QUALITY_CHECK),),
    ),
    PracticeTable(
        "adcp_profile",
        "Profiles of the acoustic Doppler current profiler, every 30 minutes",
        (
            _id("profile_id", "number of the profile"),
            _INSTRUMENT,
            _TIME,
            _YEAR,
            _number("heading_deg", 5, 2, "heading of the instrument, degrees from north"),
            _number("pitch_deg", 5, 2, "pitch, degrees"),
            _number("roll_deg", 5, 2, "roll, degrees"),
        ),
        ("profile_id",),
        unique=(("instrument_id", "measured_at"),),
        foreign_keys=(_OF_INSTRUMENT,),
    ),
    PracticeTable(
        "adcp_cell",
        "Currents in the depth cells of a profile",
        (
            _id("profile_id", "profile"),
            _id("cell", "number of the cell, 1 is the nearest"),
            _number("depth_m", 6, 1, "depth of the middle of the cell, m"),
            _number("east_cm_s", 6, 2, "current to the east, cm/s"),
            _number("north_cm_s", 6, 2, "current to the north, cm/s"),
            _number("up_cm_s", 6, 2, "current upwards, cm/s"),
            _number("echo_db", 5, 1, "strength of the echo, dB"),
            _QUALITY,
        ),
        ("profile_id", "cell"),
        foreign_keys=(ForeignKey(("profile_id",), "adcp_profile", ("profile_id",)),),
    ),
    PracticeTable(
        "oxygen",
        "Dissolved oxygen, every 30 minutes",
        (
            _INSTRUMENT,
            _TIME,
            _YEAR,
            _number("oxygen_umol_l", 6, 2, "dissolved oxygen, umol/L"),
            _number("temperature_degc", 6, 3, "temperature of the optode, degC"),
            _QUALITY,
        ),
        ("instrument_id", "measured_at"),
        foreign_keys=(_OF_INSTRUMENT,),
    ),
    PracticeTable(
        "sound_velocity",
        "Velocity of sound, every 15 minutes",
        (_INSTRUMENT, _TIME, _YEAR, _number("velocity_m_s", 7, 3, "velocity of sound, m/s"), _QUALITY),
        ("instrument_id", "measured_at"),
        foreign_keys=(_OF_INSTRUMENT,),
    ),
    PracticeTable(
        "compass",
        "Compass and tilt meter of each storey, every 15 minutes",
        (
            _LINE,
            _STOREY,
            _TIME,
            PracticeColumn("heading_deg", Kind.DOUBLE, "heading, degrees from magnetic north"),
            PracticeColumn("pitch_deg", Kind.DOUBLE, "pitch, degrees"),
            PracticeColumn("roll_deg", Kind.DOUBLE, "roll, degrees"),
        ),
        ("line_id", "storey", "measured_at"),
        foreign_keys=(_OF_STOREY,),
    ),
    PracticeTable(
        "positioning",
        "Positions of the storeys from the acoustic system, every 30 minutes",
        (
            _LINE,
            _STOREY,
            _TIME,
            _number("x_m", 8, 3, "east of the anchor, m"),
            _number("y_m", 8, 3, "north of the anchor, m"),
            _number("z_m", 8, 3, "above the sea floor, m"),
        ),
        ("line_id", "storey", "measured_at"),
        foreign_keys=(_OF_STOREY,),
    ),
)

DOCUMENTS = (
    PracticeTable(
        "calibration",
        "Calibration of the optical modules, every 30 days",
        (
            _id("calibration_id", "number of the calibration"),
            _id("om_id", "optical module"),
            PracticeColumn("valid_from", Kind.MOMENT, "first moment for which it holds, UTC", required=True),
            PracticeColumn("gain", Kind.DOUBLE, "gain of the photomultiplier"),
            PracticeColumn("t0_ns", Kind.NUMBER, "offset of its time, ns, with all digits of the fit"),
            PracticeColumn("charge_table", Kind.BLOB, "charge of each channel of the converter, float32, pC"),
        ),
        ("calibration_id",),
        foreign_keys=(_OF_MODULE,),
    ),
    PracticeTable(
        "logbook",
        "What the shifters wrote",
        (
            _id("entry_id", "number of the entry"),
            PracticeColumn("written_at", Kind.PRECISE, "time of the entry, UTC", required=True),
            PracticeColumn("author", Kind.TEXT, "who wrote it", (40,)),
            PracticeColumn("entry", Kind.CLOB, "the text"),
        ),
        ("entry_id",),
    ),
    PracticeTable(
        "alarm",
        "Alarms of the slow control: there were none",
        (_id("alarm_id", "number of the alarm"), _TIME, PracticeColumn("message", Kind.TEXT, "its text", (200,))),
        ("alarm_id",),
    ),
    PracticeTable(
        ODD_TABLE,
        'A table whose name and columns are legal and odd; it\'s 100 % "correct"',
        (
            PracticeColumn("select", Kind.INTEGER, "a word of SQL", required=True),
            PracticeColumn("the 'best' value", Kind.NUMBER, "quotes and blanks; up to 38 digits"),
            PracticeColumn("Größe/mm", Kind.DECIMAL, "letters beyond ASCII, and a slash", (30, 10)),
            PracticeColumn("note", Kind.TEXT, "texts with quotes, line breaks and fishes", (80,)),
        ),
        ("select",),
    ),
)

TABLES = (*DETECTOR, *MEASUREMENTS, *DOCUMENTS)

VIEWS = (
    PracticeView(
        "burst",
        "Quarters of an hour in which bursts took most of the time",
        "SELECT om_id, measured_at, rate_khz, baseline_khz, burst_fraction FROM om_rate WHERE burst_fraction > 0.5",
    ),
    PracticeView(
        "module_summary",
        "Mean and largest rates of each module by year",
        "SELECT m.line_id, m.storey, m.place, r.obs_year, count(*) AS measurements, "
        "avg(r.baseline_khz) AS mean_baseline_khz, max(r.rate_khz) AS largest_rate_khz "
        "FROM om_rate r JOIN optical_module m ON m.om_id = r.om_id "
        "GROUP BY m.line_id, m.storey, m.place, r.obs_year",
    ),
)

SEQUENCES = (Sequence("logbook_entry", 1000), Sequence("run_number", 50000))
