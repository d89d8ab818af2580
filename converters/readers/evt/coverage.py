"""What became of each tag of an `.evt` file, in words."""

from converters.readers.evt.decode import Tally
from converters.readers.evt.grammar import (
    EVENT_TAGS,
    MAX_FIT_VALUES,
    MC_INFO_TABLE,
    MC_TRACK_LAYOUTS,
    MC_TRACKS_WITH_EXTRA,
    TRACK_FIT_TABLE,
)
from converters.source import CoverageRow

_HIT_NOTE = "hits are counted, not kept: level 3 has none"


def coverage_rows(tally: Tally, header_lines: int, placeholders: int) -> tuple[CoverageRow, ...]:
    """Describe every tag that was met.

    Parameters
    ----------
    tally
        What was met.
    header_lines
        Number of lines in the header.
    placeholders
        Number of ``eventtime`` lines that hold no time.

    Returns
    -------
    tuple of CoverageRow
        Sorted by field.
    """
    rows = [CoverageRow("header", header_lines, "/raw_header", "every line")]
    for tag, count in tally.lines.items():
        rows.extend(_tag_rows(tag, count, tally))
    if placeholders:
        note = "no time: placeholder or uninitialised memory; missing in timestamp and nanoseconds"
        rows.append(CoverageRow("eventtime without a time", placeholders, "", note))
    for title, counter, note in (
        ("undecoded", tally.undecoded, "lines that fit no known layout: not decoded"),
        ("unreadable", tally.unreadable, "values that are no numbers: missing"),
        ("repeated", tally.repeated, "further lines in one event, where only the first is kept"),
        ("outside", tally.outside, "lines outside of events: not decoded"),
    ):
        rows.extend(CoverageRow(f"{tag or 'no tag'}, {title}", n, "", note) for tag, n in counter.items() if n)
    return tuple(sorted(rows, key=lambda row: row.field))


def _tag_rows(tag: str, count: int, tally: Tally) -> list[CoverageRow]:
    if tag in ("hit", "hit_raw"):
        return [CoverageRow(tag, count, "/mc_info.n_hit_lines", _HIT_NOTE)]
    if tag == "start_event":
        return [
            CoverageRow("start_event[0]", count, "/event_info.source_event_id"),
            CoverageRow("start_event[1]", count, "/mc_info.event_type"),
        ]
    if tag == "end_event":
        return [CoverageRow(tag, count, "", "structure of the file")]
    if tag == "target":
        return [CoverageRow(tag, count, f"{MC_INFO_TABLE.path}.target", "text as found")]
    if tag == "":
        return [CoverageRow("lines without a tag", count, "", "not decoded")]
    if tag == "track_fit":
        note = "an open list of numbers: no public source says their meaning"
        return [CoverageRow(tag, count, TRACK_FIT_TABLE.path, note), *_lost_fit_values(tally)]
    if tag in MC_TRACK_LAYOUTS or tag in EVENT_TAGS:
        return _value_rows(tag, tally)
    return [CoverageRow(tag, count, "", "unknown tag: counted, not decoded")]


def _lost_fit_values(tally: Tally) -> list[CoverageRow]:
    lost = sum(
        (count - MAX_FIT_VALUES) * lines
        for (tag, count), lines in tally.layouts.items()
        if tag == "track_fit" and count > MAX_FIT_VALUES
    )
    note = f"values beyond number {MAX_FIT_VALUES - 1} of a line: not kept"
    return [CoverageRow("track_fit, long lines", lost, "", note)] if lost else []


def _value_rows(tag: str, tally: Tally) -> list[CoverageRow]:
    """One row for each value of the tag, whichever layouts were met."""
    met: dict[tuple[int, str], int] = {}
    for (name, count), lines in tally.layouts.items():
        if name != tag:
            continue
        for position, column in enumerate(_columns(tag, count)):
            met[position, column] = met.get((position, column), 0) + lines
    return [
        CoverageRow(f"{tag}[{position}]", lines, _destination(tag, column))
        for (position, column), lines in sorted(met.items())
    ]


def _columns(tag: str, count: int) -> tuple[str, ...]:
    if tag in EVENT_TAGS:
        return EVENT_TAGS[tag].columns[:count]
    return next(layout for layout in MC_TRACK_LAYOUTS[tag] if len(layout) == count)


def _destination(tag: str, column: str) -> str:
    if tag in MC_TRACK_LAYOUTS:
        return f"{MC_TRACKS_WITH_EXTRA.path}.{column}"
    if tag == "eventtime":
        return "/event_info.source_t_sec" if column == "source_t_sec" else "/event_info.source_t_nanosec"
    return f"/event_info.{column}" if EVENT_TAGS[tag].in_events else f"{MC_INFO_TABLE.path}.{column}"
