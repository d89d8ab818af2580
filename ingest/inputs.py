"""From the arguments of `ingest` to items: every file with its name, its metadata and what is stated about it.

Items are made one by one and none is kept, so the memory does not grow with the number of files.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from ingest.derived import with_derived
from ingest.discovery import Found, Passed, check_arguments, find_files
from ingest.item import Item, Scalar
from ingest.naming import NameTally
from ingest.products import format_of, product_values
from ingest.rules import name_problem
from ingest.schemas import Schema, load_schema
from ingest.scratch import SeenNames, scratch_table
from ingest.settings import Settings, name_template, set_template
from ingest.sidecars import Sidecars, open_sidecars
from ingest.stated import Stated, combined, sort_out
from ingest.templates import Template
from legacy.errors import InputError, printable

Say = Callable[[str], None]
_SHOWN_KEYS = 20


def _silent(text: str) -> None:
    """Say nothing."""


def read_inputs(
    paths: Sequence[str],
    settings: Settings,
    say: Say = _silent,
    *,
    leave_out: Collection[str] = frozenset(),
    about_names: bool = True,
) -> Iterator[Item]:
    """Find all files and what is known about them.

    Parameters
    ----------
    paths
        Files, folders, manifests (``*.jsonl``), ``@list.txt``, ``root://`` URLs (folders end with ``/``).
    settings
        Names, schema, sidecars and default metadata.
    say
        Told, when the last item has been given out, what was passed over or left out.
    leave_out
        Absolute paths of files in the folders that belong to this run itself, such as its journal.
    about_names
        Whether `say` is told of names that no pattern knows, or that contradict what is stated.

    Returns
    -------
    iterator of Item
        In the order of the arguments, sorted within folders. A file that must be refused has its `problem`
        set; whether a file is there, and is the one that was stated, is not looked at here.

    Raises
    ------
    UsageError
        An argument names nothing. Raised at once; what follows is raised while the items are read.
    InputError
        A manifest, a list or the CSV file cannot be read, or is none.
    MetadataError
        The CSV file has an unknown column.
    MachineError
        There is no room for temporary data.
    """
    check_arguments(paths)
    schema = load_schema(settings.schema)
    return _items(paths, settings, schema, say, leave_out, about_names=about_names)


def _items(
    paths: Sequence[str],
    settings: Settings,
    schema: Schema,
    say: Say,
    leave_out: Collection[str],
    *,
    about_names: bool,
) -> Iterator[Item]:
    passed = Passed()
    with ExitStack() as stack:
        sidecars = stack.enter_context(open_sidecars(settings, schema))
        seen = SeenNames(stack.enter_context(scratch_table(SeenNames.TABLE)))
        sets = tuple(set_template(text, schema) for text in (settings.dataset, *settings.containers) if text)
        maker = _Maker(settings, schema, name_template(settings, schema), sets, sidecars)
        if settings.sidecar_csv is not None:
            leave_out = {*leave_out, str(settings.sidecar_csv)}
        found_files = stack.enter_context(closing(find_files(paths, settings.sidecar_suffix, passed, leave_out)))
        for found in found_files:
            if seen.add(f"/{found.location}", found.location):  # no name begins with a slash
                passed.add("files named twice", found.location)
                continue
            item = maker.make(found)
            if item.problem:
                yield item
                continue
            earlier = seen.add(item.name, item.location)
            yield item if not earlier else _repeated(item, earlier)
        named = maker.remarks_about_names() if about_names else []
        for remark in (*passed.remarks(), *maker.remarks(), *named, *sidecars.remarks()):
            say(remark)


def _repeated(item: Item, earlier: str) -> Item:
    problem = (
        f"{printable(item.location)} has the name {item.name}, as has {printable(earlier)}; a name is one file in "
        "Rucio: choose a template that tells them apart, such as {path} or {production_version}.{basename}"
    )
    return replace(item, problem=problem)


@dataclass(slots=True)
class _Maker:
    """Makes items of the files found."""

    settings: Settings
    schema: Schema
    template: Template
    sets: tuple[Template, ...]
    sidecars: Sidecars
    _unknown: dict[str, str] = field(default_factory=dict)
    _named: NameTally = field(default_factory=NameTally)

    def make(self, found: Found) -> Item:
        """Gather all that is stated about a file, and name it."""
        stated = self._stated(found) if not found.problem else Stated(problems=(found.problem,))
        values, problems = self._complete(stated, found)
        name = self._name(values, found)
        problems = [*stated.problems, *problems]
        if not found.problem and (problem := name_problem(name, allow_slash=self.settings.allow_slash)):
            problems.append(problem)
        problems += self._set_problems(values)
        if not _is_utf8(found.location):
            problems.append("its name, or that of a folder, is no UTF-8; rename it")
        text = printable("; ".join(problems)) if problems else ""
        mtime_ns = found.line.get("mtime_ns", 0) if found.line else 0
        return Item(
            location=found.location,
            name=name,
            metadata=values,
            stated=stated.sums,
            stated_ns=stated.sums_ns,
            stated_mtime_ns=mtime_ns if type(mtime_ns) is int else 0,
            origin=found.origin,
            problem=text,
        )

    def remarks_about_names(self) -> list[str]:
        """Say how many names tell nothing, or something else than what is stated."""
        return self._named.remarks()

    def remarks(self) -> list[str]:
        """Say which keys of manifests were left out."""
        if not self._unknown:
            return []
        names = sorted(self._unknown)
        shown = ", ".join(printable(name)[:80] for name in names[:_SHOWN_KEYS])
        more = f" and {len(names) - _SHOWN_KEYS} more" if len(names) > _SHOWN_KEYS else ""
        where = next(iter(self._unknown.values()))
        return [f"left out, because schema {self.schema.name} does not have them: {shown}{more} (first in {where})"]

    def _stated(self, found: Found) -> Stated:
        """Return what manifest or product state, and what a sidecar adds or corrects."""
        if found.line is not None:
            line = {key: value for key, value in found.line.items() if key not in ("path", "mtime_ns")}
            stated = sort_out(line, self.schema, "manifest", found.line_ns)
            for key in stated.unknown:
                if len(self._unknown) < 1000:  # a manifest can have any number of wrong keys
                    self._unknown.setdefault(key, found.origin)
            stated = replace(stated, problems=tuple(f"{found.origin}: {text}" for text in stated.problems))
        else:
            stated = self._of_product(found)
        beside = self.sidecars.find(found.location, found.basename)
        return stated if beside is None else combined(stated, beside)

    def _of_product(self, found: Found) -> Stated:
        if not format_of(found.basename) or not found.local:
            return Stated()
        try:
            raw = product_values(Path(found.location))
        except InputError as error:
            return Stated(problems=(str(error),))
        # Keys that a site's schema does not have are left out: no user stated them.
        return replace(sort_out(raw, self.schema, ""), unknown=())

    def _complete(self, stated: Stated, found: Found) -> tuple[Mapping[str, Scalar], list[str]]:
        """Add defaults and what follows, and ask the schema."""
        values = {**self.settings.metadata, **stated.values}
        detector = self.settings.metadata.get("detector")
        of_name = self._named.facts(self.settings.names, found, stated.values, detector)
        values |= {
            key: value for key, value in of_name.items() if key in self.schema.types and key not in stated.values
        }
        given: dict[str, Scalar] = {"format": format_of(found.basename), "schema": self.schema.name}
        for key, value in given.items():
            if key in self.schema.types and value and key not in values:
                values[key] = value
        complete, contradictions = with_derived(values)
        kept = {key: value for key, value in complete.items() if key in values or key in self.schema.types}
        return kept, self.schema.check(kept) or contradictions

    def _set_problems(self, values: Mapping[str, Scalar]) -> Iterator[str]:
        """Say which names of its dataset and containers are impossible."""
        for template in self.sets:
            name = template.render({**values, "scope": self.settings.scope})
            if problem := name_problem(name, allow_slash=self.settings.allow_slash):
                yield f"dataset or container: {problem}"

    def _name(self, values: Mapping[str, Scalar], found: Found) -> str:
        path = found.path if self.settings.allow_slash else found.path.replace("/", ".")
        stem, dot, _ = found.basename.rpartition(".")
        file = {
            "basename": found.basename,
            "stem": stem if dot and stem else found.basename,
            "path": path,
            "scope": self.settings.scope,
        }
        return self.template.render({**values, **file})


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
