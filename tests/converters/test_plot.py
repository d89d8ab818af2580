"""The picture page, and the files that it leaves and does not leave."""

import os
import runpy
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from converters import plot as plotting
from converters import plot_data
from converters.plot import compose, plot
from converters.plot_data import MAP_COLUMNS, MAP_ROWS, SHOWN_POINTS, read_contents
from legacy.errors import InputError, MissingDependencyError, UsageError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
Columns = Mapping[str, Any]
products = runpy.run_path(str(Path(__file__).parent / "plot_products.py"))
RANDOM, write_product, isotropic = products["RANDOM"], products["write_product"], products["isotropic"]
list_columns, simulated_columns = products["list_columns"], products["simulated_columns"]
KINDS: dict[str, tuple[int, Columns, tuple[str, ...]]] = products["KINDS"]


@pytest.fixture(autouse=True)
def same_values() -> None:
    products["start_again"]()


def page(product: Path) -> Any:
    return compose(read_contents(product))


def texts(figure: Any) -> list[str]:
    """Return every text of the page that is not a tick label."""
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts]
        found += [axes.get_xlabel(), axes.get_ylabel()]
    return [text for text in found if text]


def panel(figure: Any, title: str) -> Any:
    """Return the axes with that title."""
    (axes,) = [axes for axes in figure.axes if any(text.get_text() == title for text in axes.texts)]
    return axes


def bars(axes: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return heights and edges of the only histogram of a panel."""
    (stairs,) = axes.patches
    values, edges, _ = stairs.get_data()
    return values, edges


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_file_makes_a_whole_page(tmp_path: Path, kind: str) -> None:
    rows, columns, titles = KINDS[kind]
    product = write_product(tmp_path / "events.l3.h5", rows, columns)
    figure = page(product)
    assert [text for text in texts(figure) if text in titles] == list(titles)
    picture = tmp_path / "page.png"
    plot(product, picture)
    content = picture.read_bytes()
    assert content.startswith(PNG_SIGNATURE)
    # A4 landscape at 150 dots per inch, as the header chunk of the PNG has it
    width, height = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == (1753, 1240)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.l3.h5", "page.png"]


@pytest.mark.parametrize(("kind", "reason"), [("empty", "no events"), ("identities only", "no event times")])
def test_an_empty_panel_says_why(tmp_path: Path, kind: str, reason: str) -> None:
    rows, columns, _ = KINDS[kind]
    axes = panel(page(write_product(tmp_path / "events.l3.h5", rows, columns)), "Event times")
    (text,) = [text for text in axes.texts if text.get_text() == f"the file has {reason}"]
    assert text.get_color() == plotting._GREY
    assert not axes.patches


def test_a_replaced_panel_says_what_is_missing(tmp_path: Path) -> None:
    found = texts(page(write_product(tmp_path / "events.l3.h5", 5, simulated_columns(5))))
    for reason in ("reconstructed directions", "reconstructed zenith", "fit quality", "event times"):
        assert f"the file has no {reason} · 5 events" in found
    assert "simulated events, not weighted" in found


def test_panels_count_every_event(tmp_path: Path) -> None:
    columns = list_columns(700)
    figure = page(write_product(tmp_path / "events.l3.h5", 700, columns))
    for title in ("Declination", "Angular error", "Hits", "Time"):
        assert bars(panel(figure, title))[0].sum() == 700
    values, edges = bars(panel(figure, "Declination"))
    expected = np.histogram(np.sin(np.radians(columns["dec"])), edges)[0]
    assert values.tolist() == expected.tolist()


def test_hits_are_counted_in_whole_numbers(tmp_path: Path) -> None:
    hits = RANDOM.integers(1, 4000, 2000)
    figure = page(write_product(tmp_path / "events.l3.h5", 2000, {"n_hits": hits}))
    axes = panel(figure, "Hits")
    values, edges = bars(axes)
    assert axes.get_xscale() == "log"
    assert np.all(np.mod(edges, 1) == 0.5)
    assert values.tolist() == np.histogram(hits, edges)[0].tolist()


@pytest.mark.parametrize(
    ("span", "label", "bins"),
    [(0.1, "minute", 145), (2.0, "hour", 49), (30.0, "day", 31), (3000.0, "month", 99)],
)
def test_time_bins_follow_the_span(tmp_path: Path, span: float, label: str, bins: int) -> None:
    # 2008-07-01T00:00 and the same plus the span
    mjd = np.array([54_648.0, 54_648.0 + span])
    axes = panel(page(write_product(tmp_path / "events.l3.h5", 2, {"mjd": mjd})), "Time")
    values, _ = bars(axes)
    assert axes.get_ylabel() == f"events per {label}"
    assert (values[0], values[-1], len(values)) == (1, 1, bins)


def test_months_are_calendar_months(tmp_path: Path) -> None:
    from matplotlib.dates import num2date

    # the last second of January, the first of February, the middle of March two years later
    mjd = [54_496 - 1 / 86_400, 54_497.0, 55_270.0]
    values, edges = bars(panel(page(write_product(tmp_path / "events.l3.h5", 3, {"mjd": mjd})), "Time"))
    assert [(num2date(edge).month, num2date(edge).day) for edge in edges[:3]] == [(1, 1), (2, 1), (3, 1)]
    assert values[:3].tolist() == [1, 1, 0]
    assert (num2date(edges[-2]).year, num2date(edges[-2]).month, values[-1]) == (2010, 3, 1)


def test_right_ascension_grows_to_the_left(tmp_path: Path) -> None:
    columns = {"ra": [180.0, 200.0, 359.9, 0.1], "dec": [0.0, 10.0, 20.0, 30.0]}
    axes = panel(page(write_product(tmp_path / "events.l3.h5", 4, columns)), "Sky, equatorial")
    (points,) = [np.degrees(c.get_offsets()) for c in axes.collections]
    np.testing.assert_allclose(points, [(0, 0), (-20, 10), (-179.9, 20), (179.9, 30)], atol=1e-9)
    labels = [
        (round(tick), label.get_text())
        for tick, label in zip(np.degrees(axes.get_xticks()), axes.get_xticklabels(), strict=True)
    ]
    assert labels == [(-120, "300°"), (-60, "240°"), (0, "180°"), (60, "120°"), (120, "60°")]


def test_local_map_has_north_in_the_middle_and_east_on_the_right(tmp_path: Path) -> None:
    columns = {"zenith": np.radians([90, 0.5, 135]), "azimuth": np.radians([0, 90, 180])}
    axes = panel(page(write_product(tmp_path / "events.l3.h5", 3, columns)), "Sky, local")
    (points,) = [np.degrees(c.get_offsets()) for c in axes.collections]
    np.testing.assert_allclose(points, [(90, 0), (0, 89.5), (-90, -45)], atol=1e-9)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["180° W", "90° N", "0° E"]


def test_galactic_plane_is_where_astropy_has_it() -> None:
    from astropy.coordinates import SkyCoord

    longitude = np.arange(0, 360, 15.0)
    sky = SkyCoord(longitude, np.zeros_like(longitude), unit="deg", frame="galactic").icrs
    across, up = np.degrees(plotting._galactic(longitude))
    np.testing.assert_allclose(np.mod(180 - across, 360), sky.ra.deg, atol=1e-3)
    np.testing.assert_allclose(up, sky.dec.deg, atol=1e-3)


def test_many_events_become_a_density_map(tmp_path: Path) -> None:
    count = SHOWN_POINTS + 1
    columns = {"ra": RANDOM.uniform(0, 360, count), "dec": 90 - np.degrees(isotropic(count))}
    axes = panel(page(write_product(tmp_path / "events.l3.h5", count, columns)), "Sky, equatorial")
    (mesh,) = [c for c in axes.collections if hasattr(c, "get_coordinates")]
    cells = mesh.get_array()
    assert cells.sum() == count
    # Cells of equal area: an isotropic sky has no structure beyond the statistical one.
    assert cells.filled(0).var() == pytest.approx(cells.filled(0).mean(), rel=0.1)
    row, column = MAP_ROWS // 2, MAP_COLUMNS // 2
    right_of_middle = (columns["ra"] > 177) & (columns["ra"] <= 180)
    above = (columns["dec"] >= 0) & (np.sin(np.radians(columns["dec"])) < 2 / MAP_ROWS)
    assert cells.filled(0)[row, column] == np.count_nonzero(right_of_middle & above)


def test_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {**list_columns(500), "quality": RANDOM.normal(0, 1, 500), "reco": [b"aafit", b"bbfit_track"] * 250}
    product = write_product(tmp_path / "events.l3.h5", 500, columns, chunks=(64,), compression="gzip")
    plot(product, tmp_path / "whole.png")
    monkeypatch.setattr(plot_data, "_BLOCK_BYTES", 3000)
    plot(product, tmp_path / "blocks.png")
    assert (tmp_path / "whole.png").read_bytes() == (tmp_path / "blocks.png").read_bytes()


def test_same_file_same_bytes(tmp_path: Path) -> None:
    product = write_product(tmp_path / "events.l3.h5", 100, list_columns(100))
    program = "import sys; from pathlib import Path; from converters.plot import plot; plot(*map(Path, sys.argv[1:]))"
    pictures = [tmp_path / "first.png", tmp_path / "second.png"]
    for number, picture in enumerate(pictures):
        environment = {**os.environ, "PYTHONHASHSEED": str(number), "TZ": ("UTC", "Asia/Tokyo")[number]}
        subprocess.run([sys.executable, "-c", program, product, picture], check=True, timeout=120, env=environment)
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    assert b"Software" not in pictures[0].read_bytes()


def test_missing_values_are_not_drawn(tmp_path: Path) -> None:
    nan = np.nan
    columns = {
        "zenith": [nan, 0.5, nan, 1.0],
        "azimuth": [nan, 0.5, nan, 1.0],
        "n_hits": [-1, 20, 30, -1],
        "quality": [nan, nan, nan, -5.0],
        "energy": [nan] * 4,
        "mjd": [nan, nan, 55_000.0, nan],
        "reco": [b"none", b"aafit", b"none", b"aafit"],
    }
    figure = page(write_product(tmp_path / "events.l3.h5", 4, columns))
    for title, count in {"Zenith": 2, "Fit quality: aafit": 1, "Hits": 2, "Time": 1}.items():
        axes = panel(figure, title)
        assert bars(axes)[0].sum() == count
        assert f"{count} of 4 events with a value" in [text.get_text() for text in axes.texts]


@pytest.mark.filterwarnings("error")
def test_absurd_values_neither_fail_nor_vanish(tmp_path: Path) -> None:
    columns = {
        "ra": [400.0, -1e300, np.inf, 10.0],
        "dec": [95.0, np.inf, -1e300, 10.0],
        "zenith": [np.inf, 1e300, -5.0, 1.0],
        "azimuth": [1e300, np.inf, 7.0, 1.0],
        "quality": [np.inf, -np.inf, 1e300, 2.0],
        "n_hits": [0, 2**62, 10, 10],
        "mjd": [0.0, 1e300, -np.inf, 55_000.0],
        "angular_error": [-1e30, 1e30, np.inf, 0.5],
    }
    product = write_product(tmp_path / "events.l3.h5", 4, columns)
    figure = page(product)
    plot(product, tmp_path / "page.png")
    assert "4 events · 2 outside of the axis" in [text.get_text() for text in panel(figure, "Hits").texts]
    assert "4 events · 1 outside of the axis" in [text.get_text() for text in panel(figure, "Zenith").texts]
    (points,) = [np.degrees(c.get_offsets()) for c in panel(figure, "Sky, equatorial").collections]
    np.testing.assert_allclose(points, [(170, 10)])


@pytest.mark.parametrize("value", [0, 2**62])
def test_a_panel_whose_axis_reaches_no_value(tmp_path: Path, value: int) -> None:
    product = write_product(tmp_path / "events.l3.h5", 3, {"n_hits": value, "mc_energy": [0.0, 1e14, 1e13]})
    figure = page(product)
    assert bars(panel(figure, "Hits"))[0].sum() == 0
    assert "3 events · 3 outside of the axis" in [text.get_text() for text in panel(figure, "Hits").texts]
    plot(product, tmp_path / "page.png")


def test_wild_quality_does_not_spoil_the_axis(tmp_path: Path) -> None:
    quality = RANDOM.uniform(-8, -4, 2000)
    quality[0] = -1e6
    axes = panel(page(write_product(tmp_path / "events.l3.h5", 2000, {"quality": quality})), "Fit quality: none")
    assert axes.get_xlim()[0] > -12
    assert "2,000 events · 1 outside of the axis" in [text.get_text() for text in axes.texts]


def test_rounded_values_make_no_comb(tmp_path: Path) -> None:
    columns = {"angular_error": RANDOM.integers(1, 21, 5000) / 10}
    values, edges = bars(panel(page(write_product(tmp_path / "events.l3.h5", 5000, columns)), "Angular error"))
    assert len(values) == 20
    assert values.min() > 150
    np.testing.assert_allclose(edges[:2], [0.05, 0.15], atol=1e-5)


def test_quality_by_fit(tmp_path: Path) -> None:
    names = [f"fit{number}".encode() for number in range(9)]
    fits = np.repeat(names, range(90, 0, -10))
    columns = {"quality": RANDOM.uniform(-1, 1, len(fits)), "reco": fits}
    axes = panel(page(write_product(tmp_path / "events.l3.h5", len(fits), columns)), "Fit quality")
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["fit0 (90)", "fit1 (80)", "fit2 (70)", "fit3 (60)", "fit4 (50)", "other fits (100)"]
    assert sum(stairs.get_data()[0].sum() for stairs in axes.patches) == len(fits)


HEADER = {
    "title": "ANTARES $unbalanced_ 天\n\x07 title",
    "instrument": "ANTARES",
    "author": "A. Uthor",
    "measurement_start": "2007-01-29T20:18:57.123Z",
    "measurement_stop": "2017-12-31",
}


def test_frame_says_what_the_file_is(tmp_path: Path) -> None:
    product = write_product(tmp_path / "events.l3.h5", 3, list_columns(3), HEADER)
    found = texts(page(product))
    assert "ANTARES $unbalanced_ 天   title" in found
    assert "ANTARES   ·   A. Uthor   ·   2007-01-29T20:18:57 to 2017-12-31" in found
    footer = "events.l3.h5   ·   3 events   ·   kid 6e834f07-1111-2222-3333-444455556666   ·   data model 1.0"
    assert footer in found
    assert "antares-legacy plot" in found
    plot(product, tmp_path / "page.png")


@pytest.mark.parametrize("days", [0.01, 0.2, 2.9, 4, 60, 92, 140, 360, 1080, 1300, 4000])
def test_every_span_of_time_has_ticks(tmp_path: Path, days: float) -> None:
    columns = {**list_columns(50), "mjd": 54_130 + np.linspace(0, days, 50)}
    axes = panel(page(write_product(tmp_path / "events.l3.h5", 50, columns)), "Time")
    assert 2 <= len(axes.get_xticks()) <= 9


@pytest.mark.parametrize("header", [None, {"title": ""}])
def test_without_a_title_the_file_name_stands_for_it(tmp_path: Path, header: Mapping[str, str] | None) -> None:
    assert "events.l3.h5" in texts(page(write_product(tmp_path / "events.l3.h5", 1, {}, header)))


def test_long_texts_are_cut_in_the_middle(tmp_path: Path) -> None:
    product = write_product(tmp_path / ("n" * 200 + ".h5"), 1, {}, {"title": "start " + "x" * 5000 + " end"})
    title, name = texts(page(product))[0], texts(page(product))[1]
    assert title.startswith("start xxx")
    assert title.endswith("xxx end")
    assert max(len(title), len(name.split("   ")[0])) <= 80


def test_public_event_list(tmp_path: Path, shared_data: Path) -> None:
    rows = np.loadtxt(shared_data / "antares-public-2007-2017" / "ANTARES.data")
    names = ("ra", "dec", "n_hits", "angular_error", "mjd")
    columns = dict(zip(names, rows.T, strict=True))
    figure = page(write_product(tmp_path / "list.l3.h5", len(rows), columns))
    assert len(rows) == 8754
    for title in ("Declination", "Angular error", "Hits", "Time"):
        assert bars(panel(figure, title))[0].sum() == 8754
    # ANTARES sees the southern sky; eleven years have more than 120 months.
    values, edges = bars(panel(figure, "Declination"))
    assert values[edges[:-1] < 0].sum() > 2 * values[edges[:-1] >= 0].sum()
    assert len(bars(panel(figure, "Time"))[0]) > 120


def test_an_old_picture_is_replaced_only_by_a_new_one(tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    picture.write_bytes(b"old")
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"not HDF5")
    with pytest.raises(InputError):
        plot(broken, picture)
    assert picture.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.h5", "page.png"]
    plot(write_product(tmp_path / "events.l3.h5", 3, list_columns(3)), picture)
    assert picture.read_bytes().startswith(PNG_SIGNATURE)


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    product = write_product(tmp_path / "events.l3.h5", 3, list_columns(3))
    with pytest.raises(OSError, match="no/such"):
        plot(product, tmp_path / "no" / "such" / "page.png")
    assert [path.name for path in tmp_path.iterdir()] == ["events.l3.h5"]


@pytest.mark.parametrize("name", ["page.pdf", "page", "page.png.txt"])
def test_only_png(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"ends in \.png"):
        plot(write_product(tmp_path / "events.l3.h5", 1, {}), tmp_path / name)


def test_the_product_is_not_overwritten(tmp_path: Path) -> None:
    product = write_product(tmp_path / "events.png", 1, {})
    content = product.read_bytes()
    with pytest.raises(UsageError, match="replace the product"):
        plot(product, product)
    assert product.read_bytes() == content


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'antares-legacy\[plot\]'"):
        plot(write_product(tmp_path / "events.l3.h5", 1, {}), tmp_path / "page.png")


def test_headless_and_without_traces(tmp_path: Path) -> None:
    columns = {**list_columns(50), "mjd": RANDOM.uniform(55_000, 55_001, 50)}
    product = write_product(tmp_path / "events.l3.h5", 50, columns, HEADER)
    program = f"""
        import sys
        import warnings
        from pathlib import Path

        warnings.simplefilter("error")
        from converters.plot import plot

        assert "matplotlib" not in sys.modules
        import matplotlib

        before = dict(matplotlib.rcParams)
        before |= {{"axes.facecolor": "black", "xtick.major.size": 30.0, "timezone": "Asia/Tokyo"}}
        matplotlib.rcParams.update(before)
        plot(Path({str(product)!r}), Path({str(tmp_path / "page.png")!r}))
        assert dict(matplotlib.rcParams) == before
        assert "matplotlib.pyplot" not in sys.modules
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["MPLBACKEND"] = "tkagg"
    command = [sys.executable, "-c", textwrap.dedent(program)]
    subprocess.run(command, check=True, timeout=120, env=environment)
    # The user's own settings do not change the page.
    plot(product, tmp_path / "plain.png")
    assert (tmp_path / "page.png").read_bytes() == (tmp_path / "plain.png").read_bytes()
