"""What a verification found: for programs as a dictionary, for people as lines."""

from dataclasses import asdict, dataclass
from typing import Any

from legacy.errors import printable

_LONGEST = 120
"""Characters of a value in a sentence."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same in the source and in the image.

    Parameters
    ----------
    table, column
        Where; `column` is ``""`` for the table as a whole.
    fact
        What differs: ``rows``, ``nulls``, ``low``, ``high``, ``total``, ``special``, ``digest``, ``value``, or
        ``table`` for one that cannot be read.
    source, image
        What each says.
    where
        Row and key values, for ``value``.
    hint
        What it may mean, or the next step.
    """

    table: str
    column: str
    fact: str
    source: str
    image: str
    where: str = ""
    hint: str = ""

    def sentence(self) -> str:
        """Return the difference as one line for people."""
        place = f"{self.table}, column {self.column}" if self.column else self.table
        place += f", {self.where}" if self.where else ""
        what = f"{self.fact}: source {shortened(self.source)}, image {shortened(self.image)}"
        return printable(f"{place}: {what}" + (f"; {self.hint}" if self.hint else ""))


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a file of the image.

    Parameters
    ----------
    path
        Relative to the image.
    problem
        What is wrong.
    advice
        The next step.
    """

    path: str
    problem: str
    advice: str = ""

    def sentence(self) -> str:
        """Return the fault as one line for people."""
        return printable(f"{self.path}: {self.problem}" + (f"; {self.advice}" if self.advice else ""))


@dataclass(frozen=True, slots=True)
class TableReport:
    """What was found about one table.

    Parameters
    ----------
    table
        Schema and name.
    rows, columns
        Of the image.
    source_rows
        Of the source; None where it was not asked.
    values
        Values that were read again and compared one by one, 0 below level 3.
    differences, faults
        What is wrong; empty for a good table.
    notes
        What was not compared, and why.
    dumped
        Whether the table is in the image at all.
    """

    table: str
    rows: int
    columns: int
    source_rows: int | None = None
    values: int = 0
    differences: tuple[Difference, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    dumped: bool = True

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.differences or self.faults)

    def line(self) -> str:
        """Return the state of the table as one line for people."""
        if not self.dumped:
            return printable(f"{self.table}: not in the image")
        size = f"{_count(self.rows, 'row')}, {_count(self.columns, 'column')}"
        size += f", {self.values:,} values read again" if self.values else ""
        wrong = len(self.differences) + len(self.faults)
        state = "same" if self.source_rows is not None else "good"
        if wrong:
            state = _count(wrong, "difference" if self.differences else "fault")
        return printable(f"{self.table}: {state} ({size})")


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a verification.

    Parameters
    ----------
    image, image_id
        Folder as the user gave it, and identifier.
    level
        ``0`` to ``3``, or ``offline``.
    source
        The server that the image was compared with; ``""`` offline.
    snapshot
        How the source was seen: ``scn``, ``readonly`` or ``none``; ``""`` offline.
    tables
        One for each table that was looked at.
    faults
        What is wrong with files that belong to no table.
    files, size
        How many files were read for their checksum, and their bytes.
    notes
        What was not looked at.
    """

    image: str
    image_id: str
    level: str
    source: str = ""
    snapshot: str = ""
    tables: tuple[TableReport, ...] = ()
    faults: tuple[Fault, ...] = ()
    files: int = 0
    size: int = 0
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether anything is wrong with the image, or differs from the source."""
        return bool(self.faults) or any(table.failed for table in self.tables)

    def to_dict(self) -> dict[str, Any]:
        """Return the report for JSON."""
        plain = asdict(self)
        for table, report in zip(plain["tables"], self.tables, strict=True):
            table["failed"] = report.failed
        return {**plain, "failed": self.failed}

    def to_text(self) -> list[str]:
        """Return the report as lines for people: tables, what is wrong, notes, and the result."""
        lines = [table.line() for table in self.tables]
        for table in self.tables:
            lines += [f"  {difference.sentence()}" for difference in table.differences]
            lines += [f"  {fault.sentence()}" for fault in table.faults]
        lines += [f"  {fault.sentence()}" for fault in self.faults]
        notes = [note for table in self.tables for note in table.notes] + list(self.notes)
        lines += [printable(f"note: {note}") for note in notes]
        return [*lines, self._result()]

    def _result(self) -> str:
        offline = self.level == "offline"
        checked = "against its own manifest" if offline else f"level {self.level} against {self.source}"
        if self.files:
            checked += f", {_count(self.files, 'file')}, {self.size:,} bytes"
        bad = sum(table.failed for table in self.tables)
        found = []
        if bad:
            found.append(f"{_count(bad, 'table')} {'damaged' if offline else 'not the same'}")
        if self.faults:
            found.append(f"{_count(len(self.faults), 'other fault' if bad else 'fault')}")
        state = ", ".join(found) or "nothing wrong"
        missing = sum(not table.dumped for table in self.tables)
        if offline and missing:  # with a source, they are differences
            state += f", but {_count(missing, 'table')} not in the image"
        return printable(f"{self.image}: {state} ({_count(len(self.tables), 'table')}, {checked})")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def shortened(text: str) -> str:
    """Return a text that fits in a sentence."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"
