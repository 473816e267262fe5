# SPDX-License-Identifier: MIT
"""Two systems side by side: table, ratios, goals, picture."""

import sys

# KVM's arm that does the same job, where it has no arm of that name: KVM has no GAPPI.
STANDS_FOR = {
    "gappi-own-idle": "galog-idle",
    "gappi-own-busy": "galog-busy",
    "gappi-shared-idle": "galog-idle",
    "gappi-shared-busy": "galog-busy",
}
# How many times fewer host instructions (p50) than KVM it is to be.
GOALS = {"galog-idle": 20, "galog-busy": 20, "gappi-own-idle": 30, "gappi-own-busy": 30}
FLAT = ("p50", "p99", "max")


def pairs(ours, theirs):
    """[(arm, theirs or None)] in the order of ours."""
    by_name = {a["name"]: a for a in theirs}
    return [(a, by_name.get(a["name"]) or by_name.get(STANDS_FOR.get(a["name"])))
            for a in ours]


def ratios(ours, theirs):
    """[{arm, against, p50, p99, max, exits, goal, ok}]: KVM / Reveille; None where ours is 0."""
    result = []
    for a, b in pairs(ours, theirs):
        if not b:
            continue
        row = {"arm": a["name"], "against": b["name"]}
        for key in FLAT:
            mine, other = a["host_instructions"][key], b["host_instructions"][key]
            row[key] = round(other / mine, 1) if mine else None
        row["goal"] = GOALS.get(a["name"])
        row["behind"] = a["host_instructions"]["p50"] > b["host_instructions"]["p50"]
        row["ok"] = not row["behind"] and not (
            row["goal"] and row["p50"] is not None and row["p50"] < row["goal"])
        result.append(row)
    return result


def _row(system, name, a, ratio, out):
    h, m = a["host_instructions"], a["iommu_mmio_per_interrupt"]
    print(f"{name:22} {system:9} {a['interrupts']:7} {a['lost']:5} {a['duplicates']:5}"
          f" {a['exits_per_interrupt']:6.2f} {h['p50']:7} {h['p99']:7} {h['max']:8}"
          f" {m['reads']:6.2f} {m['writes']:6.2f} {a['iommu_commands_per_interrupt']:8.2f}"
          f" {ratio:>9}", file=out)


def print_table(ours, theirs, out=sys.stdout):
    print(f"{'arm':22} {'system':9} {'inter-':>7} {'lost':>5} {'twice':>5} {'exits':>6}"
          f" {'host instructions':>24} {'IOMMU':>13} {'IOMMU':>8} {'KVM /':>9}", file=out)
    print(f"{'':22} {'':9} {'rupts':>7} {'':5} {'':5} {'/int':>6} {'p50':>7} {'p99':>7} {'max':>8}"
          f" {'reads':>6} {'writes':>6} {'commands':>8} {'Reveille':>9}", file=out)
    by_arm = {r["arm"]: r for r in ratios(ours, theirs)}
    for a, b in pairs(ours, theirs):
        row = by_arm.get(a["name"])
        ratio = "" if not row else "-" if row["p50"] is None else f"{row['p50']:.1f} x"
        _row("Reveille", a["name"], a, ratio, out)
        if b:
            _row("KVM", "" if b["name"] == a["name"] else f"  ({b['name']})", b, "", out)


def print_round_trips(ours, theirs, out=sys.stdout):
    """Exits one by one. ipi-wake: from the exit of an IPI to the target's VMRUN, on both CPUs."""
    print(f"{'exit and entry again':22} {'':9} {'':27} {'host instructions':>24}", file=out)
    by_name = {t["name"]: t for t in theirs}
    for mine in ours:
        other = by_name.get(mine["name"])
        for system, trip in (("Reveille", mine), ("KVM", other)):
            if not trip:
                continue
            h = trip["host_instructions"]
            ratio = ""
            if other and trip is mine:
                ratio = f"{other['host_instructions']['p50'] / max(h['p50'], 1):.1f} x"
            name = mine["name"] if trip is mine else ""
            print(f"{name:22} {system:9} {trip['count']:7} {'':19} {h['p50']:7} {h['p99']:7}"
                  f" {h['max']:8} {'':22} {ratio:>9}", file=out)


def draw(ours, theirs, samples, paths):
    """samples: (system, arm) -> host instructions of each interrupt."""
    import plot  # matplotlib only where a picture is wanted

    arms, values = [], {}
    for a, b in pairs(ours, theirs):
        arms.append(a)
        values[a["name"]] = samples["reveille", a["name"]]
        if b and b["name"] == a["name"]:
            other = dict(b, name=f"{b['name']} (KVM)")
            arms.append(other)
            values[other["name"]] = samples["kvm", b["name"]]
    plot.draw(arms, values, paths, "Reveille and KVM: counts under emulation, not times")
