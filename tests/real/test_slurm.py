"""The batch template in a real Slurm: shares of an array, storages as licences, a second submission."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from containers.catalogue import ROOM

pytestmark = pytest.mark.real

TEMPLATE = ROOM / "batch" / "convert.slurm"
FILES = ("evt/corant_5.1.9.evt", "evt/KM3Sim.evt", "mupage/mcv5.0.mupage_1G.5.evt")
Submit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def submit(tmp_path: Path, program: Path) -> Submit:
    """Return a function that submits the template and waits for its end."""
    if not os.environ.get("ANTARES_LEGACY_TEST_SLURM"):
        if os.environ.get("CI") == "true":
            pytest.fail("Slurm is missing: tests/real/slurm.sh sets it up")
        pytest.skip("no Slurm runs; tests/real/slurm.sh starts one")

    def start(*options: str, output: str = "level3") -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "ANTARES_LEGACY_IMAGE": "",
        }
        return subprocess.run(
            # The cores and the memory of the template would not fit the small machine of a test.
            ["sbatch", "--wait", "--cpus-per-task=1", "--mem=500M", *options, TEMPLATE, "list.txt", output],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return start


@pytest.fixture
def listed(tmp_path: Path, sample: Callable[[str], Path]) -> Path:
    """Write the list of inputs."""
    names = tmp_path / "list.txt"
    names.write_text("".join(f"{sample(name)}\n" for name in FILES))
    return names


def logs(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.glob("*.log")))


def test_an_array_converts_every_file_of_the_list_once(submit: Submit, listed: Path, tmp_path: Path) -> None:
    done = submit("--array=1-2")
    assert done.returncode == 0, done.stderr + logs(tmp_path)
    manifests = sorted((tmp_path / "level3").glob("manifest.*-of-2.jsonl"))
    assert len(manifests) == 2
    lines = [json.loads(line) for path in manifests for line in path.read_text().splitlines()]
    assert len(lines) == len(FILES)
    assert len(list((tmp_path / "level3").glob("*.l3.h5"))) == len(FILES)


def test_a_second_submission_keeps_what_is_there(submit: Submit, listed: Path, tmp_path: Path) -> None:
    assert submit("--array=1-1").returncode == 0
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "level3").glob("*.l3.h5")}
    (tmp_path / "level3" / sorted(before)[0]).unlink()
    done = submit("--array=1-1")
    assert done.returncode == 0, logs(tmp_path)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "level3").glob("*.l3.h5")}
    assert sorted(after) == sorted(before)
    assert sorted(name for name in after if after[name] == before[name]) == sorted(before)[1:]


def test_a_share_that_fails_shows_in_the_job(submit: Submit, tmp_path: Path) -> None:
    bad = tmp_path / "bad.evt"
    bad.write_bytes(b"start_run: 1\nstart_event: x\n")
    (tmp_path / "list.txt").write_text(f"{bad}\n")
    done = submit("--array=1-1")
    assert done.returncode == 1
    assert "bad.evt" in logs(tmp_path)


def test_the_job_asks_for_its_storage(submit: Submit, listed: Path, tmp_path: Path) -> None:
    """A storage that the cluster does not know is refused: the line in the template is read by Slurm."""
    done = submit("--array=1-1", "--licenses=nowhere")
    assert done.returncode != 0
    assert "license" in done.stderr.lower()
    assert "#SBATCH --licenses=sps" in TEMPLATE.read_text()


def test_without_arguments_the_job_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(["bash", TEMPLATE], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "list of files" in done.stderr
