"""The picture: what is on it, with which marks, and the files that it leaves and does not leave."""

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dbdump.marine.export import export
from dbdump.marine.mapping_file import load_mapping
from dbdump.marine.plot import compose, plot_series
from dbdump.marine.plot_data import read_shown
from legacy.errors import InputError, MissingDependencyError, UsageError

START = datetime.fromisoformat("2009-03-01T00:00:00")


@pytest.fixture
def rates(make_image: Any, table: Any, write_mapping: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file with a burst, a gap, a doubtful and a bad value."""

    def write(samples: int) -> Path:
        rows = [
            (START + timedelta(minutes=15 * n), 60.0 + 900.0 * (samples // 2 <= n < samples // 2 + 9), 1)
            for n in range(samples)
            if not 100 <= n < 150
        ]
        rows[20], rows[30] = (rows[20][0], 1e6, 1), (rows[30][0], 61.0, 3)
        image = make_image(R=table({"T": "timestamp[s]", "X": "double", "Q": "int64"}, rows))
        mapped = {
            "table": "R",
            "time": "T",
            "interval": "15 min",
            "position": {"latitude": 42.8, "longitude": 6.1667, "depth": 2475},
            "variables": {"RATE": {"column": "X", "unit": "kHz", "range": [0, 20000], "flag": "Q"}},
        }
        path = tmp_path / "rates.nc"
        export(image, load_mapping(write_mapping({"rates": mapped})), path)
        return path

    return write


@pytest.mark.parametrize("samples", [1000, 5000], ids=["every sample", "stretches of time"])
def test_what_is_shown(rates: Callable[..., Path], samples: int) -> None:
    shown = read_shown(rates(samples))
    (panel,) = shown.panels
    assert panel.binned == (samples > 3000)
    assert np.nanmax(panel.middle) <= 960  # the bad value does not set the scale
    assert np.nanmax(panel.high) == 960
    assert panel.bad[1].tolist() == [1e6]
    assert panel.doubtful[1].tolist() == [61.0]
    assert panel.notes == ("1 doubtful", "1 bad")
    ((start, end),) = shown.gaps
    assert end - start == 51 * 900 * 10**6
    stretch = (shown.last - shown.first) // 3000
    inside = (panel.times > start + stretch) & (panel.times < end - stretch)
    assert np.isnan(panel.middle[inside]).all()
    assert np.isnan(panel.middle).any()  # the line is broken
    assert shown.window is not None
    middle = np.datetime64(START, "us").astype(int) + (samples // 2) * 900 * 10**6
    assert shown.window[0] < middle < shown.window[1]
    figure = compose(shown)
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == ["kHz", ""]
    assert [axes.get_xlabel() for axes in figure.axes] == ["UTC", "UTC"]
    assert figure.axes[0].get_ylim()[1] < 1100


def test_a_short_series_has_no_close_up(rates: Callable[..., Path], tmp_path: Path) -> None:
    path = rates(300)
    assert read_shown(path).window is None
    plot_series(path, tmp_path / "a.png")
    plot_series(path, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_wrong_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"a name that ends in \.png"):
        plot_series(tmp_path / "a.nc", tmp_path / "a.pdf")
    (tmp_path / "a.nc").write_bytes(b"no NetCDF")
    with pytest.raises(InputError, match="cannot be drawn"):
        plot_series(tmp_path / "a.nc", tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    with pytest.raises(MissingDependencyError, match=r"antares-legacy\[plot\]"):
        plot_series(tmp_path / "a.nc", tmp_path / "a.png")
