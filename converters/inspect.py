"""What `inspect` says about a file."""

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from converters.detect import RECOGNISED, Detected, detect, family_of
from converters.layout import NO_FITS, RECO_PREFIX
from converters.registry import load_auxiliary, load_reader
from converters.source import CoverageRow, EventFile, ReadOptions
from converters.terminal import wrapped
from legacy.errors import InputError, NotConvertibleError, printable

_LONGEST_LIST = 40


@dataclass(frozen=True, slots=True)
class Description:
    """What a file is.

    Parameters
    ----------
    format
        Name of the format.
    summary
        One sentence.
    convertible
        If `convert` takes it.
    advice
        Which way exists when it does not.
    facts
        Short facts: programs, detector, runs, number of events.
    tables
        Tables, trees or tags, with a few words on each.
    header
        The source's own header, line by line.
    problem
        What is wrong with the file, ``""`` if nothing.
    """

    format: str
    summary: str
    convertible: bool
    advice: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    problem: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return all of it for JSON."""
        return asdict(self)

    def to_text(self, path: Path, width: int | None = None) -> str:
        """Return it for people, in lines of at most `width` columns."""
        lines = [f"{path}: {self.summary}", f"  format: {self.format}"]
        lines += [f"  {name}: {value}" for name, value in self.facts.items() if value not in ("", None)]
        if self.tables:
            lines.append("  contents:")
            lines += _shortened([f"    {name}: {text}" for name, text in self.tables.items()])
        if self.header:
            lines.append("  header:")
            lines += _shortened([f"    {line}" for line in self.header])
        if self.problem:
            lines.append(f"  problem: {self.problem}")
        if self.advice:
            lines.append(f"  next: {self.advice}")
        return "\n".join(wrapped(printable(line), width, " " * 6) for line in lines)


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= _LONGEST_LIST:
        return lines
    return [*lines[:_LONGEST_LIST], f"    ... and {len(lines) - _LONGEST_LIST} more (--json shows all)"]


def describe(path: Path, mapping: tuple[str, str] | None = None) -> Description:
    """Find out what a file is.

    Parameters
    ----------
    path
        Any file.
    mapping
        Mapping of AntDST files, as `converters.readers.antdst.mapping.choose` gives it; None for the program's own.

    Raises
    ------
    InputError
        It cannot be read, is empty, or is of no known format.
    """
    detected = detect(path)
    if detected.convertible:
        return _describe_events(path, detected, mapping)
    if detected.auxiliary:
        return _describe_auxiliary(path, detected)
    return _describe_recognised(path, detected)


def _describe_recognised(path: Path, detected: Detected) -> Description:
    known = RECOGNISED[detected.format]
    return Description(
        format=detected.format,
        summary=known.summary,
        convertible=False,
        advice=known.advice,
        facts=_plain_facts(path, detected),
        tables=_contents(path, detected.format),
    )


def _describe_auxiliary(path: Path, detected: Detected) -> Description:
    format_ = load_auxiliary(detected.format)
    survey = format_.survey(path)
    first, *others = format_.products
    instead = f"   (or {', '.join(others)})" if others else ""
    return Description(
        format=detected.format,
        summary=survey.summary,
        convertible=True,
        advice="" if survey.problem else f"antares-legacy convert {_quoted(path)} -o products --to {first}{instead}",
        facts={**_plain_facts(path, detected), **survey.facts},
        tables=survey.contents,
        problem=survey.problem,
    )


def _quoted(path: Path) -> str:
    """Return a path as it can be typed after a command."""
    return shlex.quote(str(path))


def _plain_facts(path: Path, detected: Detected) -> dict[str, object]:
    facts: dict[str, object] = {"size": f"{path.stat().st_size} bytes"}
    if detected.compressed:
        from converters.readers.i3.stream import compression

        facts["compression"] = compression(path)
    return facts


def _describe_events(path: Path, detected: Detected, mapping: tuple[str, str] | None) -> Description:
    reader = load_reader(detected.format)
    facts = _plain_facts(path, detected)
    try:
        with reader.open(path, ReadOptions(antdst_mapping=mapping)) as file:
            problem = _read_through(file, facts)
            header = tuple(" ".join((f"{line.parameter}:", *line.values)) for line in file.header)
            tables = {row.field: _field(row, detected) for row in file.coverage()}
        if detected.format == "antdst":
            tables |= _class_members(path)
    except InputError as error:
        if isinstance(error, NotConvertibleError) and detected.format in RECOGNISED:
            return _describe_recognised(path, detected)
        header, tables, problem = (), {}, str(error)
    return Description(
        format=detected.format,
        summary=reader.description,
        convertible=True,
        advice=f"antares-legacy convert {_quoted(path)} -o level3{_with(detected, mapping)}" if not problem else "",
        facts=facts,
        tables=tables or _contents(path, detected.format),
        header=header,
        problem=problem,
    )


def _with(detected: Detected, mapping: tuple[str, str] | None) -> str:
    return f" --antdst-mapping {_quoted(Path(mapping[0]))}" if mapping and detected.format == "antdst" else ""


def _field(row: CoverageRow, detected: Detected) -> str:
    """Say what becomes of a field; of the objects of frames also what is noted, which has their size."""
    where = row.destination or row.note
    both = detected.format == "i3" and row.destination and row.note
    return f"{row.count} -> {where}" + (f"; {row.note}" if both else "")


def _read_through(file: EventFile, facts: dict[str, object]) -> str:
    """Count events and runs; return what stopped it, ``""`` if nothing."""
    facts["kind"] = {"mc": "simulation", "data": "real data"}[file.facts.kind]
    facts["programs"] = file.facts.generator
    facts["detector"] = file.facts.detector or (
        f"not named, det_id {file.facts.det_id}" if file.facts.det_id != -1 else "not named"
    )
    events, problem = 0, ""
    runs: Counter[int] = Counter()
    fits: Counter[str] = Counter()
    try:
        for batch in file.batches():
            events += batch.n_events
            if "run_id" in batch.events:
                runs.update(batch.events["run_id"].tolist())
            for table in batch.tables:
                if table.spec.path.startswith(RECO_PREFIX) and table.spec.path not in NO_FITS and len(table.array):
                    fits[table.spec.path.removeprefix(RECO_PREFIX)] += len(table.array)
    except InputError as error:
        problem = str(error)
    facts["events"] = events
    known = sorted(run for run in runs if run >= 0)
    facts["runs"] = ", ".join(map(str, known[:5])) + (f" ... {known[-1]}" if len(known) > 5 else "")
    facts["fits"] = ", ".join(f"{name} ({count})" for name, count in sorted(fits.items()))
    facts["warnings"] = "; ".join(file.warnings())
    return problem


def _contents(path: Path, format_name: str) -> Mapping[str, str]:
    """List what a ROOT or HDF5 file holds, without interpreting it."""
    try:
        with path.open("rb") as stream:
            family = family_of(stream.read(8))
        if family == "root":
            return _object_contents(path) if format_name == "antdst" else _root_contents(path)
        if family == "hdf5":
            return _hdf5_contents(path)
    except InputError as error:
        return {format_name: str(error)}
    return {}


def _object_contents(path: Path) -> dict[str, str]:
    from converters.readers.antdst.members import contents

    return contents(path)


def _class_members(path: Path) -> dict[str, str]:
    from converters.readers.antdst.members import class_members

    return class_members(path)


def _root_contents(path: Path) -> dict[str, str]:
    from converters.readers.rootfile import root_summary

    summary = root_summary(path)
    found = {f"key {key.address}": key.class_name for key in summary.keys if not key.is_tree}
    for tree in summary.trees:
        branches = ", ".join(tree.branches[:8]) + (" ..." if len(tree.branches) > 8 else "")
        found[f"tree {tree.path};{tree.cycle}"] = f"{tree.entries} entries; branches: {branches}"
    found |= {f"class {name}": f"streamer version {version}" for name, version in summary.streamers}
    return found


def _hdf5_contents(path: Path) -> dict[str, str]:
    import h5py

    found: dict[str, str] = {}

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            columns = ", ".join(item.dtype.names or ())
            found[f"/{name}"] = f"shape {item.shape}" + (f"; columns: {columns}" if columns else f" {item.dtype}")

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return found
