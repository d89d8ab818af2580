"""One page about a NetCDF file of ours: every variable against time, with its gaps and flags, and its strongest day.

Matplotlib is loaded on use, draws without a screen, and keeps no state. The file is read in blocks: long series are
drawn as the range of the values in each of a few thousand stretches of time.
"""

import warnings
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np

from dbdump.marine.plot_data import Marked, Panel, Shown, read_shown
from legacy.atomic import atomic_file
from legacy.errors import MissingDependencyError, UsageError, printable

# The colours of Okabe and Ito, which people who do not see all colours can tell apart.
_BLUE, _ORANGE, _GREEN, _GREY, _GAP = "#0072B2", "#D55E00", "#009E73", "#6b6b6b", "#ececec"
_COLOURS = (_BLUE, _GREEN, "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DATES = np.datetime64("1970-01-01", "us")


def check_plot(png: Path) -> None:
    """See that a picture can be drawn and may have this name.

    Raises
    ------
    UsageError
        The name does not end in ``.png``.
    MissingDependencyError
        Matplotlib is not installed.
    """
    if png.suffix.lower() != ".png":
        raise UsageError(f"{png}: the picture is a PNG file; give it a name that ends in .png")
    try:
        import matplotlib.style  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError("--plot", "pip install 'antares-legacy[plot]'") from error


def plot_series(netcdf: Path, png: Path) -> None:
    """Draw one A4 page about a file that `dbdump.marine.export` wrote.

    Parameters
    ----------
    netcdf
        The file.
    png
        The picture; it appears under this name when it is complete, and replaces an older one.

    Raises
    ------
    UsageError, MissingDependencyError
        See `check_plot`.
    InputError
        The file is none of ours.
    OSError
        The picture cannot be written.
    """
    check_plot(png)
    import matplotlib.style

    shown = read_shown(netcdf)
    with matplotlib.style.context("default"), warnings.catch_warnings():
        # Names are the user's text; a sign that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        page = compose(shown)
        with atomic_file(png) as part:
            page.savefig(part, format="png", metadata={"Software": None})


def compose(shown: Shown) -> Any:
    """Draw the page in memory; returns a matplotlib Figure, A4 landscape, 150 dots per inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.69, 8.27), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    rows = len(shown.panels)
    frame = {"left": 0.075, "right": 0.97, "top": 0.855, "bottom": 0.105, "hspace": 0.2 + 0.05 * rows, "wspace": 0.14}
    close = shown.window is not None
    grid = figure.add_gridspec(rows, 2 if close else 1, width_ratios=(2.1, 1) if close else (1,), **frame)
    _write_frame(figure, shown)
    first: Any = None
    first_close: Any = None
    for row, panel in enumerate(shown.panels):
        axes = figure.add_subplot(grid[row, 0], sharex=first)
        first = first or axes
        _draw(figure, axes, shown, panel, _COLOURS[row % len(_COLOURS)], last=row == rows - 1)
        if close and panel.close is not None:
            side = figure.add_subplot(grid[row, 1], sharex=first_close)
            first_close = first_close or side
            _draw_close(side, shown, panel, _COLOURS[row % len(_COLOURS)], top=row == 0, last=row == rows - 1)
    return figure


def _write_frame(figure: Any, shown: Shown) -> None:
    plain = {"parse_math": False, "color": _GREY, "fontsize": 8.5}
    figure.text(0.075, 0.95, _short(shown.title, 90), fontsize=15, fontweight="bold", parse_math=False)
    figure.text(0.075, 0.918, _short("   ·   ".join(filter(None, shown.facts)), 150), **plain)
    figure.text(0.075, 0.025, "   ·   ".join(filter(None, shown.footer)), **plain)
    figure.text(0.97, 0.025, "antares-legacy dbdump to-netcdf", ha="right", family="monospace", **plain)


def _short(text: str, length: int) -> str:
    text = printable(text)
    half = (length - 1) // 2
    return text if len(text) <= length else f"{text[:half]}…{text[-half:]}"


def _dates(micros: Any) -> Any:
    from matplotlib.dates import date2num

    return date2num(_DATES + np.asarray(micros).astype("timedelta64[us]"))


def _draw(figure: Any, axes: Any, shown: Shown, panel: Panel, colour: str, *, last: bool) -> None:
    for start, end in shown.gaps:
        axes.axvspan(*_dates([start, end]), color=_GAP, linewidth=0, zorder=0)
    if panel.cells is not None:
        _draw_profile(figure, axes, panel)
    else:
        x = _dates(panel.times)
        if panel.binned:
            axes.fill_between(x, panel.low, panel.high, color=colour, alpha=0.35, linewidth=0, step="mid")
        axes.plot(x, panel.middle, color=colour, linewidth=0.9 if not panel.binned else 0.7)
        _mark(axes, panel.doubtful, panel.bad)
        axes.set_ylabel(panel.unit, fontsize=8.5)
    _caption(axes, panel.title, panel.notes)
    axes.set_xlim(*_dates([shown.first, shown.last]))
    if shown.window is not None and panel.cells is None:
        edge = {"color": "#333333", "linewidth": 0.8, "linestyle": (0, (3, 2))}
        for moment in _dates(shown.window):
            axes.axvline(moment, **edge)
    _tidy(axes, last=last, profile=panel.cells is not None)


def _mark(axes: Any, doubtful: Marked, bad: Marked) -> None:
    """Mark doubtful values, and bad ones where they are or at the edge of an axis that the others have set."""
    axes.plot(_dates(doubtful[0]), doubtful[1], ".", color=_ORANGE, markersize=2.5)
    times, values = bad
    if len(times) == 0:
        return
    style = {"color": _ORANGE, "markersize": 5, "markeredgewidth": 1.2}
    if not np.isfinite(axes.dataLim.get_points()).all():  # there are no good values
        axes.plot(_dates(times), values, "x", **style)
        return
    bottom, top = axes.get_ylim()
    margin = 0.03 * (top - bottom)
    axes.plot(_dates(times), np.clip(values, bottom + margin, top - margin), "x", **style)
    axes.set_ylim(bottom, top)


def _draw_profile(figure: Any, axes: Any, panel: Panel) -> None:
    largest = float(np.nanmax(np.abs(panel.image))) if np.isfinite(panel.image).any() else 1.0
    signed = bool(np.nanmin(panel.image, initial=0.0) < 0)
    lower = -largest if signed else float(np.nanmin(panel.image, initial=largest))
    mesh = axes.pcolormesh(
        _dates(panel.edges),
        panel.cells,
        np.ma.masked_invalid(panel.image).T,
        cmap="RdBu_r" if signed else "viridis",
        vmin=lower,
        vmax=largest,
    )
    bar = figure.colorbar(mesh, ax=axes, pad=0.012, aspect=12)
    bar.set_label(panel.unit, fontsize=8.5)
    bar.ax.tick_params(labelsize=7.5)
    axes.set_facecolor(_GAP)
    axes.set_ylabel("depth, m", fontsize=8.5)
    axes.invert_yaxis()


def _draw_close(axes: Any, shown: Shown, panel: Panel, colour: str, *, top: bool, last: bool) -> None:
    times, values, flags = panel.close  # type: ignore[misc]
    for start, end in shown.gaps:
        axes.axvspan(*_dates([start, end]), color=_GAP, linewidth=0, zorder=0)
    doubtful, bad = ((flags == flag) & ~np.isnan(values) for flag in (3, 4))
    axes.plot(_dates(times), np.where(bad, np.nan, values), color=colour, linewidth=1, marker=".", markersize=3)
    _mark(axes, (times[doubtful], values[doubtful]), (times[bad], values[bad]))
    _caption(axes, "close-up around its highest value" if top else "", ())
    axes.set_xlim(*_dates(shown.window))
    _tidy(axes, last=last, profile=False)


def _caption(axes: Any, title: str, notes: tuple[str, ...]) -> None:
    axes.set_title(_short(title, 64), loc="left", fontsize=9.5, fontweight="bold", pad=4, parse_math=False)
    if notes:
        axes.set_title(" · ".join(notes), loc="right", fontsize=7.5, color=_GREY, pad=4)


def _tidy(axes: Any, *, last: bool, profile: bool) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, labelbottom=last)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    if not profile:
        axes.grid(axis="y", color="#e0e0e0", linewidth=0.6)
    axes.set_axisbelow(True)
    locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))
    axes.xaxis.get_offset_text().set_fontsize(8)
    if last:
        axes.set_xlabel("UTC", fontsize=8.5)
