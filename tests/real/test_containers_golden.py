"""Images at work on real files: the golden product made inside, products brought into a real Rucio server, speed."""

import json
import os
import re
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rucio_server.fixtures import RucioServer, in_process

from containers.catalogue import Recipe, own_catalogue
from containers.engine.choose import choose_engine
from containers.engine.contract import BuildJob, Engine
from containers.forms import Form, Place, find_made
from containers.status import status_of
from containers.workplace import workplace
from legacy import __version__
from legacy.errors import MachineError

pytestmark = pytest.mark.real

TESTS = Path(__file__).resolve().parents[1]
BUILD_SECONDS = 1800
CHILD = """Bootstrap: localimage
From: base.sif

%post
    set -eu
    echo 'a child that installs nothing' >/opt/antares-legacy/child.txt

%test
    set -eu
    grep -q nothing /opt/antares-legacy/child.txt
    antares-legacy --version
"""

Inside = Callable[[Path, list[str]], int]


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return what starts images, or skip; in continuous integration its absence is a failure."""
    try:
        return choose_engine(workplace(), None)
    except MachineError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no engine works here: {error}")


def require_image(name: str, engine: Engine, run_program: Callable[..., Any]) -> tuple[Recipe, Place]:
    """Return the image: io is built when it is not current; of the others only one that was built is tested."""
    catalogue, place = own_catalogue(), workplace()
    recipe = catalogue.find(name)
    if name == "io":
        done = run_program("containers", "build", "io", timeout=BUILD_SECONDS)
        assert done.code == 0, done.err
    made = find_made(place, recipe)
    if made is None:
        pytest.skip(f"the image {name} was not built here ({status_of(recipe, catalogue, place).text})")
    if (made.form is Form.EMULATION) == engine.facts.makes_images:
        pytest.skip(f"{made.image} was made by another engine")
    return recipe, made


def dump(product: Path) -> str:
    """Return the text of a product as the golden file has it: the test of the writer knows how."""
    text: str = runpy.run_path(str(TESTS / "converters" / "writers" / "test_km3hdf5.py"))["dump"](product)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>", text)
    return text.replace(f"antares_legacy='{__version__}'", "antares_legacy='<version>'")


@pytest.mark.parametrize(("name", "app", "command"), [("io", "", ["convert"]), ("convert", "convert", [])])
def test_the_golden_product_is_made_inside(
    engine: Engine,
    run_program: Callable[..., Any],
    sample: Callable[[str], Path],
    tmp_path: Path,
    name: str,
    app: str,
    command: list[str],
) -> None:
    _, made = require_image(name, engine, run_program)
    shutil.copyfile(sample("evt/KM3Sim.evt"), tmp_path / "KM3Sim.evt")
    arguments = [*command, "KM3Sim.evt", "-o", "out"]
    done = engine.run(made.image, app, arguments, (), tmp_path, {"SOURCE_DATE_EPOCH": "1700000000"})
    assert done.exit_code == 0
    golden = (TESTS / "golden" / "KM3Sim.l3.h5.txt").read_text(encoding="utf-8")
    assert dump(tmp_path / "out" / "KM3Sim.l3.h5") == golden


ROOT_FILE = "offline/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root"


def test_a_real_root_file_is_read_inside(
    engine: Engine, run_program: Callable[..., Any], sample: Callable[[str], Path], tmp_path: Path
) -> None:
    require_image("io", engine, run_program)
    shutil.copyfile(sample(ROOT_FILE), tmp_path / "file.root")
    said = [
        run_program(*start, "inspect", *end, "file.root", "--json", cwd=tmp_path)
        for start, end in (((), ()), (("containers", "run", "io"), ("--",)))
    ]
    assert [one.code for one in said] == [0, 0], said[1].err
    assert json.loads(said[1].out) == json.loads(said[0].out)


FILES = """
import sys
from rucio.client import Client
print(*sorted(Client().list_dids(sys.argv[1], [{}], did_type="file")))
"""


def test_products_go_into_a_real_rucio_server(
    engine: Engine,
    run_program: Callable[..., Any],
    make_evt: Callable[..., Path],
    rucio_server: RucioServer,
    rucio_scope: str,
    tmp_path: Path,
) -> None:
    require_image("ingest", engine, run_program)
    source = make_evt(tmp_path / "a.evt")
    assert run_program("convert", source, "-o", tmp_path / "level3").code == 0
    where = ("--scope", rucio_scope, "--rse", "ANTARES_INPLACE", "--journal", "journal.db")
    command = ("containers", "run", "ingest", "ingest", "--", "level3/manifest.jsonl", *where)
    for _ in range(2):  # the second run finds everything done
        done = run_program(*command, cwd=tmp_path, env=dict(rucio_server.env))
        assert done.code == 0, done.err
    assert in_process(FILES, rucio_scope, env=rucio_server.env).split() == ["a.l3.h5"]
    found = run_program(
        "containers", "run", "ingest", "catalog", "--", "verify", "--scope", rucio_scope,
        cwd=tmp_path, env=dict(rucio_server.env),
    )  # fmt: skip
    assert found.code == 0, found.err


def test_a_child_that_installs_nothing_is_built(
    engine: Engine, run_program: Callable[..., Any], tmp_path: Path
) -> None:
    if not engine.facts.makes_images:
        pytest.skip("an emulation makes no image")
    _, made = require_image("io", engine, run_program)
    context = tmp_path / "context"
    context.mkdir()
    (context / "child.def").write_text(CHILD)
    try:
        os.link(made.image, context / "base.sif")
    except OSError:  # another disk
        shutil.copyfile(made.image, context / "base.sif")
    lines: list[str] = []
    done = engine.build(BuildJob(context / "child.def", context, tmp_path / "child.sif"), lines.append)
    assert done.exit_code == 0, "\n".join(lines)
    assert (tmp_path / "child.sif").stat().st_size > made.image.stat().st_size // 2


def test_the_image_of_the_readers_is_small(engine: Engine, run_program: Callable[..., Any]) -> None:
    if not engine.facts.makes_images:
        pytest.skip("an emulation makes no image")
    _, made = require_image("io", engine, run_program)
    assert made.image.stat().st_size <= 150_000_000
