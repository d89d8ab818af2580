"""What it costs to start: ``antares-legacy --help`` beside an interpreter that does nothing."""

import sys
from pathlib import Path

from benchmarks.measure import Case

GROUP = "startup"


def cases() -> list[Case]:
    """Return the cases of this group."""
    program = str(Path(sys.executable).parent / "antares-legacy")
    return [
        Case(f"{GROUP}/help", GROUP, "`antares-legacy --help`", (program, "--help")),
        Case(f"{GROUP}/python", GROUP, "`python -c pass`", (sys.executable, "-c", "pass")),
        Case(f"{GROUP}/typer", GROUP, "`python -c 'import typer'`", (sys.executable, "-c", "import typer")),
    ]
