"""Checks of finished products: against the data model, and against their originals."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from converters.auxiliary import products as auxiliary
from converters.compare import compare
from converters.model_checks import check_companions, check_model
from converters.views import open_view
from legacy.errors import InputError, printable
from legacy.model import StructuredArray, TableSpec


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `check` found.

    Parameters
    ----------
    file
        The product.
    problems
        One line each; empty if all is well.
    remarks
        Things that are no fault, such as columns that could not be compared.
    events, values_compared
        Number of events and values compared with the source, 0 without one.
    """

    file: str
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    events: int = 0
    values_compared: int = 0

    def to_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return {**asdict(self), "valid": not self.problems}

    def to_text(self) -> str:
        """Return it for people."""
        name = printable(str(self.file))
        if self.problems:
            count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
            return "\n".join([f"{name}: {count}", *(f"  {problem}" for problem in self.problems)])
        lines = [f"{name}: valid"]
        if self.values_compared:
            of_events = f" of {self.events} events" if self.events else ""
            lines[0] += f"; {self.values_compared} values{of_events} equal those of the source"
        return "\n".join(lines + [f"  note: {remark}" for remark in self.remarks])


@dataclass(frozen=True, slots=True)
class _NoTables:
    """A product without events, as the checks of the files beside a product see it."""

    about: Mapping[str, str]
    tables: Mapping[str, TableSpec] = field(default_factory=dict)
    whole: bool = False

    def blocks(self, path: str) -> Iterator[StructuredArray]:
        raise KeyError(path)


def _check_auxiliary(found: auxiliary.AuxiliaryProduct, source: Path | None) -> Verdict:
    path = found.path
    with auxiliary.readable(path):
        inside = tuple(map(printable, auxiliary.problems(found)))
        problems = (*inside, *check_companions(_NoTables({"kid": found.kid}), path))
        if source is None or inside:
            return Verdict(str(path), problems)
        result = auxiliary.compare(found, source)
    return Verdict(str(path), (*problems, *map(printable, result.problems)), result.remarks, 0, result.values)


def check(path: Path, source: Path | None, mapping: Path | None = None) -> Verdict:
    """Check a product.

    Parameters
    ----------
    path
        A level-3 product, HDF5 or CSV, or a product without events.
    source
        Its original, or None.
    mapping
        Where the mapping lies that an AntDST product was made with; None for its name in the current folder.

    Returns
    -------
    Verdict
        What could not be opened is a problem too; nothing is raised for a bad file.

    Raises
    ------
    UsageError
        The mapping is not the one that the product was made with.
    """
    try:
        if (found := auxiliary.find_product(path)) is not None:
            return _check_auxiliary(found, source)
        with open_view(path) as view:
            problems = [*check_model(view), *check_companions(view, path)]
            if source is None or any("is missing" in problem for problem in problems):
                return Verdict(str(path), tuple(problems))
            result = compare(view, source, mapping)
    except InputError as error:
        return Verdict(str(path), (str(error),))
    remarks: tuple[str, ...] = ()
    if result.not_compared:
        remarks = ("not compared, the second reader does not give them: " + ", ".join(sorted(result.not_compared)),)
    return Verdict(str(path), (*problems, *result.problems), remarks, result.events, result.values)
