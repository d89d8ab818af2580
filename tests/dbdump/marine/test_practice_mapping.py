"""The mapping for the practice database, from database to image to files, judged by the real compliance-checker."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from dbdump.image import Image, open_image
from dbdump.marine.export import export
from dbdump.marine.mapping_file import load_mapping, mapping_path
from dbdump.marine.report import ExportReport

DAYS = 8
FILES = ("om_rate_1010", "ctd_1", "ctd_5", "adcp_2", "oxygen_3", "sound_velocity_4")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from dbdump.practice import write_practice_database

    path = tmp_path_factory.mktemp("practice") / "practice.sqlite"
    write_practice_database(path, days=DAYS)
    return path


@pytest.fixture(scope="module")
def image(database: Path) -> Image:
    script = (
        "import sys\n"
        "from legacy.cli import app, main\n"
        "from dbdump.cli import add_commands\n"
        "if __name__ == '__main__':\n"
        "    app.registered_groups.clear()\n"
        "    add_commands(app)\n"
        "    main()\n"
    )
    program = database.with_name("program.py")
    program.write_text(script)
    folder = database.with_name("image")
    command = [sys.executable, str(program), "-q", "dbdump", "dump", f"sqlite:///{database}", "-o", str(folder)]
    subprocess.run(command, check=True, timeout=300, cwd=Path(__file__).resolve().parents[3])
    return open_image(folder)


@pytest.fixture(scope="module")
def report(image: Image) -> ExportReport:
    return export(image, load_mapping(mapping_path("practice")), image.folder.with_name("nc"))


@pytest.fixture(scope="module")
def judged(report: ExportReport) -> Mapping[str, Any]:
    """Return what compliance-checker says of all files, by name of the file."""
    folder = report.files[0].path.parent
    program = Path(sys.executable).with_name("compliance-checker")
    paths = [str(file.path) for file in report.files]
    command = [program, "-t", "cf:1.8", "-t", "acdd:1.3", "-f", "json_new", "-o", folder / "judged.json", *paths]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False)
    assert "Using packaged standard name table v93" in done.stderr + done.stdout
    found: Mapping[str, Any] = json.loads((folder / "judged.json").read_text())
    return {Path(name).stem: verdict for name, verdict in found.items()}


def gaps(verdict: Mapping[str, Any], *priorities: str) -> list[tuple[str, list[str]]]:
    return [
        (each["name"], each["msgs"])
        for priority in priorities
        for each in verdict[f"{priority}_priorities"]
        if each["value"][0] != each["value"][1]
    ]


@pytest.mark.parametrize("name", FILES)
def test_cf_has_nothing_to_say(judged: Mapping[str, Any], name: str) -> None:
    assert gaps(judged[name]["cf:1.8"], "high", "medium", "low") == []
    assert judged[name]["cf:1.8"]["possible_points"] > 50


@pytest.mark.parametrize("name", FILES)
def test_acdd_misses_nothing_that_exists(judged: Mapping[str, Any], report: ExportReport, name: str) -> None:
    """No gap of high or medium priority, but for the names that CF does not have: those the report names."""
    (dataset,) = [each for each in report.datasets if name in [file.path.stem for file in each.files]]
    nameless = [
        (f'variable "{variable}" missing the following attributes:', ["standard_name"]) for variable in dataset.nameless
    ]
    assert sorted(gaps(judged[name]["acdd:1.3"], "high", "medium")) == sorted(nameless)
    assert bool(nameless) == (name == "om_rate_1010")


def test_all_rows_are_accounted_for(image: Image, report: ExportReport) -> None:
    assert sorted(file.path.stem for file in report.files) == sorted(FILES)
    for dataset in report.datasets:
        staged = dataset.staged
        read = sum(file.counts.rows for file in dataset.files)
        assert read + staged.left_out + staged.odd_times == image.table(dataset.dataset.table).rows
        assert not dataset.missing_attributes


def test_rates_are_those_of_the_database(database: Path, report: ExportReport) -> None:
    """Against SQLite itself: another way than through the image."""
    import sqlite3

    connection = sqlite3.connect(database)
    try:
        rows = connection.execute(
            "SELECT unixepoch(measured_at), rate_khz, burst_fraction, quality FROM om_rate WHERE om_id = 1010 "
            "ORDER BY measured_at"
        ).fetchall()
    finally:
        connection.close()
    (path,) = [file.path for file in report.files if file.path.stem == "om_rate_1010"]
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        fill = file["RATE"].getncattr("_FillValue")
        assert file["time"][:].tolist() == [row[0] for row in rows]
        assert file["RATE"][:].tolist() == [fill if row[1] is None else row[1] for row in rows]
        assert file["BURST_FRACTION"][:].tolist() == [fill if row[2] is None else row[2] for row in rows]
        assert file["RATE_QC"][:].tolist() == [9 if row[1] is None else row[3] for row in rows]
        assert float(file["depth"][...]) == 2375.0


def test_currents_are_those_of_the_database(database: Path, report: ExportReport) -> None:
    import sqlite3

    connection = sqlite3.connect(database)
    try:
        rows = connection.execute(
            "SELECT unixepoch(p.measured_at), c.depth_m, c.east_cm_s FROM adcp_cell c JOIN adcp_profile p "
            "ON p.profile_id = c.profile_id"
        ).fetchall()
    finally:
        connection.close()
    (path,) = [file.path for file in report.files if file.path.stem == "adcp_2"]
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        times, depths = file["time"][:].tolist(), file["depth"][:].tolist()
        expected = np.full((len(times), len(depths)), file["EWCT"].getncattr("_FillValue"))
        for time, depth, east in rows:
            if east is not None:
                expected[times.index(time), depths.index(depth)] = round(east * 100) / 10_000
        assert np.array_equal(file["EWCT"][:], expected)
