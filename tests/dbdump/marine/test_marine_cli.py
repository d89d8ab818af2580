"""The command to-netcdf, and the memory that it needs for many rows."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from dbdump.marine.cli import to_netcdf

START = datetime.fromisoformat("2009-03-01T00:00:00")
RATES: dict[str, Any] = {
    "table": "R",
    "time": "T",
    "position": {"latitude": 42.8, "longitude": 6.1667, "depth": 2475},
    "variables": {"RATE": {"column": "X", "unit": "kHz"}, "CNDC": {"column": "X", "unit": "S/m"}},
}


def invoke(*arguments: object) -> None:
    app = typer.Typer()
    app.command()(to_netcdf)
    app(list(map(str, arguments)), standalone_mode=False)


def test_the_command(
    make_image: Any,
    table: Any,
    write_mapping: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [(START + timedelta(minutes=n), float(n), n % 2) for n in range(10)]
    image = make_image(R=table({"T": "timestamp[s]", "X": "double", "ID": "int64"}, rows))
    mapping = write_mapping({"rates": {**RATES, "station": {"column": "ID"}}})
    png = tmp_path / "page.png"
    invoke(image.folder, "--mapping", mapping, "-o", tmp_path / "nc", "--json", "--plot", png)
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert [Path(file["path"]).name for file in report["datasets"][0]["files"]] == ["rates_0.nc", "rates_1.nc"]
    assert report["image_id"] == image.manifest.image_id
    assert report["datasets"][0]["unverified_urns"] == ["SDN:P01::CNDCST01", "SDN:P06::UECA"]
    assert report["datasets"][0]["variables_without_standard_name"] == ["RATE"]
    assert "must be looked up at vocab.nerc.ac.uk, left out: SDN:P01::CNDCST01" in said.err
    assert "CF has no standard name for RATE" in said.err
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["page_rates_0.png", "page_rates_1.png"]


FULL = """
import resource, signal, sys
from pathlib import Path
from dbdump.image import open_image
from dbdump.marine.export import export
from dbdump.marine.mapping_file import load_mapping
from legacy.errors import MachineError
image, mapping = open_image(Path(sys.argv[1])), load_mapping(Path(sys.argv[2]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
try:
    export(image, mapping, Path(sys.argv[3]))
except (MachineError, OSError) as error:
    print(error)
"""


@pytest.mark.parametrize(("rows", "largest"), [(20_000, 20_000), (5, 6000)], ids=["scratch", "NetCDF"])
def test_nothing_remains_when_the_disk_is_full(
    make_image: Any,
    table: Any,
    write_mapping: Callable[..., Path],
    tmp_path: Path,
    repository: Path,
    rows: int,
    largest: int,
) -> None:
    """A limit on the size of files fails where a full disk does."""
    given = [(START + timedelta(seconds=n), n * 0.37) for n in range(rows)]
    image = make_image(R=table({"T": "timestamp[s]", "X": "double"}, given))
    mapping = write_mapping({"rates": RATES})
    command = [sys.executable, "-c", FULL, str(image.folder), str(mapping), str(tmp_path / "nc"), str(largest)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, cwd=repository)
    assert done.stdout.strip()
    assert list((tmp_path / "nc").iterdir()) == []


MANY = """
import sys
from pathlib import Path
from dbdump.image import open_image
from dbdump.marine.export import export
from dbdump.marine.mapping_file import load_mapping
image = open_image(Path(sys.argv[1]))
(file,) = export(image, load_mapping(Path(sys.argv[2])), Path(sys.argv[3])).files
assert file.counts.times == int(sys.argv[4]), file.counts
# Not ru_maxrss, which a process takes over from the one that started it.
status = Path("/proc/self/status").read_text()
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""


def test_memory_does_not_grow_with_the_rows(
    make_image: Any, table: Any, write_mapping: Callable[..., Path], tmp_path: Path, repository: Path
) -> None:
    """Two million rows in the wrong order need little more than a few thousand."""
    import dataclasses

    import pyarrow as pa
    import pyarrow.parquet as pq

    from dbdump.image import FileFacts, Part, open_image, write_manifest

    mapping = write_mapping({"rates": {**RATES, "interval": "1 s"}})
    used = {}
    for rows in (20_000, 2_000_000):
        image = make_image(f"image{rows}", R=table({"T": "timestamp[s]", "X": "double"}, [(START, 1.0)]))
        part = image.path(image.table("R").parts[0].file)
        schema = pq.read_schema(part)
        numbers = pa.array(range(rows, 0, -1), pa.int64()).cast(pa.float64())
        seconds = pa.array(range(1_230_000_000 + rows, 1_230_000_000, -1), pa.int64()).cast(pa.timestamp("s"))
        backwards = pa.Table.from_arrays([seconds.cast(schema.field("T").type), numbers], schema=schema)
        pq.write_table(backwards, part, row_group_size=250_000)
        shown = image.manifest.tables[0]
        facts = FileFacts(shown.parts[0].file.path, part.stat().st_size, "", "", "")
        changed = dataclasses.replace(shown, parts=(Part(facts, rows, 0),))
        write_manifest(image.folder, dataclasses.replace(image.manifest, tables=(changed,)))
        assert open_image(image.folder).table("R").rows == rows
        command = [sys.executable, "-c", MANY, str(image.folder), str(mapping), str(tmp_path / f"{rows}.nc"), str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, cwd=repository)
        used[rows] = int(done.stdout)
    assert used[2_000_000] < used[20_000] + 350, used
    assert used[2_000_000] < 650, used
