"""Apptainer or Singularity that is installed on the host."""

import os
import re
import shutil
from pathlib import Path

from containers.engine.apptainer import Apptainer, Entrance, version_of
from containers.engine.capabilities import is_root, own_space, trouble_with
from containers.engine.contract import EngineFacts
from containers.engine.space import Space
from containers.workplace import Workplace
from legacy.errors import MachineError

SEE_DOCTOR = "; see: antares-legacy containers doctor"
_PASSED = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TMPDIR|TERM|XDG_\w+|DBUS_SESSION_BUS_ADDRESS|SOURCE_DATE_EPOCH"
    r"|(http|https|ftp|all|no)_proxy|(HTTP|HTTPS|FTP|ALL|NO)_PROXY|SSL_CERT_(FILE|DIR)|(APPTAINER|SINGULARITY)_\w+"
)


class HostEntrance(Entrance):
    """Starts a program of the host where it is; root lacking a capability gets it in a user namespace."""

    @property
    def keeps_network_off(self) -> bool:
        """Only root can make a network namespace without more ado."""
        return self.space(()).apart

    @property
    def packing(self) -> tuple[str, ...]:
        """The usual one: the host's squashfs tools may know no other."""
        return ()

    def environment(self) -> dict[str, str]:
        """Return what Apptainer itself needs: it passes all of its environment on to %post."""
        return {name: value for name, value in os.environ.items() if _PASSED.fullmatch(name)}

    def space(self, folders: tuple[Path, ...], *, network: bool = True) -> Space:  # noqa: ARG002
        """Return the namespaces; all folders of the host are seen."""
        own = own_space(network=network)
        if not is_root() or trouble_with(own):
            return Space()
        return own


def host_engine(program: str, place: Workplace) -> Apptainer:
    """Return the engine of the host called `program`.

    Raises
    ------
    MachineError
        It is not on the PATH, does not run, or is too old.
    """
    path = shutil.which(program)
    if not path:
        raise MachineError(f"{program} is not on the PATH{SEE_DOCTOR}")
    entrance = HostEntrance()
    name, version = version_of(path, entrance)
    # Apptainer installs a link with the other name.
    facts = EngineFacts("apptainer" if "apptainer" in name else "singularity", version, "host", makes_images=True)
    return Apptainer(facts, path, entrance, place)
