"""What the lint has to say."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a recipe.

    Parameters
    ----------
    path
        The file.
    line
        Number of the line, from 1; 0 when the whole file is meant.
    rule
        Name of the rule, such as ``pinned-base``.
    message
        What is wrong, and what to do.
    """

    path: Path
    line: int
    rule: str
    message: str
