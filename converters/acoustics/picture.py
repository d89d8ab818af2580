"""The picture of a spectrum."""

from typing import Any

import numpy as np

from converters.auxiliary.contract import Document
from legacy.errors import printable

# The colours of Okabe and Ito, which people who do not see all colours can tell apart.
_CURVES = (
    ("quantile_95", "95 % quantile", "#D55E00", 0.9),
    ("quantile_75", "75 % quantile", "#E69F00", 0.9),
    ("mean", "mean", "#009E73", 1.6),
    ("median", "median", "#0072B2", 1.6),
)


def spectrum_figure(document: Document) -> Any:
    """Draw mean, median and quantiles of a spectrum; returns a matplotlib Figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    content, header = document["content"], document["publication"]
    figure = Figure(figsize=(11.69, 8.27), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.11, 0.87, 0.74))
    frequency = np.array(content["frequency"])[1:] / 1000  # no place for 0 on a logarithmic axis
    for name, label, colour, width in _CURVES:
        density = np.array(content[name])[1:]
        with np.errstate(divide="ignore"):  # silence has no level: a break in the line
            level = 10 * np.log10(density)
        axes.plot(frequency, np.where(np.isfinite(level), level, np.nan), label=label, color=colour, linewidth=width)
    if not any(any(content[name][1:]) for name, *_ in _CURVES):
        axes.text(0.5, 0.5, "silence: every density is 0", transform=axes.transAxes, ha="center")
    axes.set_xscale("log")
    axes.set_xlim(frequency[0], frequency[-1])
    axes.set_xlabel("frequency (kHz)")
    axes.set_ylabel("power spectral density (dB re full scale² / Hz)")
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.grid(color="#d0d0d0", linewidth=0.5, which="major")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.text(
        0.09, 0.945, printable(str(header.get("title", ""))[:80]).replace("$", r"\$"), fontsize=14, weight="bold"
    )
    figure.text(0.09, 0.905, _caption(content), fontsize=9.5, color="#6b6b6b")
    return figure


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _caption(content: dict[str, Any]) -> str:
    width = content["sample_rate_hz"] / content["segment_samples"]
    return (
        f"{content['duration_s']:.3f} s in {_count(content['records'], 'record')}; {content['segments']} segments of "
        f"{content['segment_samples']} samples, Hann window; {width:.1f} Hz between points"
    )
