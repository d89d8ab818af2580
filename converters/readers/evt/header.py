"""The header of an `.evt` file: its lines, and what they tell."""

import re
from collections.abc import Sequence

from converters.readers.evt.lines import Lines
from converters.readers.evt.numbers import separate
from converters.source import HeaderLine

_PROGRAM_TAGS = ("physics", "generator", "simul")
_NUMERIC_TAGS = frozenset(
    [
        "cut_nu",
        "cut_in",
        "cut_primary",
        "cut_seamuon",
        "can",
        "fixedcan",
        "genvol",
        "coord_origin",
        "translate",
        "norma",
        "livetime",
        "k40",
    ]
)
_ANTARES = re.compile("antares", re.IGNORECASE)


def header_lines(lines: Lines, count: int) -> list[HeaderLine]:
    """Read the first `count` lines; a line without a colon becomes a parameter without values."""
    found = []
    for number in range(count):
        text = lines.line(number).strip()
        if not text:
            continue
        tag, _, rest = text.partition(":")
        values = rest.split()
        if tag in _NUMERIC_TAGS:  # elsewhere a version such as 3.06-281009 would look like two numbers
            values = [part for token in values for part in separate(token)]
        found.append(HeaderLine(tag.strip(), tuple(values)))
    return found


def run_of(header: Sequence[HeaderLine]) -> int:
    """Return the run number of ``start_run``, -1 without one."""
    for line in header:
        if line.parameter == "start_run" and line.values and re.fullmatch(r"\+?\d{1,18}", line.values[0]):
            return int(line.values[0])
    return -1


def generator_of(header: Sequence[HeaderLine]) -> str:
    """Return the programs named in the header with their versions, in order, joined by `` + ``."""
    programs: dict[str, str] = {}
    for line in header:
        if line.parameter in _PROGRAM_TAGS and line.values:
            programs.setdefault(line.values[0], " ".join(line.values[:2]))
    return " + ".join(programs.values())


def names_antares(header: Sequence[HeaderLine]) -> bool:
    """Say if the header names ANTARES as the detector."""
    return any(
        line.parameter in ("detector", "det", "usedetfile") and any(_ANTARES.search(v) for v in line.values)
        for line in header
    )


def code_schemes(header: Sequence[HeaderLine]) -> dict[str, str]:
    """Say which numbering of particles each track tag uses in this file.

    Tracks use GEANT3 codes, neutrinos PDG codes. Corant wrote CORSIKA codes for everything at the sea
    surface until version 4, and PDG codes from version 5 on (seen in samples of 4.2 and 5.1.9).
    """
    corant = next((line for line in header if line.parameter in _PROGRAM_TAGS and line.values[:1] == ("Corant",)), None)
    modern = corant is not None and re.match(r"v?([5-9]|\d\d)", "".join(corant.values[1:2])) is not None
    surface = "pdg" if modern else "corsika"
    return {
        "neutrino": "pdg",
        "track_sealepton": "pdg",
        "track_seamuon": surface,
        "track_seaneutrino": surface,
        "track_primary": surface,
        "center_on_can": surface,
        "track_in": "geant3",
        "track_aux": "geant3",
        "primarylepton": "geant3",
        "track_earthlepton": "geant3",
    }


class Origin:
    """What the latest header says about the events behind it; joined files have several."""

    def __init__(self) -> None:
        self.run = -1
        self.schemes = code_schemes(())
        self.used = False
        """Whether events were met since the latest header line: the next one begins another header."""
        self._lines: list[HeaderLine] = []

    def add(self, found: Sequence[HeaderLine]) -> None:
        """Take in header lines."""
        if self.used:
            self._lines.clear()
        self._lines.extend(found)
        self.used = False
        self.run = run_of(self._lines)
        self.schemes = code_schemes(self._lines)
