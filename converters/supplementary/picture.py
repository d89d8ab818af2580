"""Pictures of the tables, one page each."""

from typing import Any

import numpy as np

from converters.auxiliary.contract import Document
from converters.supplementary.checks import TOUCH
from converters.supplementary.model import TITLES, Content, SupplementaryTable
from converters.supplementary.response import background_below
from legacy.errors import printable

_BLUE, _GREY = "#0072B2", "#6b6b6b"


def table_figure(table: SupplementaryTable, document: Document) -> Any:
    """Draw a table; returns a matplotlib Figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.69, 8.27), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.11, 0.85, 0.74))
    draw = {
        Content.EFFECTIVE_AREA: _effective_area,
        Content.ACCEPTANCE: _acceptance,
        Content.BACKGROUND: _background,
        Content.PSF: _psf,
    }[table.annotation.content]
    drawn = draw(axes, table)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=axes, pad=0.02)
        bar.set_label("acceptance (GeV⁻¹ cm² s, scale as in the source)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.text(0.1, 0.945, printable(_title(table, document)).replace("$", r"\$"), fontsize=14, weight="bold")
    figure.text(0.1, 0.905, _caption(table), fontsize=9.5, color=_GREY)
    return figure


def _title(table: SupplementaryTable, document: Document) -> str:
    text = str(document["publication"].get("title", "")) or TITLES[table.annotation.content].capitalize()
    return text if len(text) <= 80 else text[:79] + "…"


def _caption(table: SupplementaryTable) -> str:
    parts = []
    for name, span in table.annotation.origin.items():
        low, high = [str(value) for key, value in span.items() if key not in ("unit", "ktype")]
        unit = f" {span['unit']}" if "unit" in span else ""
        parts.append(f"{name} {low[:10]} to {high[:10]}{unit}")
    return printable("; ".join(parts)).replace("$", r"\$")


def _grid(axes: Any) -> None:
    axes.grid(color="#d0d0d0", linewidth=0.5)
    axes.set_axisbelow(True)


def _effective_area(axes: Any, table: SupplementaryTable) -> None:
    low, high, area = table["log10_energy_low"], table["log10_energy_high"], table["effective_area"]
    shown = np.where(area > 0, area, np.nan)  # 0 has no place on a logarithmic axis
    if not (area > 0).any():
        axes.text(0.5, 0.5, "the effective area is 0 in every bin", transform=axes.transAxes, ha="center")
    axes.hlines(shown, 10**low, 10**high, color=_BLUE, linewidth=2)
    axes.plot(10 ** ((low + high) / 2), shown, "o", color=_BLUE, markersize=3)
    axes.set_xscale("log")
    if (area > 0).any():
        axes.set_yscale("log")
    axes.set_xlabel("energy (GeV)")
    axes.set_ylabel("effective area (m²)")
    _grid(axes)


def _acceptance(axes: Any, table: SupplementaryTable) -> Any:
    """Draw the map and return it, for its scale."""
    from matplotlib.colors import LogNorm

    indices = np.unique(table["spectral_index"])
    bins = table.rows // len(indices)
    low, high = table["sin_dec_low"][:bins], table["sin_dec_high"][:bins]
    if len(indices) > 1:
        middles = (indices[1:] + indices[:-1]) / 2
        rows = np.concatenate(([2 * indices[0] - middles[0]], middles, [2 * indices[-1] - middles[-1]]))
    else:
        rows = np.array([indices[0] - 0.05, indices[0] + 0.05])
    values = np.ma.masked_less_equal(table["acceptance"].reshape(len(indices), bins), 0)
    norm = LogNorm(values.min(), values.max()) if values.count() and values.min() < values.max() else None
    # A column of its own for each gap between bins, left white.
    gaps = np.flatnonzero(low[1:] > high[:-1] + TOUCH) + 1
    edges = np.sort(np.concatenate((low, high[gaps - 1], high[-1:])))
    values = np.ma.masked_invalid(np.insert(values.filled(np.nan), gaps, np.nan, axis=1))
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(rows[0], rows[-1])
    axes.set_xlabel("sine of the declination")
    axes.set_ylabel("spectral index")
    if not values.count():
        axes.text(0.5, 0.5, "the acceptance is 0 everywhere", transform=axes.transAxes, ha="center")
        return None
    return axes.pcolormesh(edges, rows, values, norm=norm, cmap="cividis")


def _background(axes: Any, table: SupplementaryTable) -> None:
    span = table.annotation.origin.get("declination", {"min": -90.0, "max": 90.0})
    declination = np.linspace(float(span["min"]), float(span["max"]), 721)
    if "declination" in table.annotation.origin:
        events = np.array([background_below(table, value) for value in declination.tolist()])
        axes.plot(declination, events, color=_BLUE, linewidth=2)
        axes.set_ylabel("events below the declination")
        axes.set_xlabel("declination (deg)")
    else:
        axes.stem(table["power"], table["coefficient"])
        axes.set_ylabel("coefficient (the description names no range of declinations)")
        axes.set_xlabel("power")
    _grid(axes)


def _psf(axes: Any, table: SupplementaryTable) -> None:
    axes.plot(table["angle"], table["fraction"], color=_BLUE, linewidth=2, marker="o", markersize=3)
    if (table["angle"] > 0).all():
        axes.set_xscale("log")
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("angle between true and reconstructed direction (deg)")
    axes.set_ylabel("fraction of events within the angle")
    _grid(axes)
