"""What the name of an ANTARES file says: run, kind, channel, version of the production; and the year of a run.

The patterns and the table are in `names.yaml`; a site adds its own in the section ``names`` of its configuration.
Names are the weakest witness: what a file says inside wins over them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from legacy.config import Config
from legacy.errors import MetadataError, printable

OWN_NAMES = Path(__file__).with_name("names.yaml")
_GROUPS = frozenset({"run", "kind", "channel", "production_version"})
_KINDS = frozenset({"", "data", "mc"})
_LONGEST = 4096
"""Characters of a path that are looked at: no file system has longer ones."""
_MOST_DIGITS = 18
"""Of a run number; ANTARES' have five. Larger ones do not fit into eight bytes."""


@dataclass(frozen=True, slots=True)
class NamePattern:
    """One pattern of the section ``names``.

    Parameters
    ----------
    name
        What such files are.
    pattern
        A regular expression with the groups ``run``, ``kind``, ``channel`` or ``production_version``.
    kind
        ``data`` or ``mc`` for all files that match, ``""`` where the pattern does not decide it.
    """

    name: str
    pattern: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class NameSettings:
    """The section ``names`` of the configuration file.

    Parameters
    ----------
    files
        Patterns of base names; they are tried before those of this program.
    folders
        Patterns of folders, tried likewise.
    channels
        Names of channels in files, and the names that manifests use for them.
    """

    files: tuple[NamePattern, ...] = ()
    folders: tuple[NamePattern, ...] = ()
    channels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class YearOfRuns:
    """The runs of one year.

    Parameters
    ----------
    year
        The year of the runs' start.
    first_run, last_run
        Both belong to it; `last_run` is None where the last one is not known.
    livetime_days
        Livetime of one selection of data, in days of 86400 s.
    """

    year: int
    first_run: int
    livetime_days: float
    last_run: int | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """What a path says.

    Parameters
    ----------
    known
        The base name matches a pattern.
    pattern
        Name of that pattern, ``""`` without one.
    run
        Run number, None if the name has none.
    year
        Year of the run, None if the run is not in the table.
    kind, channel, production_version
        As in a manifest, ``""`` where the path does not say.
    """

    known: bool = False
    pattern: str = ""
    run: int | None = None
    year: int | None = None
    kind: str = ""
    channel: str = ""
    production_version: str = ""


@dataclass(frozen=True, slots=True)
class NameRules:
    """Patterns ready for use, and the table of years."""

    files: tuple[tuple[NamePattern, "re.Pattern[str]"], ...]
    folders: tuple[tuple[NamePattern, "re.Pattern[str]"], ...]
    channels: Mapping[str, str]
    years: tuple[YearOfRuns, ...]

    def read(self, path: str | PurePosixPath) -> Named:
        """Say what a path tells; nothing is opened.

        Parameters
        ----------
        path
            With ``/`` between folders; relative paths and URLs do as well.
        """
        text = str(path)[-_LONGEST:]
        folder, _, base = text.rpartition("/")
        found = Named()
        for rule, pattern in self.files:
            match = pattern.fullmatch(base)
            if match and _is_possible(match):
                found = replace(found, known=True, pattern=rule.name, **self._facts(rule, match))
                break
        for rule, pattern in self.folders:
            if matches := list(filter(_is_possible, _everywhere(pattern, f"/{folder}/"))):
                facts = [self._facts(rule, match) for match in matches]
                # The base name is nearer to the file than its folders; folders that contradict each other say nothing.
                agreed = {key: value for key, value in facts[0].items() if all(f.get(key) == value for f in facts)}
                found = replace(found, **{key: value for key, value in agreed.items() if not _says(found, key)})
                break
        return replace(found, year=self.year_of(found.run))

    def year_of(self, run: int | None) -> int | None:
        """Return the year in which a run began, None if it is not in the table."""
        row = next((row for row in self.years if run is not None and _within(run, row)), None)
        return row.year if row else None

    def _facts(self, rule: NamePattern, match: "re.Match[str]") -> dict[str, Any]:
        """Return what a match says, by attribute of `Named`."""
        groups = {key: value for key, value in match.groupdict().items() if value}
        kind = groups.get("kind", rule.kind).lower()
        for group, good in (("run", groups.get("run", "0").isdecimal()), ("kind", kind in _KINDS)):
            if not good:
                shown, name = printable(groups[group]), printable(rule.name)
                raise MetadataError(f"names: the pattern of '{name}' takes '{shown}' for a {group}: correct it")
        channel = groups.get("channel", "")
        facts: dict[str, Any] = {
            "kind": kind,
            "channel": self.channels.get(channel, channel),
            "production_version": groups.get("production_version", ""),
        }
        if "run" in groups:
            facts["run"] = int(groups["run"])
        return {key: value for key, value in facts.items() if value != ""}


def _is_possible(match: "re.Match[str]") -> bool:
    """Say if the run of a match, where it has one, is a number that files and databases can hold."""
    return len((match.groupdict().get("run") or "").lstrip("0")) <= _MOST_DIGITS


def _everywhere(pattern: "re.Pattern[str]", text: str) -> Iterator["re.Match[str]"]:
    """Yield all places that match; the slash after one folder may be that before the next."""
    start = 0
    while match := pattern.search(text, start):
        yield match
        shared = match.end() - 1 if text[match.start() : match.end()].endswith("/") else match.end()
        start = max(shared, match.start() + 1)


def _says(named: Named, key: str) -> bool:
    return getattr(named, key) not in (None, "")


def same_channel(stated: str, name: str) -> bool:
    """Say if the channel of a name is the one that is stated, or that with the decay of its tau.

    Parameters
    ----------
    stated
        Such as ``nutau_CC``.
    name
        Such as ``nutau_CCmu``.
    """
    tau = name.startswith("nutau", name.startswith("a"))
    return stated == name or (tau and name.startswith(stated) and stated.endswith("_CC"))


def _within(run: int, row: YearOfRuns) -> bool:
    return row.first_run <= run and (row.last_run is None or run <= row.last_run)


def name_rules(config: Config | None = None) -> NameRules:
    """Return the patterns of this program, those of the configuration before them.

    Raises
    ------
    MetadataError
        The section ``names`` has an unknown key, or a pattern that is no regular expression or has another group.
    """
    own = _own_rules()
    if config is None or not config.sections.get("names"):
        return own
    given: dict[str, Any] = config.section("names", NameSettings)
    section = NameSettings(**given)
    where = f"{config.path}: names"
    return replace(
        own,
        files=(*_compiled(section.files, f"{where}.files"), *own.files),
        folders=(*_compiled(section.folders, f"{where}.folders"), *own.folders),
        channels={**own.channels, **section.channels},
    )


@cache
def _own_rules() -> NameRules:
    import yaml

    document: dict[str, Any] = yaml.safe_load(OWN_NAMES.read_text(encoding="utf-8"))
    return NameRules(
        files=_compiled(tuple(NamePattern(**row) for row in document["files"]), "names.yaml: files"),
        folders=_compiled(tuple(NamePattern(**row) for row in document["folders"]), "names.yaml: folders"),
        channels=document["channels"],
        years=tuple(YearOfRuns(**row) for row in document["years"]),
    )


def _compiled(rules: tuple[NamePattern, ...], where: str) -> tuple[tuple[NamePattern, "re.Pattern[str]"], ...]:
    made = []
    for rule in rules:
        shown = printable(rule.name)
        try:
            pattern = re.compile(rule.pattern, re.ASCII)
        except re.error as error:
            raise MetadataError(f"{where}: the pattern of '{shown}' is no regular expression: {error}") from error
        if wrong := sorted(set(pattern.groupindex) - _GROUPS):
            raise MetadataError(
                f"{where}: the pattern of '{shown}' has a group '{wrong[0]}'; there are {', '.join(sorted(_GROUPS))}"
            )
        if rule.kind not in _KINDS:
            raise MetadataError(f"{where}: the kind of '{shown}' is '{printable(rule.kind)}'; write data or mc")
        made.append((rule, pattern))
    return tuple(made)
