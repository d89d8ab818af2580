"""Every CWL file, run by the reference runner: tools one by one, and the workflow into a real Rucio server."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rucio_server.fixtures import RucioServer, in_process

from containers.catalogue import ROOM, own_catalogue
from containers.engine.choose import choose_engine
from containers.workplace import workplace
from legacy.errors import MachineError

pytestmark = pytest.mark.real

CWL = ROOM / "cwl"
Done = subprocess.CompletedProcess[str]
Run = Callable[[str, dict[str, object]], Done]
NAMES = sorted(path.name for path in CWL.glob("*.cwl"))
EVENTS = ("evt/corant_5.1.9.evt", "offline/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root")

REPLICAS = """
import sys
from rucio.client import Client
client = Client()
for did in client.list_dids(sys.argv[1], [{}], did_type="file"):
    print(did)
"""


@pytest.fixture(scope="session")
def cwltool() -> str:
    """Return the runner, or skip; in continuous integration its absence is a failure."""
    found = os.environ.get("ANTARES_LEGACY_TEST_CWLTOOL")
    if not found:
        if os.environ.get("CI") == "true":
            pytest.fail("cwltool is missing: tests/real/cwl.sh sets it up")
        pytest.skip("cwltool is not here; tests/real/cwl.sh sets it up")
    return found


@pytest.fixture
def run(cwltool: str, tmp_path: Path, program: Path) -> Run:
    """Return a function that runs a CWL file with a job; products go to ``out``."""

    def start(name: str, job: dict[str, object]) -> Done:
        given = tmp_path / "job.yml"
        given.write_text(yaml.safe_dump(job))
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [
                cwltool,
                "--no-container",
                "--preserve-environment",
                "PATH",
                "--outdir",
                tmp_path / "out",
                CWL / name,
                given,
            ],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return start


def as_file(path: Path) -> dict[str, str]:
    return {"class": "File", "path": str(path)}


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_valid(cwltool: str, name: str) -> None:
    done = subprocess.run(
        [cwltool, "--validate", "--strict", CWL / name],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [name for name in NAMES if name != "preserve.cwl"])
def test_a_tool_names_an_image_that_has_the_command(name: str) -> None:
    tool = yaml.safe_load((CWL / name).read_text())
    image = tool["hints"]["DockerRequirement"]["dockerImageId"]
    assert image in {recipe.image for recipe in own_catalogue().recipes}
    assert tool["label"]
    assert all("doc" in entry for entry in (*tool["inputs"].values(), *tool["outputs"].values()))


def test_inspect(run: Run, sample: Callable[[str], Path], tmp_path: Path) -> None:
    done = run("inspect.cwl", {"files": [as_file(sample(name)) for name in EVENTS]})
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    assert len(facts) == len(EVENTS)


def test_plot(run: Run, sample: Callable[[str], Path], tmp_path: Path) -> None:
    done = run("convert.cwl", {"files": as_file(sample(EVENTS[1]))})
    assert done.returncode == 0, done.stderr
    (product,) = (tmp_path / "out" / "level3").glob("*.l3.h5")
    done = run("plot.cwl", {"product": as_file(product)})
    assert done.returncode == 0, done.stderr
    (picture,) = (tmp_path / "out").glob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_dump_of_a_database_file(run: Run, tmp_path: Path) -> None:
    database = tmp_path / "runs.sqlite"
    connection = sqlite3.connect(database)
    connection.executescript("create table runs (run integer primary key); insert into runs values (1), (2);")
    connection.close()
    done = run("dbdump.cwl", {"database": as_file(database)})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "image" / "manifest.json").is_file()


def test_a_tool_in_its_image(
    cwltool: str, sample: Callable[[str], Path], run_program: Callable[..., Any], program: Path, tmp_path: Path
) -> None:
    try:
        facts = choose_engine(workplace(), None).facts
    except MachineError as error:
        pytest.skip(f"no engine works here: {error}")  # test_containers.py judges its absence
    if not facts.makes_images:
        pytest.skip("only chroot emulation is here")
    assert run_program("containers", "build", "io", timeout=1800).code == 0
    (tmp_path / "io.sif").symlink_to(workplace().images / "io.sif")
    path = os.environ["PATH"]
    if facts.where == "tool root":
        script = tmp_path / "bin" / "singularity"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nexec {program} containers engine -- "$@"\n')
        script.chmod(0o755)
        path = f"{script.parent}{os.pathsep}{path}"
    job = tmp_path / "job.yml"
    job.write_text(yaml.safe_dump({"files": [as_file(sample(name)) for name in EVENTS]}))
    done = subprocess.run(
        [cwltool, "--singularity", "--outdir", tmp_path / "out", CWL / "inspect.cwl", job],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads((tmp_path / "out" / "facts.json").read_text())) == len(EVENTS)


def test_the_workflow_brings_validated_products_into_rucio(
    run: Run,
    sample: Callable[[str], Path],
    rucio_server: RucioServer,
    rucio_scope: str,
    tmp_path: Path,
) -> None:
    done = run(
        "preserve.cwl",
        {
            "files": [as_file(sample(name)) for name in EVENTS],
            "scope": rucio_scope,
            "rse": "ANTARES_DISK",
            "rucio_config": as_file(rucio_server.config),
        },
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").glob("*.validation.json"))) == len(EVENTS)
    dids = in_process(REPLICAS, rucio_scope, env=rucio_server.env).split()
    assert sorted(dids) == sorted(path.name for path in (tmp_path / "out").glob("*.level3/*.l3.h5"))


def test_a_file_that_cannot_be_converted_stops_the_workflow_before_rucio(
    run: Run,
    sample: Callable[[str], Path],
    rucio_server: RucioServer,
    rucio_scope: str,
    tmp_path: Path,
) -> None:
    bad = tmp_path / "bad.evt"
    bad.write_bytes(b"start_run: 1\nstart_event: x\n")
    done = run(
        "preserve.cwl",
        {
            "files": [as_file(sample(EVENTS[0])), as_file(bad)],
            "scope": rucio_scope,
            "rse": "ANTARES_DISK",
            "rucio_config": as_file(rucio_server.config),
        },
    )
    assert done.returncode != 0
    assert in_process(REPLICAS, rucio_scope, env=rucio_server.env).split() == []
