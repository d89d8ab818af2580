"""Apptainer (and SingularityCE, its sibling with the same command line): command lines, and the engine that runs them.

The options are those of Apptainer 1.2 and later.
"""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from containers.definition import parse_definition, read_definition
from containers.engine.contract import Bind, BuildJob, EngineFacts, Finished, Say
from containers.engine.network import network_binds
from containers.engine.process import Start, attached, collect, stream
from containers.engine.scratch import own_scratch_folder, scratch_folder
from containers.engine.space import Space
from containers.workplace import Workplace
from legacy.errors import MachineError, UsageError, printable


class Entrance(Protocol):
    """How a start of Apptainer is surrounded."""

    @property
    def keeps_network_off(self) -> bool:
        """Whether `space` can take the network away; otherwise Apptainer is asked to."""
        ...

    @property
    def packing(self) -> tuple[str, ...]:
        """Options of ``apptainer build`` for the compression of images."""
        ...

    def environment(self) -> dict[str, str]:
        """Return the environment of Apptainer itself."""
        ...

    def space(self, folders: tuple[Path, ...], *, network: bool = True) -> Space:
        """Return the namespaces of a start that sees `folders`."""
        ...


class Apptainer:
    """The engine.

    Parameters
    ----------
    facts
        What it is.
    program
        Its name on the PATH of the entrance's environment, or its path.
    entrance
        How it is started.
    place
        Folders for scratch files.
    """

    def __init__(self, facts: EngineFacts, program: str, entrance: Entrance, place: Workplace) -> None:
        self._facts = facts
        self._program = program
        self._entrance = entrance
        self._place = place

    @property
    def facts(self) -> EngineFacts:
        """What engine this is."""
        return self._facts

    def build(self, job: BuildJob, say: Say) -> Finished:
        """Make an image; a failing %post or %test gives an exit code other than 0."""
        with scratch_folder(self._place.builds) as scratch:
            network = network_binds(scratch) if _is_local(job) else ()
            given = {bind.inside for bind in job.binds}
            binds = (*(bind for bind in network if bind.inside not in given), *job.binds)
            folders = (job.context, job.definition.parent, job.target.parent, scratch)
            options = (*build_options(job, binds), *(() if job.sandbox else self._entrance.packing))
            command = (self._program, "build", *options, str(job.target), str(job.definition))
            return stream(self._start(command, job.context, scratch, (*folders, *_links(job.context)), binds), say)

    def test(self, image: Path, app: str, binds: Sequence[Bind], say: Say, *, network: bool = False) -> Finished:
        """Run %test, or %apptest of `app`."""
        with scratch_folder(self._place.builds) as scratch:
            options = self._options(scratch, app, binds, network=network)
            command = (self._program, "--quiet", "test", *options, str(image))
            return stream(self._start(command, scratch, scratch, (image,), binds, network=network), say)

    def run(
        self,
        image: Path,
        app: str,
        arguments: Sequence[str],
        binds: Sequence[Bind],
        folder: Path,
        environment: Mapping[str, str],
    ) -> Finished:
        """Run an app with stdin, stdout and stderr of this process."""
        with own_scratch_folder() as scratch:
            seen = (Bind(folder, str(folder), writable=True), *binds)
            options = (*self._options(scratch, app, seen, network=True), "--pwd", str(folder))
            command = (self._program, "--quiet", "run", *options, str(image), *arguments)
            start = self._start(command, folder, scratch, (image, folder), seen)
            inside = {f"{prefix}ENV_{name}": value for name, value in environment.items() for prefix in _PREFIXES}
            return attached(Start(start.command, start.folder, {**start.environment, **inside}, start.space))

    def _options(self, scratch: Path, app: str, binds: Sequence[Bind], *, network: bool) -> tuple[str, ...]:
        (scratch / "own").mkdir()
        # With --contain, /tmp and the home directory are folders of their own below --workdir.
        options = ["--cleanenv", "--contain", "--workdir", str(scratch / "own"), *mount_options(binds)]
        if app:
            options += ["--app", app]
        if not network and not self._entrance.keeps_network_off:
            options += ["--net", "--network", "none"]
        return tuple(options)

    def _start(
        self,
        command: tuple[str, ...],
        folder: Path,
        scratch: Path,
        folders: tuple[Path, ...],
        binds: Sequence[Bind],
        *,
        network: bool = True,
    ) -> Start:
        for bind in binds:
            if not bind.host.exists():
                raise UsageError(f"{printable(str(bind.host))} is to be seen inside and does not exist")
        environment = self._entrance.environment()
        if not network:  # a proxy cannot be reached, and programs would ask it also for what is on this machine
            environment = {name: value for name, value in environment.items() if not name.lower().endswith("_proxy")}
        environment["TMPDIR"] = str(scratch)
        cache = self._place.work / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        for prefix in _PREFIXES:
            environment[f"{prefix}_TMPDIR"] = str(scratch)
            environment.setdefault(f"{prefix}_CACHEDIR", str(cache))
        seen = (*folders, cache, scratch, *(bind.host for bind in binds))
        return Start(command, str(folder), environment, self._entrance.space(seen, network=network))


_PREFIXES = ("APPTAINER", "SINGULARITY")


def build_options(job: BuildJob, binds: Sequence[Bind]) -> tuple[str, ...]:
    """Return the options of ``apptainer build``; an ordinary user gets ``--fakeroot``."""
    options = ["--force"]  # what a killed build left under the temporary name
    if job.sandbox:
        options.append("--sandbox")
    if not job.test:
        options.append("--notest")
    if os.geteuid() != 0:
        options.append("--fakeroot")
    for name, value in job.arguments.items():
        options += ["--build-arg", f"{name}={value}"]
    return (*options, *mount_options(binds))


def mount_options(binds: Sequence[Bind]) -> tuple[str, ...]:
    """Return ``--mount`` options: unlike ``--bind`` they can name a path with ``:`` or ``,`` in it."""
    return tuple(option for bind in binds for option in ("--mount", _mount(bind)))


def _mount(bind: Bind) -> str:
    if any(character in f"{bind.host}{bind.inside}" for character in "\n\r\0"):
        raise UsageError(f"{printable(str(bind.host))}: a path with a line break cannot be shown in an image")
    line = io.StringIO()
    fields = ["type=bind", f"source={bind.host}", f"destination={bind.inside}"]
    csv.writer(line, lineterminator="").writerow([*fields, *([] if bind.writable else ["ro"])])
    return line.getvalue()


def _is_local(job: BuildJob) -> bool:
    """Tell whether an image is built on one of ours: a foreign one lacks the places of our binds."""
    definition = read_definition(job.definition)
    filled = parse_definition(definition.filled(job.arguments), job.definition)
    return filled.header.get("bootstrap", "") == "localimage"


def _links(context: Path) -> tuple[Path, ...]:
    """Return where links in the folder of the build lead, such as to the base."""
    return tuple(path.resolve() for path in context.iterdir() if path.is_symlink() and path.exists())


def version_of(program: str, entrance: Entrance) -> tuple[str, str]:
    """Return name and version that a program says, such as ``("apptainer", "1.4.5")``.

    Raises
    ------
    MachineError
        It does not run, or is too old to take ``--build-arg``.
    """
    environment, space = entrance.environment(), entrance.space(())
    code, said = collect(Start((program, "--version"), "/", environment, space))
    name, _, version = said.splitlines()[-1].partition(" version ") if said else ("", "", "")
    if code != 0 or not version:
        raise MachineError(f"{program} does not run: {said or f'exit code {code}'}")
    if "--build-arg" not in collect(Start((program, "build", "--help"), "/", environment, space))[1]:
        raise MachineError(f"{program} is version {version}, which has no build arguments; Apptainer 1.2 or later has")
    return name.removesuffix("-ce"), version
