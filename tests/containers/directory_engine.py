"""A small engine for tests: it really runs every script of a definition, in a folder instead of a container.

What the scripts know as ``$ROOT`` is the root of the image. A "SIF" is a tar file. Everything else that the room does
around an engine (files, locks, names, reports, signals) is the same with Apptainer, which is slow and not everywhere.
"""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from containers.definition import read_definition
from containers.engine.contract import Bind, BuildJob, EngineFacts, Finished, Say

META = ".singularity.d"


class DirectoryEngine:
    """Builds folders and tar files; `makes_images` False plays the emulation."""

    def __init__(self, *, makes_images: bool = True) -> None:
        self.facts = EngineFacts("directory", "1", "test", makes_images)
        self.jobs: list[BuildJob] = []

    def build(self, job: BuildJob, say: Say) -> Finished:
        self.jobs.append(job)
        started = time.monotonic()
        definition = read_definition(job.definition)
        root = job.context.parent / "root"
        base = job.context / job.arguments.get("FROM", definition.arguments.get("FROM", ""))
        if base.is_dir():
            shutil.copytree(base, root, symlinks=True)
        else:
            with tarfile.open(base) as archive:
                archive.extractall(root, filter="data")
        files = definition.section("files")
        for line in files.text.splitlines() if files else ():
            if line.strip():
                source, target = line.split()
                place = root / target.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(job.context / source, place)
        for section in definition.sections:
            name = f"{section.name}-{section.app}" if section.app else section.name
            (root / META).mkdir(exist_ok=True)
            (root / META / name).write_text(section.text)
        code = self._script(root, "post", say, job.context)
        if not code and job.sandbox:
            root.rename(job.target)
        elif not code:
            with tarfile.open(job.target, "w") as archive:
                archive.add(root, ".")
        return Finished(code, time.monotonic() - started)

    def test(self, image: Path, app: str, binds: Sequence[Bind], say: Say, *, network: bool = False) -> Finished:
        assert not network
        with self._unpacked(image) as root:
            for bind in binds:  # only files, and only over files of the image itself
                # A script in a container has absolute paths.
                (root / bind.inside.lstrip("/")).write_text(bind.host.read_text().replace(" /opt", f" {root}/opt"))
            return Finished(self._script(root, f"apptest-{app}" if app else "test", say, root), 0.1)

    def run(
        self,
        image: Path,
        app: str,
        arguments: Sequence[str],
        binds: Sequence[Bind],
        folder: Path,
        environment: Mapping[str, str],
    ) -> Finished:
        with self._unpacked(image) as root:
            script = root / META / f"apprun-{app}"
            seen = {"PATH": os.environ["PATH"], "BINDS": "\n".join(f"{b.host}:{b.inside}:{b.writable}" for b in binds)}
            done = subprocess.run(["/bin/sh", script, *arguments], cwd=folder, env={**seen, **environment})
            return Finished(done.returncode, 0.1)

    def _script(self, root: Path, name: str, say: Say, folder: Path) -> int:
        script = root / META / name
        if not script.exists():
            return 0
        process = subprocess.Popen(
            ["/bin/sh", script],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "ROOT": str(root), "TEST_PIDS": os.environ.get("TEST_PIDS", "")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        with process.stdout as lines:
            try:
                for line in lines:
                    say(line.rstrip("\n"))
                return process.wait()
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise

    @contextmanager
    def _unpacked(self, image: Path) -> Iterator[Path]:
        if image.is_dir():
            yield image
            return
        with tempfile.TemporaryDirectory() as folder, tarfile.open(image) as archive:
            archive.extractall(folder, filter="data")
            yield Path(folder)


def main() -> None:
    """Run the command line with this engine: ``directory_engine.py RECIPES BASE ARGUMENTS...``."""
    import containers.catalogue
    import containers.engine.base_folder
    import containers.engine.choose
    from legacy.cli import main as command_line

    recipes, base = Path(sys.argv[1]), Path(sys.argv[2])
    containers.catalogue.CATALOGUE = recipes / "catalogue.yaml"
    containers.catalogue.RECIPES = recipes
    containers.engine.choose.choose_engine = lambda place, wanted, say=None: DirectoryEngine(
        makes_images=wanted != "chroot"
    )
    containers.engine.base_folder.make_base_folder = lambda place, say: base
    sys.argv[1:3] = []
    command_line()


if __name__ == "__main__":
    main()
