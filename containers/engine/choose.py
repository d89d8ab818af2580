"""Chooses the engine: what the user asked for, else the first that works."""

import os

from containers.engine.chroot import chroot_engine
from containers.engine.contract import Engine, Say
from containers.engine.host import SEE_DOCTOR, host_engine
from containers.engine.toolroot import toolroot_engine
from containers.workplace import Workplace
from legacy.errors import MachineError, UsageError, nearest

ENGINE_VARIABLE = "ANTARES_LEGACY_ENGINE"
ENGINES = ("apptainer", "singularity", "toolroot", "chroot")


def choose_engine(place: Workplace, wanted: str | None, say: Say | None = None) -> Engine:
    """Return the engine to work with.

    Parameters
    ----------
    place
        Where the tool root is.
    wanted
        One of `ENGINES`; None takes what the environment variable ``ANTARES_LEGACY_ENGINE`` says, else Apptainer of
        the host, Singularity of the host, the tool root if it was made, chroot emulation.
    say
        Told why no engine that makes images was taken, when nobody asked for the emulation.

    Raises
    ------
    UsageError
        There is no engine of that name.
    MachineError
        The wanted engine, or every one, cannot work here; says why and what to do.
    """
    name = wanted or os.environ.get(ENGINE_VARIABLE)
    if name is not None and name not in ENGINES:
        raise UsageError(f"unknown engine '{name}'; {nearest(name, list(ENGINES))}")
    if name is not None:
        return _engine(name, place)
    problems = []
    for candidate in ENGINES:
        try:
            engine = _engine(candidate, place)
        except MachineError as error:
            problems.append(str(error).removesuffix(SEE_DOCTOR))
            continue
        if say and not engine.facts.makes_images:
            say("; ".join(problems))
        return engine
    raise MachineError(f"no engine works here: {'; '.join(problems)}{SEE_DOCTOR}")


def _engine(name: str, place: Workplace) -> Engine:
    if name == "toolroot":
        return toolroot_engine(place)
    if name == "chroot":
        return chroot_engine(place)
    return host_engine(name, place)
