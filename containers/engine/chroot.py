"""Chroot emulation: runs the sections of a definition file in a copy of a folder, where no Apptainer can be had.

What it makes is a folder that only this emulation starts. It is never called an image: nothing was packed, and only
what the sections do was tried. Sections that run on the host (%pre, %setup) and several stages are refused.
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from containers.definition import Definition, Section, parse_definition, read_definition
from containers.engine.capabilities import is_root, trouble_with
from containers.engine.contract import Bind, BuildJob, EngineFacts, Finished, Say
from containers.engine.emulated_files import app_name, copy_files, write_inside
from containers.engine.network import network_binds
from containers.engine.process import Start, attached, stream
from containers.engine.scratch import own_scratch_folder, remove_tree, scratch_folder
from containers.engine.space import Root, Shown, Space
from containers.workplace import Workplace
from legacy.errors import InputError, MachineError, UsageError

RECIPE = ".singularity.d/Singularity"
_ENVIRONMENT = ".singularity.d/env/91-environment.sh"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_INSIDE = "/.start"
_OF_THE_HOST = ("/etc/resolv.conf", "/etc/hosts")
_REFUSED = ("pre", "setup")


def chroot_engine(place: Workplace) -> "ChrootEngine":
    """Return the emulation; raises MachineError where it cannot work."""
    if not is_root():
        raise MachineError("chroot emulation has to be root; ask for Apptainer on this machine")
    trouble = trouble_with(Space(apart=True)) and trouble_with(Space(user="identity", apart=True))
    if trouble:
        raise MachineError(f"chroot emulation needs mounts of its own, which this machine refuses: {trouble}")
    return ChrootEngine(place)


@dataclass(frozen=True, slots=True)
class ChrootEngine:
    """The engine of the emulation.

    Parameters
    ----------
    place
        Folders for scratch files.
    """

    place: Workplace

    @property
    def facts(self) -> EngineFacts:
        """What engine this is."""
        return EngineFacts("chroot", "", "emulation", makes_images=False)

    def build(self, job: BuildJob, say: Say) -> Finished:
        """Make a folder out of the base: %files, %appfiles, %post, %appinstall, and %test unless the job says no.

        Raises
        ------
        InputError
            The definition asks for what the emulation cannot do, or names a file outside of the context.
        """
        given = read_definition(job.definition)
        definition = parse_definition(given.filled(job.arguments), job.definition)
        base = _base(definition, job)
        if job.target.exists():
            remove_tree(job.target)
        try:
            finished = self._build(job, definition, base, say)
        except BaseException:
            if job.target.exists():
                remove_tree(job.target)
            raise
        if finished.exit_code != 0:
            remove_tree(job.target)
        return finished

    def _build(self, job: BuildJob, definition: Definition, base: Path, say: Say) -> Finished:
        seconds = 0.0
        copied = stream(Start(("cp", "-a", "--reflink=auto", "--", str(base), str(job.target))), say)
        if copied.exit_code != 0:
            raise MachineError(f"{base} could not be copied to {job.target}; look at the free space there")
        copy_files(definition, job.context, job.target)
        write_inside(job.target, RECIPE, definition.text, 0o644)
        write_inside(job.target, _ENVIRONMENT, "", 0o644)
        with scratch_folder(self.place.builds) as scratch:
            given = {bind.inside for bind in job.binds}
            binds = (*(bind for bind in network_binds(scratch) if bind.inside not in given), *job.binds)
            for section in definition.sections:
                if section.name in {"post", "appinstall"}:
                    say(f"+ %{section.name} {section.app}".rstrip())
                    ended = self._install(job.target, section, binds, say)
                    seconds += ended.seconds
                    if ended.exit_code != 0:
                        return Finished(ended.exit_code, seconds)
        if job.test and definition.section("test"):
            ended = self.test(job.target, "", (), say, network=True)
            return Finished(ended.exit_code, seconds + ended.seconds)
        return Finished(0, copied.seconds + seconds)

    def _install(self, target: Path, section: Section, binds: Sequence[Bind], say: Say) -> Finished:
        script = write_inside(target, ".post.script", section.text, 0o700)
        # Apptainer runs it in the same way: every command is shown, and the first that fails ends it.
        command = (*_interpreter(section, ("/bin/sh", "-ex")), "/.post.script")
        shown = [Shown(str(bind.host), bind.inside, bind.writable) for bind in binds]
        shown += [Shown(os.path.realpath(name), name) for name in _OF_THE_HOST if (target / name[1:]).is_file()]
        root = Root(str(target), layered=False, binds=tuple(shown))
        environment = {"PATH": _PATH, "HOME": "/root", "LC_ALL": "C", "APPTAINER_ROOTFS": "/"}
        environment |= {f"{name}_ENVIRONMENT": f"/{_ENVIRONMENT}" for name in ("APPTAINER", "SINGULARITY")}
        environment |= _app_variables(section.app)
        folder = f"/scif/apps/{section.app}" if section.app else "/"
        try:
            return stream(Start(command, folder, environment, _space(root, network=True)), say)
        finally:
            script.unlink(missing_ok=True)

    def test(self, image: Path, app: str, binds: Sequence[Bind], say: Say, *, network: bool = False) -> Finished:
        """Run %test, or %apptest of `app`; the folder cannot be changed by it."""
        definition = _stored(image)
        section = definition.section("apptest" if app else "test", app)
        if section is None:
            raise UsageError(f"{image} has no test" + (f" of an app '{app}'" if app else ""))
        with scratch_folder(self.place.builds) as scratch:
            return stream(self._start(image, definition, section, scratch, binds, {}, network=network), say)

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
        definition = _stored(image)
        section = definition.section("apprun" if app else "runscript", app)
        if section is None:
            raise UsageError(f"{image} has no app '{app}'; it has: {', '.join(definition.apps) or 'none'}")
        seen = (Bind(folder, str(folder), writable=True), *binds)
        with own_scratch_folder() as scratch:
            start = self._start(image, definition, section, scratch, seen, environment, network=True)
            return attached(Start((*start.command, *arguments), str(folder), start.environment, start.space))

    def _start(
        self,
        image: Path,
        definition: Definition,
        section: Section,
        scratch: Path,
        binds: Sequence[Bind],
        environment: Mapping[str, str],
        *,
        network: bool,
    ) -> Start:
        for name in ("tmp", "home"):
            (scratch / name).mkdir(mode=0o1777)
        (scratch / "script").write_text(section.text, encoding="utf-8")
        (scratch / "start").write_text(_environment_script(image, definition, section), encoding="utf-8")
        shown = [
            Shown(str(scratch / "tmp"), "/tmp", writable=True),  # noqa: S108  inside, where nobody else is
            Shown(str(scratch / "tmp"), "/var/tmp", writable=True),  # noqa: S108
            Shown(str(scratch / "home"), "/root", writable=True),
            *(Shown(str(scratch / name), f"{_INSIDE}/{name}") for name in ("script", "start")),
            *(Shown(str(bind.host), bind.inside, bind.writable) for bind in binds),
        ]
        if network:
            shown += [Shown(os.path.realpath(name), name) for name in _OF_THE_HOST]
        inner = {"PATH": _PATH, "HOME": "/root", **_app_variables(section.app), **environment}
        command = ("/bin/sh", f"{_INSIDE}/start", *_interpreter(section, ("/bin/sh",)), f"{_INSIDE}/script")
        return Start(command, "/", inner, _space(Root(str(image), binds=tuple(shown)), network=network))


def _space(root: Root, *, network: bool) -> Space:
    """Prefer a user namespace: root inside can then make no device and change no clock."""
    user = "" if trouble_with(Space(user="identity", apart=True)) else "identity"
    return Space(user, apart=True, network=network, root=root)


def _base(definition: Definition, job: BuildJob) -> Path:
    for name in _REFUSED:
        section = definition.section(name)
        if section:
            where = f"line {section.line}"
            raise InputError(job.definition, f"has a section %{name}, which runs on the host", where=where)
    if definition.header.get("bootstrap") != "localimage":
        found = definition.header.get("bootstrap", "")
        raise InputError(job.definition, "cannot be emulated", expected="Bootstrap: localimage", found=found)
    base = (job.context / definition.header.get("from", "")).resolve()
    if not (base / "proc").is_dir():
        raise InputError(
            job.definition,
            f"is to be built on {base}, which is no operating system folder",
            advice="build the base with the same engine first",
        )
    return base


def _stored(image: Path) -> Definition:
    recipe = image / RECIPE
    if not image.is_dir() or recipe.is_symlink() or not recipe.is_file():
        raise InputError(
            image, "was not made by chroot emulation", advice="use the engine that built it, or build it again"
        )
    return read_definition(recipe)


def _interpreter(section: Section, usual: tuple[str, ...]) -> tuple[str, ...]:
    words = shlex.split(section.options)
    return tuple(words[1:]) if words[:1] == ["-c"] and len(words) > 1 else usual


def _app_variables(app: str) -> dict[str, str]:
    if not app:
        return {}
    root = f"/scif/apps/{app_name(app)}"
    return {"SCIF_APPNAME": app, "SCIF_APPROOT": root, "SCIF_APPBIN": f"{root}/bin", "PATH": f"{root}/bin:{_PATH}"}


def _environment_script(image: Path, definition: Definition, section: Section) -> str:
    """Return a script that sets what %environment, %post and %appenv say, then starts its arguments."""
    texts = [definition.section("environment"), definition.section("appenv", section.app) if section.app else None]
    added = image / _ENVIRONMENT
    lines = [text.text for text in texts if text]
    if added.is_file() and not added.is_symlink():
        lines.insert(1 if texts[0] else 0, added.read_text(encoding="utf-8"))
    return "\n".join([*lines, 'exec "$@"', ""])
