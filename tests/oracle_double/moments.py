"""Times and intervals: the texts in which SQLite keeps them, and Oracle's arithmetic and masks.

A time is kept as ``[-]YYYY-MM-DD[ HH:MM[:SS[.fraction]]][ zone]``, with ``T`` for the blank if you like; the zone is
``Z``, ``+02:00`` or the name of a region. Without one, a TIMESTAMP WITH TIME ZONE is in UTC. Intervals are kept as
``[+-]YY-MM`` and ``[+-]DD HH:MM:SS[.fraction]``. Like Oracle, days before 15 October 1582 are of the Julian calendar.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

_TIME = re.compile(
    r"(-?)(\d{4,5})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?"
    r"\s?(Z|[+-]\d\d:?\d\d|[A-Z]\w+(?:/\w+)*)?"
)
_YEARS_MONTHS = re.compile(r"([+-]?)(\d+)-(\d+)")
_DAYS_SECONDS = re.compile(r"([+-]?)(\d+) (\d+):(\d+):(\d+)(?:\.(\d{1,9}))?")
_GREGORIAN = (1582, 10, 15)
_EPOCH = 2440588
"""Julian day number of 1970-01-01."""
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as Oracle has it: fields on the wall, and the zone they are meant in (``""`` for none)."""

    year: int
    month: int
    day: int
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    zone: str = ""


@dataclass(frozen=True, slots=True)
class DaySeconds:
    """An INTERVAL DAY TO SECOND; all fields have the same sign."""

    days: int
    hours: int
    minutes: int
    seconds: int
    nanoseconds: int


@lru_cache(maxsize=4096)
def parse(text: str) -> Moment | None:
    """Read a time; None for what is none."""
    found = _TIME.fullmatch(text)
    if not found:
        return None
    sign, year, month, day, hour, minute, second, fraction, zone = found.groups()
    return Moment(
        -int(year) if sign else int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "").ljust(9, "0")),
        "+00:00" if zone == "Z" else zone or "",
    )


def text_of(moment: Moment, digits: int = 9) -> str:
    """Return the text in which SQLite keeps a time, with a fraction where there is one."""
    sign = "-" if moment.year < 0 else ""
    text = f"{sign}{abs(moment.year):04}-{moment.month:02}-{moment.day:02}"
    text += f" {moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    if moment.nanosecond and digits:
        text += f".{moment.nanosecond:09}"[: digits + 1].rstrip(".")
    return f"{text} {moment.zone}" if moment.zone else text


def day_number(moment: Moment) -> int:
    """Days since 1970-01-01, by the calendar in force (Meeus, Astronomical Algorithms, chapter 7)."""
    year, month = (moment.year - 1, moment.month + 12) if moment.month <= 2 else (moment.year, moment.month)
    gregorian = (moment.year, moment.month, moment.day) >= _GREGORIAN
    correction = 2 - year // 100 + year // 400 if gregorian else 0
    julian = (1461 * (year + 4716)) // 4 + (306001 * (month + 1)) // 10000 + moment.day + correction - 1524
    return julian - _EPOCH


def of_day_number(number: int) -> tuple[int, int, int]:
    """Return year, month and day of a number of days since 1970-01-01."""
    julian = number + _EPOCH
    if julian >= 2299161:
        century = (4 * julian - 7468865) // 146097
        julian += 1 + century - century // 4
    shifted = julian + 1524
    year = (20 * shifted - 2442) // 7305
    rest = shifted - 1461 * year // 4
    month = rest * 10000 // 306001
    day = rest - 306001 * month // 10000
    month = month - 1 if month < 14 else month - 13
    return (year - 4716 if month > 2 else year - 4715), month, day


def seconds(moment: Moment) -> Fraction:
    """Seconds since 1970-01-01 on the wall that the moment is read from."""
    whole = ((day_number(moment) * 24 + moment.hour) * 60 + moment.minute) * 60 + moment.second
    return whole + Fraction(moment.nanosecond, 10**9)


def of_seconds(value: Fraction, zone: str = "") -> Moment:
    """Return the moment so many seconds after 1970-01-01, to the nanosecond."""
    nanoseconds = round(value * 10**9)
    whole, nanosecond = divmod(nanoseconds, 10**9)
    days, rest = divmod(whole, 86400)
    return Moment(*of_day_number(days), rest // 3600, rest // 60 % 60, rest % 60, nanosecond, zone)


def offset(moment: Moment) -> int:
    """Minutes that the moment's zone is east of UTC, then."""
    zone = moment.zone
    if not zone:
        return 0
    if zone[0] in "+-":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        return -minutes if zone[0] == "-" else minutes
    year = min(max(moment.year, 1), 9998)
    wall = datetime(year, moment.month, moment.day, moment.hour, moment.minute, tzinfo=ZoneInfo(zone))
    return round((wall.utcoffset() or timedelta()).total_seconds() / 60)


def offset_text(minutes: int) -> str:
    """Return minutes east of UTC as ``+02:00``."""
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"


def to_utc(moment: Moment) -> Moment:
    """Return the same instant on a wall in UTC, without zone."""
    minutes = offset(moment)
    return of_seconds(seconds(moment) - minutes * 60) if minutes else replace(moment, zone="")


def now() -> Moment:
    """Return the time now, in UTC."""
    at = datetime.now(UTC)
    return Moment(at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond * 1000, "+00:00")


def parse_months(text: str) -> int:
    """Read an INTERVAL YEAR TO MONTH as months; raises ValueError."""
    found = _YEARS_MONTHS.fullmatch(text.strip())
    if not found:
        raise ValueError(f"no interval of years and months: {text!r}")
    months = int(found[2]) * 12 + int(found[3])
    return -months if found[1] == "-" else months


def parse_days(text: str) -> DaySeconds:
    """Read an INTERVAL DAY TO SECOND; raises ValueError."""
    found = _DAYS_SECONDS.fullmatch(text.strip())
    if not found:
        raise ValueError(f"no interval of days and seconds: {text!r}")
    fields = [*map(int, found.groups()[1:5]), int((found[6] or "").ljust(9, "0"))]
    return DaySeconds(*(-field if found[1] == "-" else field for field in fields))


_ELEMENT = re.compile(
    r'"[^"]*"|FM|SYYYY|YYYY|MONTH|MON|MM|DDD|DD|HH24|HH12|HH|MI|SSSSS|SS|FF\d?|TZH|TZM|TZR|TZD|J|X|[-/,.;: ]|T', re.I
)


def formatted(moment: Moment, mask: str) -> str:
    """Return a time as TO_CHAR writes it; raises ValueError for a mask that the double does not know."""
    parts, position, fill = [], 0, True
    while position < len(mask):
        found = _ELEMENT.match(mask, position)
        if not found:
            raise ValueError(f"a date format that the double does not know: {mask[position:]!r}")
        position = found.end()
        element = found[0].upper()
        if element == "FM":
            fill = not fill
        elif element[0] == '"':
            parts.append(found[0][1:-1])
        else:
            parts.append(_element(moment, element, fill=fill))
    return "".join(parts)


def _element(moment: Moment, name: str, *, fill: bool) -> str:
    fields = {
        "MM": moment.month, "DD": moment.day, "HH24": moment.hour, "MI": moment.minute, "SS": moment.second,
        "HH12": moment.hour % 12 or 12, "HH": moment.hour % 12 or 12,
    }  # fmt: skip
    if name in fields:
        return f"{fields[name]:02}" if fill else str(fields[name])
    if name in ("YYYY", "SYYYY"):
        year = f"{abs(moment.year):04}" if fill else str(abs(moment.year))
        blank = " " if fill else ""
        return (("-" if moment.year < 0 else blank) if name == "SYYYY" else "") + year
    if name.startswith("FF"):
        return f"{moment.nanosecond:09}"[: int(name[2:] or 6)]
    return _rare_element(moment, name)


def _rare_element(moment: Moment, name: str) -> str:
    zone = offset_text(offset(moment))
    match name:
        case "TZH":
            return zone[:3]
        case "TZM":
            return zone[4:]
        case "TZR":
            return moment.zone or "+00:00"
        case "TZD":
            return ""
        case "J":
            return f"{day_number(moment) + _EPOCH:07}"
        case "SSSSS":
            return f"{(moment.hour * 60 + moment.minute) * 60 + moment.second:05}"
        case "MON" | "MONTH":
            return _MONTHS[moment.month - 1]
        case "X":
            return "."
        case _:
            return name


def parsed(text: str, mask: str) -> Moment:
    """Read a time as TO_DATE and TO_TIMESTAMP do; raises ValueError where text and mask do not fit."""
    pattern, names = _pattern(mask)
    found = re.fullmatch(pattern, text.strip(), re.IGNORECASE)
    if not found:
        raise ValueError(f"{text!r} is not of the form {mask!r}")
    at = dict(zip(names, found.groups(), strict=True))
    zone = f"{at['TZH']}:{at.get('TZM', '00')}" if "TZH" in at else at.get("TZR", "")
    return Moment(
        int(at.get("SYYYY", at.get("YYYY", "1970"))),
        int(at.get("MM", "1")),
        int(at.get("DD", "1")),
        int(at.get("HH24", "0")),
        int(at.get("MI", "0")),
        int(at.get("SS", "0")),
        int(at.get("FF", "").ljust(9, "0")),
        zone,
    )


def _pattern(mask: str) -> tuple[str, list[str]]:
    forms = {"SYYYY": r"(-?\d{1,5})", "YYYY": r"(\d{1,5})", "TZH": r"([+-]\d\d)", "TZR": r"(\S+)", "FF": r"(\d{1,9})"}
    pattern, names, position = "", [], 0
    while position < len(mask):
        found = _ELEMENT.match(mask, position)
        if not found:
            raise ValueError(f"a date format that the double does not know: {mask[position:]!r}")
        position, element = found.end(), found[0].upper()
        if element == "FM":
            continue
        name = "FF" if element.startswith("FF") else element
        if name in forms or name in ("MM", "DD", "HH24", "MI", "SS", "TZM"):
            pattern += forms.get(name, r"(\d{1,2})")
            names.append(name)
        else:
            pattern += re.escape(found[0].strip('"')) if element != " " else r"\s*"
    return pattern, names
