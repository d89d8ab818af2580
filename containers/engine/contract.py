"""What an engine is: the contract between `containers.engine` and the rest of the room."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Say = Callable[[str], None]
"""Takes one line of output of a running program, without its line end."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A path of the host that is seen inside.

    Parameters
    ----------
    host, inside
        Absolute paths.
    writable
        The program inside may change it.
    """

    host: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class BuildJob:
    """One image to be made.

    Parameters
    ----------
    definition
        The definition file; relative paths of its ``%files`` are below `context`.
    context
        Folder where the build is started.
    target
        Where the image is written; a name that is not the final one. A folder when `sandbox` is set.
    arguments
        Values of ``{{ NAME }}``.
    binds
        Files and folders that %post sees; their places inside must exist in the base.
    sandbox
        Make a folder instead of a SIF.
    test
        Run %test at the end of the build, as Apptainer does by default.
    """

    definition: Path
    context: Path
    target: Path
    arguments: Mapping[str, str] = field(default_factory=dict)
    binds: tuple[Bind, ...] = ()
    sandbox: bool = False
    test: bool = True


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended.

    Parameters
    ----------
    exit_code
        0 for success; 128 + N when signal N ended it.
    seconds
        Wall time.
    """

    exit_code: int
    seconds: float


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What engine this is.

    Parameters
    ----------
    name
        ``apptainer``, ``singularity`` or ``chroot``.
    version
        As it says itself, ``""`` for ``chroot``.
    where
        ``host``, ``tool root`` or ``emulation``.
    makes_images
        False for the emulation: what it makes is a folder and never called an image.
    """

    name: str
    version: str
    where: str
    makes_images: bool


class Engine(Protocol):
    """Builds and starts images. Output of the programs goes line by line to `say`."""

    @property
    def facts(self) -> EngineFacts:
        """What engine this is."""
        ...

    def build(self, job: BuildJob, say: Say) -> Finished:
        """Make an image; a failing %post or %test gives an exit code other than 0."""
        ...

    def test(self, image: Path, app: str, binds: Sequence[Bind], say: Say, *, network: bool = False) -> Finished:
        """Run %test, or %apptest of `app` when it is not ``""``; without network unless `network` is set."""
        ...

    def run(
        self,
        image: Path,
        app: str,
        arguments: Sequence[str],
        binds: Sequence[Bind],
        folder: Path,
        environment: Mapping[str, str],
    ) -> Finished:
        """Run an app (``""``: the runscript) with stdin, stdout and stderr of this process.

        `folder` is a folder of the host that is bound at the same path and is the working directory;
        `environment` is what the program sees beside the image's own variables.
        """
        ...
