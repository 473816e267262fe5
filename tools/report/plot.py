# SPDX-License-Identifier: MIT
"""latency.svg and latency.png: a distribution for each arm, log scale."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

COLOURS = (
    ("emulated", "#b04a3a"),
    ("posted", "#5b7f95"),
    ("native", "#5b7f95"),
    ("galog", "#c98b2b"),
    ("gappi-own", "#2f7d5b"),
    ("gappi-shared", "#7aa65a"),
)
BINS_PER_DECADE = 24
NONE_AT = 5  # where "no host code ran" is drawn: left of the scale


def _colour(name):
    return next((c for prefix, c in COLOURS if name.startswith(prefix)), "#777777")


def draw(arms, samples, paths, title="Reveille: counts under emulation, not times"):
    """arms: summaries, top to bottom. samples: arm name -> array of host instructions."""
    top = max([int(s.max()) for s in samples.values() if len(s)] + [1000])
    edges = np.logspace(1, np.log10(top) + 0.1,
                        max(2, int((np.log10(top) - 0.9) * BINS_PER_DECADE)))
    figure, axes = plt.subplots(figsize=(10, 1.2 + 0.46 * len(arms)))
    for row, arm in enumerate(arms):
        values, base = samples[arm["name"]], len(arms) - 1 - row
        colour = _colour(arm["name"])
        some = values[values > 0]
        share = np.histogram(np.maximum(some, 10), edges)[0] / max(len(values), 1)
        height = 0.8 * share / max(share.max(), 1e-9)
        axes.fill_between(edges[:-1], base, base + height, step="post", color=colour, alpha=0.55,
                          linewidth=0)
        axes.axhline(base, color="#cccccc", linewidth=0.6, zorder=0)
        if len(values) and len(some) < len(values) / 2:
            axes.plot(NONE_AT, base + 0.25, "o", color=colour, markersize=6)
            label = "no host code"
        else:
            p50, p99 = arm["host_instructions"]["p50"], arm["host_instructions"]["p99"]
            axes.plot([p50, p50], [base, base + 0.8], color=colour, linewidth=1.8)
            axes.plot([max(p99, 10)], [base + 0.1], marker="|", color="black", markersize=7)
            label = f"p50 {p50:,}   p99 {p99:,}"
        axes.text(1.01, base + 0.2, label, transform=axes.get_yaxis_transform(), fontsize=8,
                  color="#333333")
    axes.set_xscale("log")
    axes.set_xlim(NONE_AT * 0.8, edges[-1])
    axes.set_ylim(-0.1, len(arms))
    axes.set_yticks([len(arms) - 1 - i + 0.2 for i in range(len(arms))],
                    [a["name"] for a in arms], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("host instructions from the device's interrupt to the VMRUN that delivers it"
                    "  (bar: p50, tick: p99)")
    axes.set_title(title, fontsize=11, loc="left")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.subplots_adjust(left=0.2, right=0.8, top=0.94, bottom=max(0.06, 0.5 / len(arms)))
    for path in paths:
        figure.savefig(path, dpi=130)
    plt.close(figure)
