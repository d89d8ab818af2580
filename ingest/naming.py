"""What the names of files add to their metadata, and a count of those that say nothing or something else."""

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.discovery import Found
from ingest.item import Scalar
from ingest.products import format_of
from legacy.errors import printable
from legacy.names import NameRules, same_channel

_COMPARED = ("run", "kind", "channel", "production_version")


def _agree(key: str, stated: Scalar, name: Scalar) -> bool:
    return stated == name or (key == "channel" and same_channel(str(stated), str(name)))


@dataclass(slots=True)
class NameTally:
    """Counts files whose run is in neither name nor statement, and those whose name contradicts what is stated."""

    unknown: int = 0
    first_unknown: str = ""
    contrary: int = 0
    first_contrary: str = ""

    def facts(
        self, rules: NameRules, found: Found, stated: Mapping[str, Scalar], detector: Scalar | None = None
    ) -> dict[str, Scalar]:
        """Return what a name says; `stated` wins over it, and is where a year comes from first.

        Parameters
        ----------
        rules
            The patterns.
        found
            The file.
        stated
            What manifest, product or sidecar state about it.
        detector
            Detector of files that do not state it.
        """
        named = rules.read(found.location)
        if not named.known and "run" not in stated and not format_of(found.basename):
            self.unknown += 1
            self.first_unknown = self.first_unknown or found.location
        facts: dict[str, Scalar] = {
            key: value for key in _COMPARED if (value := getattr(named, key)) is not None and value != ""
        }
        for key in _COMPARED:
            if key in facts and key in stated and not _agree(key, stated[key], facts[key]):
                self.contrary += 1
                self.first_contrary = (
                    self.first_contrary or f"{found.location}: {key} {stated[key]} is stated, {facts[key]} in its name"
                )
        # Only runs of ANTARES are in the table: a statement says that it is one, or else a name of its own.
        detector = stated.get("detector", detector)
        ours = named.known if detector is None else detector == "antares"
        run = stated.get("run", facts.get("run"))
        year = rules.year_of(run) if ours and isinstance(run, int) else None
        if year is not None and not {"start", "start_epoch", "year"} & set(stated):
            facts["year"] = year
        return facts

    def remarks(self) -> list[str]:
        """Say how many names are unknown, and how many contradict what is stated."""
        said = []
        if self.unknown:
            count = "1 file has a name" if self.unknown == 1 else f"{self.unknown} files have names"
            said.append(
                f"{count} that no pattern knows, and no run is stated (first: {printable(self.first_unknown)}); "
                "patterns can be added in the section 'names' of the configuration file"
            )
        if self.contrary:
            count = "1 name contradicts" if self.contrary == 1 else f"{self.contrary} names contradict"
            said.append(
                f"{count} what is stated about the file, which was believed (first: {printable(self.first_contrary)})"
            )
        return said
