"""What happened to the rows of one file, counted: nothing is lost silently."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dbdump.marine.flags import MEANINGS
from dbdump.marine.times import iso


@dataclass(slots=True)
class VariableCounts:
    """Values of one variable: all, those that are missing, those outside of the range, and all by their flag."""

    values: int = 0
    missing: int = 0
    out_of_range: int = 0
    flags: dict[int, int] = field(default_factory=lambda: dict.fromkeys(MEANINGS, 0))

    def add(self, flags: Any) -> None:
        """Count the flags of some values."""
        for flag, number in zip(*np.unique(flags, return_counts=True), strict=True):
            self.flags[int(flag)] += int(number)
        self.values += int(np.size(flags))


@dataclass(slots=True)
class FileCounts:
    """One file.

    Parameters
    ----------
    rows
        Rows of the table that belong to it.
    identical
        Rows dropped because an equal one is kept.
    contradicting
        Rows dropped because an earlier one of the same time says something else.
    times
        Times written.
    filled_times
        Times among them that no row has: gaps filled.
    absent_cells
        Cells of profiles that no row has.
    first, last
        Microseconds since 1970; None before any.
    gaps
        Starts and ends of the first gaps that are longer than three intervals, microseconds since 1970.
    gap_count
        Number of all such gaps.
    longest_step
        Between two times that rows have, microseconds.
    variables
        By their names in the file.
    """

    rows: int = 0
    identical: int = 0
    contradicting: int = 0
    times: int = 0
    filled_times: int = 0
    absent_cells: int = 0
    first: int | None = None
    last: int | None = None
    gaps: list[tuple[int, int]] = field(default_factory=list)
    gap_count: int = 0
    longest_step: int = 0
    variables: dict[str, VariableCounts] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Return the counts as JSON has them."""
        return {
            "rows": self.rows,
            "identical_rows_dropped": self.identical,
            "contradicting_rows_dropped": self.contradicting,
            "times": self.times,
            "times_filled_in": self.filled_times,
            "cells_without_row": self.absent_cells,
            "first": None if self.first is None else iso(self.first),
            "last": None if self.last is None else iso(self.last),
            "gaps": self.gap_count,
            "longest_step_s": self.longest_step / 1e6,
            "variables": {
                name: {
                    "values": each.values,
                    "missing": each.missing,
                    "out_of_range": each.out_of_range,
                    "flags": {str(flag): number for flag, number in each.flags.items() if number},
                }
                for name, each in self.variables.items()
            },
        }
