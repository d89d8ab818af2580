"""The commands a user would type, printed and run as such, on real sample files.

Nothing is imported from the rooms: every step is the program itself in a process of its own.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from legacy.errors import MachineError, MissingDependencyError

PROGRAM = "antares-legacy"
SAMPLES = {
    "genhen.evt": "evt/example_numuCC.evt",
    "corant.evt": "evt/corant_5.1.9.evt",
    "mupage.evt": "mupage/mcv5.0.mupage_1G.5.evt",
    "offline.root": "offline/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root",
    "seatray.h5": "seatray/antares.h5",
}
"""Name in the demo's folder (the documentation uses the same) -> sample file of km3net-testdata."""
PUBLIC_LIST = "public_list.txt"
SANDBOX_UP = ("sandbox", "up")
RUCIO, FETCHED, JOURNAL = "rucio", "back", "ingest.journal"
"""Folders of the demo's server and of what is fetched, and the journal, all in the demo's folder."""
DATABASE, IMAGE, NETCDF, BURST = "database.sqlite", "image", "netcdf", "burst.png"
"""The synthetic database, its image, the folder of time series made of it, and the picture of one."""
_LIST_SOURCE = Path("shared/data/antares-public-2007-2017/ANTARES.data")
"""Where the public list of 2007 to 2017 may lie, below the folder that holds the source tree."""

Say = Callable[[str], None]


def run_demo(folder: Path, say: Say) -> int:
    """Convert real sample files, dump a synthetic database, bring products into a Rucio server and back.

    Parameters
    ----------
    folder
        Where everything is written; made if it does not exist. Files of the demo that are there already are
        kept or replaced, so it can run again.
    say
        Takes what is to be told to the user.

    Returns
    -------
    int
        0, or the exit code of the command that failed.

    Raises
    ------
    MissingDependencyError
        The sample files are not installed.
    MachineError
        The folder cannot be written to.
    """
    samples, products = folder / "samples", folder / "level3"
    say(f"Sample files go to {samples}")
    has_list = copy_samples(samples)
    code = _run_all(demo_commands(samples, products, has_list=has_list), dict(os.environ), say)
    if code == 0:
        _remove(folder / DATABASE, folder / IMAGE, folder / NETCDF)
        code = _run_all(database_commands(folder), dict(os.environ), say)
    if code == 0:
        with _own_server(folder):
            code = _run_all(rucio_commands(folder), dict(os.environ), say)
    if code == 0:
        say(_closing_words(folder))
    return code


def _run_all(steps: Iterable[tuple[str, tuple[str, ...]]], environment: dict[str, str], say: Say) -> int:
    """Run commands until one fails; what `sandbox up` exports is in the environment of those after it."""
    for title, command in steps:
        shown = shlex.join((PROGRAM, *command))
        exports = command[:2] == SANDBOX_UP
        say(f"\n# {title}\n$ " + (f'eval "$({shown})"' if exports else shown))
        done = subprocess.run(  # noqa: S603  our own words
            [*_program(), *command],
            check=False,
            env=environment,
            stdout=subprocess.PIPE if exports else None,
            text=True,
        )
        if done.returncode != 0:
            say(f"\nThe demo stopped: the command above ended with exit code {done.returncode}")
            return done.returncode if done.returncode > 0 else 1
        for line in (done.stdout or "").splitlines():
            for assignment in shlex.split(line.removeprefix("export ")):
                name, _, value = assignment.partition("=")
                environment[name] = value
    return 0


@contextmanager
def _own_server(folder: Path) -> Iterator[None]:
    """Begin with no Rucio server of an earlier demo, and leave none running."""
    stop = [*_program(), "--quiet", "sandbox", "down", "--dir", str(folder / RUCIO)]
    subprocess.run(stop, check=False)  # noqa: S603  our own words
    try:
        _remove(folder / RUCIO, folder / FETCHED, folder / JOURNAL)
        yield
    finally:
        subprocess.run(stop, check=False)  # noqa: S603  our own words


def _remove(*places: Path) -> None:
    """Begin without what an earlier demo has left."""
    for place in places:
        try:
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
        except OSError as error:
            raise MachineError(f"{error.filename or place}: {error.strerror or error}; check permissions") from error


def copy_samples(folder: Path) -> bool:
    """Copy the sample files; return whether the public list of 2007 to 2017 is among them.

    Raises
    ------
    MissingDependencyError
        km3net-testdata is not installed.
    MachineError
        A sample is not in the installed version, or the folder cannot be written to.
    """
    try:
        data = files("km3net_testdata").joinpath("data")
    except ModuleNotFoundError as error:
        raise MissingDependencyError("the demo", "pip install 'antares-legacy[all]'") from error
    public_list = Path(__file__).resolve().parents[2] / _LIST_SOURCE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in SAMPLES.items():
            with as_file(data.joinpath(source)) as path:
                shutil.copyfile(path, folder / name)
        if public_list.is_file():
            shutil.copyfile(public_list, folder / PUBLIC_LIST)
    except OSError as error:
        reason = f"{error.filename or folder}: {error.strerror or error}"
        advice = "check permissions and free space, or choose another folder with -o"
        raise MachineError(f"the sample files cannot be copied: {reason}; {advice}") from error
    return (folder / PUBLIC_LIST).is_file()


def demo_commands(samples: Path, products: Path, *, has_list: bool) -> Sequence[tuple[str, tuple[str, ...]]]:
    """List the commands of the demo, each with a title.

    Parameters
    ----------
    samples, products
        Folders of the inputs and of the level-3 files.
    has_list
        Whether the public list of events is among the samples; it makes the better picture.
    """
    seatray, seatray_product = str(samples / "seatray.h5"), str(products / "seatray.l3.h5")
    drawn = products / ("public_list.l3.h5" if has_list else "seatray.l3.h5")
    # The folder is the demo's own, and its products of an older version must not stop it.
    convert = ("convert", str(samples), "-o", str(products), "--overwrite")
    return (
        ("What is this file?", ("inspect", seatray)),
        ("Convert all files of a folder, whatever their format", convert),
        (
            "Is the product complete? Compare every value with the original",
            ("validate", seatray_product, "--source", seatray),
        ),
        ("Look inside: the tables, then the first events", ("show", seatray_product)),
        ("The same, three events", ("show", seatray_product, "--head", "3")),
        ("Draw it", ("plot", str(drawn), "-o", str(products.parent / "picture.png"))),
    )


def database_commands(folder: Path) -> Sequence[tuple[str, tuple[str, ...]]]:
    """List the commands of the part about databases: a synthetic one, its image, and what marine science gets of it.

    Parameters
    ----------
    folder
        The demo's folder.
    """
    database, image = str(folder / DATABASE), str(folder / IMAGE)
    url = f"sqlite:///{database}"
    bursts = "select om_id, max(rate_khz) as khz from om_rate group by om_id order by khz desc limit 3"
    series = ("--mapping", "practice", "--only", "om_rate", "-o", str(folder / NETCDF), "--plot", str(folder / BURST))
    return (
        ("A synthetic environmental database", ("dbdump", "practice", database, "--days", "20")),
        ("Dump it: every table, its whole schema, checksums", ("dbdump", "dump", url, "-o", image)),
        ("Compare the image with the database", ("dbdump", "verify", image, "--url", url)),
        ("Ask the image", ("dbdump", "query", image, bursts)),
        ("A time series for marine science, and a burst of bioluminescence", ("dbdump", "to-netcdf", image, *series)),
    )


def rucio_commands(folder: Path) -> Sequence[tuple[str, tuple[str, ...]]]:
    """List the commands of the second half of the demo: into Rucio, and out again.

    Parameters
    ----------
    folder
        The demo's folder, with products in ``level3``.
    """
    server = ("--dir", str(folder / RUCIO))
    manifest, journal = str(folder / "level3" / "manifest.jsonl"), str(folder / JOURNAL)
    into = ("ingest", manifest, "--scope", "antares", "--rse", "ANTARES_INPLACE", "--journal", journal)
    return (
        ("A Rucio server to practise on (the first time it is installed: a minute or two)", (*SANDBOX_UP, *server)),
        ("What would be brought into Rucio?", (*into, "--dry-run")),
        ("Bring it", into),
        ("Once more: nothing is left to do", into),
        ("Find files by what is in them", ("catalog", "find", "level=3 and kind=data")),
        ("Fetch files, with every checksum proved", ("catalog", "get", "level=3", "-o", str(folder / FETCHED))),
        ("Read everything that Rucio names again", ("catalog", "verify")),
        ("Stop the server; its data stay", ("sandbox", "down", *server)),
    )


def _program() -> tuple[str, ...]:
    """Return how to start the program of this very environment."""
    script = Path(sys.executable).with_name(PROGRAM)
    return (str(script),) if script.is_file() else (sys.executable, "-c", "from legacy.cli import main; main()")


def _closing_words(folder: Path) -> str:
    products, picture = folder / "level3", folder / "picture.png"
    made = sorted(path.name for path in products.glob("*.l3.h5"))
    return "\n".join(
        (
            "",
            "Done. Where to look:",
            f"  {picture}: the picture",
            f"  {products}: {len(made)} products: {', '.join(made)}",
            f"  {products / 'manifest.jsonl'}: size, checksums and contents of each product",
            f"  {products / 'report.json'}: what became of each input",
            f"  {folder / IMAGE / 'README.md'}: how to read the image of the database",
            f"  {folder / BURST}: a burst of bioluminescence",
            f"  {folder / FETCHED}: the products as they came out of Rucio",
            "",
            "Open a product in Python with pandas (needs: pip install pandas tables):",
            f'  pandas.read_hdf("{products / "seatray.l3.h5"}", "events")',
        )
    )
