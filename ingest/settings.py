"""The settings of an ingest: section ``ingest`` of the configuration file, and options, which win.

Everything that can be checked without a server is checked here, before any work.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NoReturn

from ingest.derived import with_derived
from ingest.item import Scalar
from ingest.plan import COLUMNS
from ingest.rules import name_problem, rse_problem, scope_problem
from ingest.schemas import DEFAULT_SCHEMA, MEASURED, Schema, load_schema
from ingest.storage.pfn import PfnRule
from ingest.templates import FILE_FIELDS, SET_FIELDS, Template, TemplateError, parse_template
from legacy.config import Config
from legacy.errors import MetadataError, UsageError, nearest, printable
from legacy.names import NameRules, name_rules

Mode = Literal["register", "copy"]

_RANGES: Mapping[str, tuple[float, float, str]] = {
    "chunk": (1, 1000, "Rucio takes 1000 files a call, with SQLite 500"),
    "dataset_files": (1, 80_000, "Rucio answers with errors for datasets of 80000 files and more"),
    "patience": (0, 604_800, "seconds, a week at most"),
    "jobs": (1, 256, "threads that read files"),
}
_SIDECAR_ENDINGS = (".json", ".yaml", ".yml")
_SUFFIX = re.compile(r"\.[A-Za-z0-9._-]+")
_OWN_KEYS = frozenset({"schema", *MEASURED})


@dataclass(frozen=True, slots=True)
class Settings:
    """How files go into Rucio. docs/configuration.md describes every key.

    Parameters
    ----------
    scope
        Scope of all DIDs.
    rse
        The RSE that holds the files, or gets them; ``""`` for commands that need none.
    mode
        ``register``: the files stay where they are; ``copy``: the RSE gets a copy.
    name
        Template of the names of files.
    allow_slash
        If names may have ``/``; without it, ``{path}`` has ``.`` in its place.
    dataset
        Template of the names of datasets; ``""`` for none, and no containers either.
    containers
        Templates of the names of containers: the first holds the dataset, each next one holds the one before.
    dataset_files
        Largest number of files in a dataset.
    rules
        RSE expressions; each dataset gets a rule for one copy at each.
    sidecar
        Suffix of the sidecar files, or the path of a CSV file, or ``""``.
    schema
        Name or path of the metadata schema.
    columns
        Columns of Rucio that repeat metadata for other tools: ``run_number``, ``events``.
    chunk
        Files in one call to Rucio.
    patience
        Longest wait for a server that is away, s.
    pfn
        How local paths and URLs of the storage correspond.
    sha256
        If SHA-256 is computed beside Adler-32 and MD5.
    rehash
        If files are read although their checksums are known.
    jobs
        Threads that read files.
    metadata
        Keys and values for files that do not state these keys themselves.
    names
        What the names of files say; made from the section ``names`` of the configuration file.
    """

    scope: str = "antares"
    rse: str = ""
    mode: Mode = "register"
    name: str = "{basename}"
    allow_slash: bool = False
    dataset: str = "antares.{kind}.level{level}.{year}.run{run:06d}"
    containers: tuple[str, ...] = ("antares.{kind}.level{level}.{year}", "antares.{kind}")
    dataset_files: int = 10_000
    rules: tuple[str, ...] = ()
    sidecar: str = ""
    schema: str = DEFAULT_SCHEMA
    columns: tuple[str, ...] = tuple(COLUMNS)
    chunk: int = 500
    patience: float = 600.0
    pfn: tuple[PfnRule, ...] = ()
    sha256: bool = True
    rehash: bool = False
    jobs: int = 2
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    names: NameRules = field(default_factory=name_rules, metadata={"setting": False})

    @property
    def sidecar_suffix(self) -> str:
        """Suffix of the sidecar files, ``""`` when there are none."""
        return "" if self.sidecar.endswith(".csv") else self.sidecar

    @property
    def sidecar_csv(self) -> Path | None:
        """The CSV file with metadata, None when there is none."""
        return Path(self.sidecar) if self.sidecar.endswith(".csv") else None


def name_template(settings: Settings, schema: Schema) -> Template:
    """Return the template of the names of files; raises `TemplateError`."""
    return parse_template(settings.name, schema.types, FILE_FIELDS)


def set_template(text: str, schema: Schema) -> Template:
    """Return the template of the names of datasets or containers; raises `TemplateError`."""
    return parse_template(text, schema.types, SET_FIELDS)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where the settings came from, so that a message names the place to correct."""

    config: Config
    options: Collection[str]

    def fail(self, key: str, problem: str) -> NoReturn:
        if key in self.options or self.config.path is None:
            raise UsageError(problem if problem.startswith("no ") else f"{key.replace('_', '-')}: {problem}")
        raise MetadataError(f"{self.config.path}: ingest.{key}: {problem}")


def settings_from(
    config: Config, options: Mapping[str, object], *, needs: Collection[str] = ("scope", "rse")
) -> Settings:
    """Put the settings of a run together and check them.

    Parameters
    ----------
    config
        The configuration file.
    options
        What the command line says, by name of the field; None means that an option was not given.
    needs
        Which of scope and RSE must be there.

    Raises
    ------
    UsageError
        An option has an impossible value, or scope or RSE are missing.
    MetadataError
        The configuration file has an impossible value or an unknown key.
    """
    given = {key: value for key, value in options.items() if value is not None}
    values = {**_located(config.section("ingest", Settings), config.folder), **_located(given, Path.cwd())}
    settings = Settings(**values, names=name_rules(config))  # type: ignore[arg-type]
    if not settings.dataset:
        settings = replace(settings, containers=())  # they would have nothing to hold
    origin = _Origin(config, given.keys())
    for key, problem in (("scope", scope_problem(settings.scope)), ("rse", rse_problem(settings.rse))):
        if problem and (getattr(settings, key) or key in needs):
            origin.fail(key, problem)
    _check_numbers(settings, origin)
    _check_columns(settings.columns, origin)
    _check_sidecar(settings.sidecar, origin)
    _check_expressions(settings.rules, origin)
    _check_pfn(settings.pfn, origin)
    schema = load_schema(settings.schema)
    _check_templates(settings, schema, origin)
    _check_defaults(settings.metadata, schema, origin)
    return settings


def _located(values: Mapping[str, object], folder: Path) -> dict[str, object]:
    """Make the paths among the settings absolute: those of a file are relative to the file."""
    located = dict(values)
    for key, ending in (("schema", ".json"), ("sidecar", ".csv")):
        text = located.get(key)
        if isinstance(text, str) and text.endswith(ending) and text != ending:
            located[key] = str(folder / text)
    return located


def _check_numbers(settings: Settings, origin: _Origin) -> None:
    for key, (low, high, why) in _RANGES.items():
        value = getattr(settings, key)
        if not low <= value <= high:
            origin.fail(key, f"{value} is not within {low:g} and {high:g} ({why}); choose another number")
    if settings.mode not in ("register", "copy"):
        origin.fail("mode", f"'{printable(settings.mode)}'; expected register or copy")


def _check_columns(columns: tuple[str, ...], origin: _Origin) -> None:
    for column in columns:
        if column not in COLUMNS:
            origin.fail("columns", f"'{printable(column)}' cannot be filled; {nearest(column, list(COLUMNS))}")


def _check_sidecar(sidecar: str, origin: _Origin) -> None:
    if not sidecar:
        return
    if sidecar.endswith(".csv") and "/" in sidecar:
        if not Path(sidecar).is_file():
            origin.fail("sidecar", f"{printable(sidecar)}: no such file; give the path of a CSV file, or a suffix")
    elif not (_SUFFIX.fullmatch(sidecar) and sidecar.endswith(_SIDECAR_ENDINGS)):
        endings = ", ".join(_SIDECAR_ENDINGS)
        origin.fail(
            "sidecar",
            f"'{printable(sidecar)}' is neither the path of a .csv file nor a suffix such as .meta.json "
            f"(it ends in {endings})",
        )


def _check_expressions(rules: tuple[str, ...], origin: _Origin) -> None:
    for expression in rules:
        if not expression.strip() or not expression.isprintable() or len(expression) > 3000:
            origin.fail("rules", f"'{printable(expression)[:60]}' is no RSE expression; write one such as type=DISK")
    if len(set(rules)) < len(rules):
        origin.fail("rules", "an RSE expression is given twice; give each once, it makes one copy")


def _check_pfn(rules: tuple[PfnRule, ...], origin: _Origin) -> None:
    for rule in rules:
        if not rule.local.startswith("/") or ".." in rule.local.split("/"):
            origin.fail("pfn", f"local '{printable(rule.local)}' is no absolute path without '..'; correct it")
        if not re.match(r"[a-z][a-z0-9+.-]*://[^/]", rule.url) or ".." in rule.url.split("/"):
            origin.fail("pfn", f"url '{printable(rule.url)}' is no URL such as root://door.example:1094//hpss/antares")


def _check_templates(settings: Settings, schema: Schema, origin: _Origin) -> None:
    name = _template("name", settings.name, schema, FILE_FIELDS, origin)
    if not name.fields:
        origin.fail(
            "name", f"'{printable(settings.name)}' has no field, so all files would have one name; add {{stem}}"
        )
    # Whatever the files are: the text between the fields must be fit for a name.
    problem = name_problem(name.render(dict.fromkeys(FILE_FIELDS, "ab")), allow_slash=settings.allow_slash)
    if problem:
        origin.fail("name", problem)
    if not settings.dataset:
        return
    sets = (("dataset", settings.dataset), *(("containers", text) for text in settings.containers))
    for key, text in sets:
        rendered = _template(key, text, schema, SET_FIELDS, origin).render({"scope": "ab"})
        if problem := name_problem(rendered, allow_slash=settings.allow_slash):
            origin.fail(key, problem)
    if len({text for _, text in sets}) < len(sets):
        origin.fail("containers", "two templates are equal; dataset and containers need names of their own")


def _template(key: str, text: str, schema: Schema, file_fields: Collection[str], origin: _Origin) -> Template:
    try:
        return parse_template(text, schema.types, file_fields)
    except TemplateError as error:
        origin.fail(key, str(error))


def _check_defaults(metadata: Mapping[str, Scalar], schema: Schema, origin: _Origin) -> None:
    own = sorted(_OWN_KEYS & set(metadata))
    if own:
        origin.fail("metadata", f"'{own[0]}' is set by ingest itself; take it out")
    normal = schema.normal(metadata)
    problems = schema.check(normal, complete=False) or with_derived(normal)[1]
    if problems:
        origin.fail("metadata", "; ".join(problems))
