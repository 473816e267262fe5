# SPDX-License-Identifier: MIT
"""linux.svg and linux.png of make demo-linux: exits per packet by reason, and throughput, for each
load and mode."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLOURS = {"halt": "#2f7d5b", "host interrupt": "#c98b2b", "log": "#e6c88a", "ipi": "#5b7f95", "apic": "#cccccc",
           "other": "#b04a3a"}


def _rows(arms):
    """Arms by load, and a gap between loads: [(y, arm)], bottom to top."""
    loads = list(dict.fromkeys(a["load"] for a in arms))
    rows, y = [], 0.0
    for load in reversed(loads):
        for arm in reversed([a for a in arms if a["load"] == load]):
            rows.append((y, arm))
            y += 1
        y += 0.6
    return rows


def _tidy(axes, label):
    axes.set_xlabel(label, fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(plt.MaxNLocator(5))
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def draw(arms, paths):
    rows = _rows(arms)
    figure, (left, right) = plt.subplots(
        1, 2, sharey=True, figsize=(11, 1.6 + 0.3 * len(rows)), width_ratios=(3, 2))
    for y, arm in rows:
        at = 0.0
        for reason, value in arm["exits_per_packet"].items():
            left.barh(y, value, left=at, height=0.75, color=COLOURS[reason])
            at += value
        left.text(at, y, f" {at:.2f}", va="center", fontsize=7, color="#333333")
        speed = arm["packets_per_virtual_second"]
        right.barh(y, speed, height=0.75, color="#5b7f95")
        right.text(speed, y, f" {speed:,}", va="center", fontsize=7, color="#333333")
    left.set_yticks([y for y, _ in rows], [f"{a['load']}, {a['mode']}" for _, a in rows],
                    fontsize=8)
    left.legend([plt.Rectangle((0, 0), 1, 1, color=c) for c in COLOURS.values()], list(COLOURS),
                fontsize=7, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0),
                ncols=len(COLOURS))
    _tidy(left, "exits of guest a for each packet that it received")
    _tidy(right, "packets received per second of virtual time")
    figure.suptitle("Linux guests with NICs of their own: counts under emulation mean something,"
                    " times don't", fontsize=10, x=0.02, ha="left")
    figure.tight_layout(rect=(0, 0, 1, 0.98))
    for path in paths:
        figure.savefig(path, dpi=130)
    plt.close(figure)
