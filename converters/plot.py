"""The page of pictures of a product: sky, zenith, quality, hits, time, composed and drawn.

Matplotlib is loaded on use, draws without a screen, and keeps no state.
"""

import warnings
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.auxiliary.products import find_product, readable
from converters.plot_data import (
    CELL_AREA,
    KEPT,
    MAP_COLUMNS,
    MAP_ROWS,
    MAPS,
    MINUTES_PER_DAY,
    OTHER_FITS,
    SHOWN_POINTS,
    TRUTH,
    Contents,
    Floats,
    printable,
    read_contents,
)
from legacy.atomic import atomic_file
from legacy.errors import MissingDependencyError, UsageError

_SHOWN_FITS = 5
# Orientation of the Galaxy in the ICRS, deg: north pole, and galactic longitude of the celestial pole
# (Hipparcos and Tycho catalogues, ESA SP-1200, volume 1, section 1.5.3). The centre is at l = b = 0.
_POLE_RA, _POLE_DEC, _POLE_LONGITUDE = 192.85948, 27.12825, 122.93192

# The colours of Okabe and Ito, which people who do not see all colours can tell apart.
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#6b6b6b"
_FIT_COLOURS = (_BLUE, "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#999999")

_PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("reconstructed zenith", ("zenith", "mc_zenith", "dec")),
    ("fit quality", ("quality", "angular_error", "mc_energy")),
    ("numbers of hits", ("n_hits", "energy", "mc_energy", "n_lines")),
    (
        "event times",
        ("mjd", "energy", "mc_energy", "angular_error", "n_lines", "mc_bjorken_y", "azimuth", "mc_azimuth"),
    ),
)
"""What a panel is for, and the columns that it can show, the best first."""


def plot(product: Path, png: Path) -> None:
    """Draw one A4 page about a product.

    The same file gives the same bytes with the same version of matplotlib. Panels whose first choice the file
    cannot fill show the next best quantity and say so.

    Parameters
    ----------
    product
        A level-3 HDF5 file, a supplementary table or a spectrum.
    png
        The picture; it appears under this name when it is complete, and replaces an older one.

    Raises
    ------
    UsageError
        The name of the picture does not end in ``.png``, or is that of the product.
    MissingDependencyError
        Matplotlib is not installed.
    InputError
        The product is missing, damaged, or no product.
    OSError
        The picture cannot be written.
    """
    if png.suffix.lower() != ".png":
        raise UsageError(f"{png}: the picture is a PNG file; give it a name that ends in .png")
    if png.exists() and product.exists() and png.samefile(product):
        raise UsageError(f"{png}: the picture would replace the product")
    try:
        import matplotlib.style
    except ImportError as error:
        raise MissingDependencyError("plot", "pip install 'antares-legacy[plot]'") from error
    found = find_product(product)
    contents = None if found else read_contents(product)
    with matplotlib.style.context("default"), warnings.catch_warnings():
        # Titles are the user's text; a sign that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        if found is not None:
            with readable(product):
                page = found.format.figure(product, found.about)
        elif contents is not None:
            page = compose(contents)
        with atomic_file(png) as part:
            page.savefig(part, format="png", metadata={"Software": None})


def compose(contents: Contents) -> Any:
    """Draw the page in memory.

    The figure takes the settings of matplotlib that are in force; `plot` sees to it that they are the defaults.

    Parameters
    ----------
    contents
        What the page shows.

    Returns
    -------
    matplotlib.figure.Figure
        A4 landscape, 150 dots per inch.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.69, 8.27), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    frame = {"left": 0.06, "right": 0.97, "top": 0.825, "bottom": 0.125, "hspace": 0.42, "wspace": 0.27}
    grid = figure.add_gridspec(2, 3, height_ratios=(1.15, 1), **frame)
    _write_frame(figure, contents)
    _draw_map(figure, grid[0, :2], contents)
    used: set[str] = set()
    places = (grid[0, 2], grid[1, 0], grid[1, 1], grid[1, 2])
    for place, (purpose, choices) in zip(places, _PANELS, strict=True):
        axes = figure.add_subplot(place)
        chosen = next((name for name in choices if name not in used and contents.has(name)), "")
        used.add(chosen)
        note = "" if chosen == choices[0] else f"the file has no {purpose if contents.rows else 'events'}"
        if chosen in KEPT:
            _draw_kept(axes, contents, chosen, note)
        elif chosen == "mjd":
            _draw_times(axes, contents)
        elif chosen:
            _draw_histogram(axes, contents, chosen, note)
        else:
            _draw_nothing(axes, purpose.capitalize(), note)
    return figure


def _write_frame(figure: Any, contents: Contents) -> None:
    header = contents.header
    period = " to ".join(header[key][:19] for key in ("measurement_start", "measurement_stop") if header.get(key))
    facts = [header.get("instrument", ""), header.get("author", ""), period]
    if any(h.present for name, h in contents.histograms.items() if name.startswith("mc_")):
        facts.append("simulated events, not weighted")
    footer = [
        _short(contents.name, 60),
        _events(contents.rows),
        f"kid {_short(contents.kid, 40)}",
        f"data model {_short(contents.version, 12)}",
    ]
    plain = {"parse_math": False, "color": _GREY, "fontsize": 8.5}
    title = _short(header.get("title") or contents.name, 80)
    figure.text(0.06, 0.945, title, fontsize=15, fontweight="bold", parse_math=False)
    figure.text(0.06, 0.915, _short("   ·   ".join(filter(None, facts)), 150), **plain)
    figure.text(0.06, 0.03, "   ·   ".join(footer), **plain)
    figure.text(0.97, 0.03, "antares-legacy plot", ha="right", family="monospace", **plain)


def _short(text: str, length: int) -> str:
    """Cut the middle out of a text that is too long."""
    half = (length - 1) // 2
    return text if len(text) <= length else f"{text[:half]}…{text[-half:]}"


def _events(number: int) -> str:
    return f"{number:,} event{'' if number == 1 else 's'}"


def _caption(axes: Any, title: str, notes: Sequence[str]) -> None:
    axes.text(0, 1.085, title, transform=axes.transAxes, fontsize=10.5, fontweight="bold", parse_math=False)
    axes.text(0, 1.025, " · ".join(filter(None, notes)), transform=axes.transAxes, fontsize=7.5, color=_GREY)


def _counted(shown: int, present: int, rows: int) -> tuple[str, str]:
    """Say how many events a panel is about, and how many of them its axis does not reach."""
    whole = _events(present) if present == rows else f"{present:,} of {_events(rows)} with a value"
    return whole, f"{present - shown:,} outside of the axis" if shown < present else ""


def _tidy(axes: Any, label: str, of_what: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(label, fontsize=8.5)
    axes.set_ylabel(of_what, fontsize=8.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=(1, 2, 5, 10)))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=(1, 2, 5, 10), integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}")
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color="#e3e3e3", linewidth=0.6)
    axes.set_axisbelow(True)


def _draw_nothing(axes: Any, title: str, why: str) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("#d0d0d0")
    _caption(axes, title, ())
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=_GREY, fontsize=9)


def _joined(events: int) -> int:
    """Return how many of 60 bins to join into one, so that few events do not make a comb."""
    return next(joined for most, joined in ((100, 5), (1000, 2), (np.inf, 1)) if events < most)


def _draw_histogram(axes: Any, contents: Contents, name: str, note: str) -> None:
    histogram = contents.histograms[name]
    quantity, counts, edges = histogram.quantity, histogram.counts, histogram.quantity.edges
    shown = int(counts.sum())
    first, last = (0, 59) if quantity.scale == "linear" or not shown else np.flatnonzero(counts)[[0, -1]]
    starts = np.arange(first, last + 1, -(-(last - first + 1) * _joined(shown) // 60))
    counts, edges = np.add.reduceat(counts[: last + 1], starts), np.append(edges[starts], edges[last + 1])
    axes.stairs(counts, edges, fill=True, color=_ORANGE if name.startswith("mc_") else _BLUE, alpha=0.85)
    _tidy(axes, quantity.label, "events per bin")
    if quantity.scale == "log" or name == "n_hits":
        _make_logarithmic(axes, edges)
    if quantity.scale != "linear" and counts.max() >= 1000:
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
    axes.set_xlim(edges[0], edges[-1])
    _caption(axes, quantity.title, (note, *_counted(shown, histogram.present, contents.rows)))


def _make_logarithmic(axes: Any, edges: Floats) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    if edges[-1] / edges[0] < 300:  # whole powers of ten would be too few to read a value
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _draw_kept(axes: Any, contents: Contents, column: str, note: str) -> None:
    groups = {fit: np.concatenate(parts) for fit, parts in contents.kept[column].items()}
    largest = sorted(groups, key=lambda fit: (-len(groups[fit]), fit))
    if len(largest) > _SHOWN_FITS + 1:
        others = np.concatenate([groups.pop(fit) for fit in largest[_SHOWN_FITS:]])
        largest = [*largest[:_SHOWN_FITS], OTHER_FITS]
        groups[OTHER_FITS] = others
    edges = _fitting_edges(list(groups.values()))
    shown = 0
    for fit, colour in zip(largest, _FIT_COLOURS, strict=False):
        counts = np.histogram(groups[fit], edges)[0]
        shown += int(counts.sum())
        label = f"{_short(printable(fit), 16)} ({len(groups[fit]):,})"
        axes.stairs(counts, edges, fill=len(groups) == 1, color=colour, alpha=0.85, linewidth=1.4, label=label)
    title, label = KEPT[column]
    _tidy(axes, label, "events per bin")
    axes.set_xlim(edges[0], edges[-1])
    if len(groups) > 1:
        axes.legend(fontsize=7.5, frameon=False)
    elif printable(largest[0]):
        title += f": {_short(printable(largest[0]), 16)}"
    _caption(axes, title, (note, *_counted(shown, sum(map(len, groups.values())), contents.rows)))


def _fitting_edges(groups: Sequence[NDArray[np.float32]]) -> Floats:
    """Choose bins that a few wild values do not spoil, and that do not beat with rounded ones."""
    events = sum(map(len, groups))
    sample = np.concatenate([values[:: events // 500_000 + 1] for values in groups]).astype(np.float64)
    low, high = (float(edge) for edge in np.quantile(sample, (0.005, 0.995)))
    margin = 0.25 * (high - low) or 0.5
    low = max(low - margin, min(float(values.min()) for values in groups))
    high = min(high + margin, max(float(values.max()) for values in groups))
    if low == high:
        return np.array([low - 0.5, high + 0.5])
    distinct = np.unique(sample[(sample >= low) & (sample <= high)])
    step = float(np.diff(distinct).min()) if 1 < len(distinct) <= 60 else 0.0
    if step and (high - low) / step <= 60:
        return np.asarray(low + step * (np.arange(round((high - low) / step) + 2) - 0.5))
    return np.linspace(low, high, 60 // _joined(events) + 1)


def _draw_times(axes: Any, contents: Contents) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    first = min(int(part.min()) for part in contents.minutes)
    last = max(int(part.max()) for part in contents.minutes)
    days = (last - first) / MINUTES_PER_DAY
    limits = ((0.125, "m", "minute"), (3, "h", "hour"), (400, "D", "day"), (np.inf, "M", "month"))
    unit, word = next((unit, word) for most, unit, word in limits if days < most)
    origin, step = np.datetime64("1858-11-17", "m"), f"datetime64[{unit}]"
    begin = (origin + first).astype(step).astype(np.int64)
    bins = (origin + last).astype(step).astype(np.int64) - begin + 1
    counts = np.zeros(bins, dtype=np.int64)
    for part in contents.minutes:
        counts += np.bincount((origin + part).astype(step).astype(np.int64) - begin, minlength=bins)
    edges = date2num((begin + np.arange(bins + 1)).astype(step))
    axes.stairs(counts, edges, fill=True, color=_BLUE, alpha=0.85)
    _tidy(axes, "UTC", f"events per {word}")
    locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=8)  # with 5 of 7 it finds none for 43 months
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))
    axes.xaxis.get_offset_text().set_fontsize(8)
    axes.set_xlim(edges[0], edges[-1])
    shown = int(counts.sum())
    _caption(axes, "Time", _counted(shown, shown, contents.rows))


def _draw_map(figure: Any, place: Any, contents: Contents) -> None:
    kind = next((longitude for longitude, _ in MAPS if contents.maps[longitude].present), "")
    if not kind:
        why = f"the file has no {'directions' if contents.rows else 'events'}"
        _draw_nothing(figure.add_subplot(place), "Sky", why)
        return
    sky = contents.maps[kind]
    axes = figure.add_subplot(place, projection="mollweide")
    if sky.present <= SHOWN_POINTS:
        size = float(np.clip(6000 / sky.present, 1.5, 25))
        colour = _ORANGE if kind.startswith("mc_") else _BLUE
        axes.scatter(*np.concatenate(sky.points, axis=1), s=size, color=colour, alpha=0.7, linewidths=0)
    else:
        edges = np.linspace(-np.pi, np.pi, MAP_COLUMNS + 1), np.arcsin(np.linspace(-1, 1, MAP_ROWS + 1))
        cells = np.ma.masked_equal(sky.cells.reshape(MAP_ROWS, MAP_COLUMNS), 0)
        bar = figure.colorbar(axes.pcolormesh(*edges, cells, vmin=0), ax=axes, shrink=0.75, pad=0.03)
        bar.set_label(f"events per {CELL_AREA:.1f} deg² (white: none)", fontsize=8.5)
        bar.ax.tick_params(labelsize=8)
    _label_map(axes, kind)
    title, note = {
        "ra": ("Sky, equatorial", ""),
        "azimuth": ("Sky, local", "the file has no sky coordinates"),
        "mc_azimuth": (TRUTH + "local directions", "the file has no reconstructed directions"),
    }[kind]
    _caption(axes, title, (note, *_counted(sky.present, sky.present, contents.rows)))


def _label_map(axes: Any, kind: str) -> None:
    from matplotlib.patheffects import withStroke

    degrees = np.arange(-120, 121, 60) if kind == "ra" else np.arange(-90, 91, 90)
    middle, names = (180, {}) if kind == "ra" else (90, {0: " E", 90: " N", 180: " W"})
    turned = [int(middle - step) % 360 for step in degrees]
    labels = [f"{angle}°{names.get(angle, '')}" for angle in turned]
    halo = [withStroke(linewidth=2.5, foreground="white")]
    axes.set_xticks(np.radians(degrees), labels, fontsize=7.5, color=_GREY, path_effects=halo)
    axes.set_yticks(np.radians([-60, -30, 0, 30, 60]))
    axes.tick_params(axis="y", labelsize=7.5, labelcolor=_GREY)
    axes.set_longitude_grid_ends(90)
    axes.set_axisbelow(False)  # the labels stand in the map, above the events
    axes.grid(color="#d0d0d0", linewidth=0.5)
    if kind == "ra":
        plane = _galactic(np.arange(0, 360, 2.0))
        axes.plot(*plane[:, np.argsort(plane[0])], color=_ORANGE, linewidth=1.2, label="galactic plane")
        axes.plot(*_galactic(np.zeros(1)), "*", color=_ORANGE, markersize=10, mec="white", label="galactic centre")
        axis = "right ascension (along the equator, growing to the left) and declination, ICRS"
    else:
        axes.plot([-np.pi, np.pi], [0, 0], color="black", linewidth=1, label="horizon")
        axis = "azimuth of the source (along the horizon, from grid east) and height above it"
    axes.legend(loc="upper right", bbox_to_anchor=(1.08, 1.08), fontsize=7.5, frameon=False)
    axes.text(0.5, -0.07, axis, transform=axes.transAxes, ha="center", fontsize=8.5)


def _galactic(longitude: Floats) -> Floats:
    """Return where points of the galactic plane lie on the equatorial map, rad, shape (2, n)."""
    along, pole = np.radians(_POLE_LONGITUDE - longitude), np.radians(_POLE_DEC)
    ra = _POLE_RA + np.degrees(np.arctan2(np.sin(along), -np.sin(pole) * np.cos(along)))
    return np.radians([180 - np.mod(ra, 360), np.degrees(np.arcsin(np.cos(pole) * np.cos(along)))])
