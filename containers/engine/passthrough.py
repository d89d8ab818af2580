"""Apptainer of the tool root with anybody's arguments: for programs that start ``singularity`` themselves.

Such a program finds this through a script called ``singularity`` on its PATH, see ``docs/workflows.md``.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from containers.engine.contract import Finished
from containers.engine.process import Start, attached
from containers.engine.scratch import own_scratch_folder
from containers.engine.toolroot import ToolRootEntrance, toolroot_engine
from containers.workplace import Workplace

_PREFIXES = ("APPTAINER", "SINGULARITY")
_BETWEEN = re.compile("[=,:]")
_OF_THE_SYSTEM = frozenset({"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "run", "sbin", "sys", "usr"})
"""Folders at the top that the tool root has itself; those of the host must not lie on them."""


def pass_through(arguments: Sequence[str], folder: Path, place: Workplace) -> Finished:
    """Run Apptainer of the tool root with stdin, stdout and stderr of this process.

    Parameters
    ----------
    arguments
        As Apptainer takes them.
    folder
        Working directory, which is seen inside.
    place
        Where the tool root is.

    Raises
    ------
    MachineError
        There is no tool root, or it does not run.
    """
    toolroot_engine(place)
    entrance = ToolRootEntrance(place)
    with own_scratch_folder() as scratch:
        environment = entrance.environment()
        environment |= {name: value for name, value in os.environ.items() if name.startswith(_PREFIXES)}
        environment |= {"TMPDIR": str(scratch), **{f"{prefix}_TMPDIR": str(scratch) for prefix in _PREFIXES}}
        seen = (folder, scratch, *named_paths(arguments))
        return attached(Start(("apptainer", *arguments), str(folder), environment, entrance.space(seen)))


def named_paths(arguments: Sequence[str]) -> tuple[Path, ...]:
    """Return what exists among the absolute paths in arguments, also within ``--mount=type=bind,source=PATH``.

    A relative path lies in the working directory, which is seen anyway. Where a name is a link, what it leads to is
    in the list too.
    """
    found: dict[Path, None] = {}
    for word in (word for argument in arguments for word in (argument, *_BETWEEN.split(argument))):
        path = Path(word)
        if "\0" in word or not path.is_absolute() or len(path.parts) < 2 or path.parts[1] in _OF_THE_SYSTEM:
            continue
        if path.exists():
            found[path] = None
            found[path.resolve()] = None
    return tuple(found)
