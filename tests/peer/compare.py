# SPDX-License-Identifier: MIT
"""Systems side by side: ratios, goals, where we are behind, table, picture.

ours is a list of arms; theirs a list of (label, list of arms), one for each kernel; an arm is one
of summary.json's (docs/testing.md)."""

import sys

# KVM's arm that does the same job, where it has no arm of that name: KVM has no GAPPI.
STANDS_FOR = {
    "gappi-own-idle": "galog-idle",
    "gappi-own-busy": "galog-busy",
    "gappi-shared-idle": "galog-idle",
    "gappi-shared-busy": "galog-busy",
}
# Each of these must have been measured on both sides.
COMPARED = ("emulated-busy", "emulated-halted-idle", "emulated-halted-busy", "posted-busy",
            "native-idle", "galog-idle", "galog-busy", *STANDS_FOR)
# How many times fewer host instructions (p50) than KVM it is to be.
GOALS = {"galog-idle": 20, "galog-busy": 20, "gappi-own-idle": 30, "gappi-own-busy": 30}
TRIPS = ("exit-cpuid", "exit-msr", "ipi-halted", "ipi-wake", "hlt-wake")
FLAT = ("p50", "p99", "max")
# What is counted by event may be this much more than theirs: a timer that ticked meanwhile.
STRAY_EVENTS, STRAY = 2, 0.002


def against(arm, theirs):
    """Their arm that does the same job, or None."""
    by_name = {a["name"]: a for a in theirs}
    return by_name.get(arm["name"]) or by_name.get(STANDS_FOR.get(arm["name"]))


def ratio(mine, other):
    """How many times more theirs is; None where ours is nothing."""
    return round(other / mine, 1) if mine else None


def _events(arm):
    """What an interrupt costs beside instructions; the IOMMU's registers, what an entry of its log
    does: an interrupt that found the vCPU awake by chance makes none, and that is no merit."""
    m, entries = arm["iommu_mmio_per_interrupt"], arm["events"]["galog_entries"]
    each = arm["interrupts"] / entries if entries else 1
    return {"exits": arm["exits_per_interrupt"], "IOMMU reads": m["reads"] * each,
            "IOMMU writes": m["writes"] * each,
            "IOMMU commands": arm["iommu_commands_per_interrupt"]}


def behind(mine, other):
    """Names of the figures in which we are behind; max isn't one: a tick decides it."""
    worse = [k for k in ("p50", "p99")
             if mine["host_instructions"][k] > other["host_instructions"][k]]
    allowed = STRAY + STRAY_EVENTS / max(mine["interrupts"], 1)
    theirs = _events(other)
    return worse + [k for k, v in _events(mine).items() if v > theirs[k] + allowed]


def ratios(ours, theirs):
    """[{arm, kernel, against, p50, p99, max, behind}]: KVM / Reveille."""
    result = []
    for label, arms in theirs:
        for mine in ours:
            other = against(mine, arms)
            if not other:
                continue
            row = {"arm": mine["name"], "kernel": label, "against": other["name"]}
            for key in FLAT:
                row[key] = ratio(mine["host_instructions"][key], other["host_instructions"][key])
            row["behind"] = behind(mine, other)
            result.append(row)
    return result


def trip_ratios(ours, theirs):
    """[{trip, kernel, p50, behind}] of the exits one by one."""
    result = []
    for label, trips in theirs:
        by_name = {t["name"]: t["host_instructions"] for t in trips}
        for mine in ours:
            other, h = by_name.get(mine["name"]), mine["host_instructions"]
            if other:
                result.append({"trip": mine["name"], "kernel": label,
                               "p50": ratio(h["p50"], other["p50"]),
                               "behind": [k for k in ("p50", "p99") if h[k] > other[k]]})
    return result


def goals(arm_ratios):
    """[{name, kernel, value, limit, ok}]: a goal that is missed is said, and fails nothing."""
    return [{"name": f"{r['arm']}: KVM / Reveille, host instructions, p50", "kernel": r["kernel"],
             "value": r["p50"], "limit": GOALS[r["arm"]],
             "ok": r["p50"] is None or r["p50"] >= GOALS[r["arm"]]}
            for r in arm_ratios if r["arm"] in GOALS]


def checks(arm_ratios, round_trips, labels):
    """Everything that was to be compared was, and nowhere are we behind; in judge.py's form."""
    found = []
    for label in labels:
        mine = [r for r in arm_ratios if r["kernel"] == label]
        trips = [r for r in round_trips if r["kernel"] == label]
        missing = [a for a in COMPARED if a not in [r["arm"] for r in mine]]
        missing += [t for t in TRIPS if t not in [r["trip"] for r in trips]]
        found.append({"name": f"{label}: all arms and exits compared", "ok": not missing,
                      "found": f"missing: {', '.join(missing) or 'none'}"})
        worse = [f"{r.get('arm') or r['trip']} ({', '.join(r['behind'])})"
                 for r in mine + trips if r["behind"]]
        found.append({"name": f"{label}: nowhere behind", "ok": not worse,
                      "found": f"behind: {'; '.join(worse) or 'nowhere'}"})
    return found


def _times(value):
    return "-" if value is None else f"{value:.1f} x"


def _goal(row):
    goal = GOALS.get(row["arm"])
    if not goal or row["p50"] is None:
        return ""
    return f"  goal {goal}" + (": met" if row["p50"] >= goal else ": MISSED")


def _row(system, name, a, times, goal, out):
    h, m = a["host_instructions"], a["iommu_mmio_per_interrupt"]
    print(f"{name:20} {system:9} {a['interrupts']:7} {a['lost']:5} {a['duplicates']:5}"
          f" {a['exits_per_interrupt']:6.2f} {h['p50']:7} {h['p99']:7} {h['max']:8}"
          f" {m['reads']:6.2f} {m['writes']:6.2f} {a['iommu_commands_per_interrupt']:8.2f}"
          f" {times:>9}{goal}", file=out)


def print_table(ours, theirs, out=sys.stdout):
    print(f"{'arm':20} {'system':9} {'inter-':>7} {'lost':>5} {'twice':>5} {'exits':>6}"
          f" {'host instructions':>24} {'IOMMU':>13} {'IOMMU':>8} {'KVM /':>9}", file=out)
    print(f"{'':20} {'':9} {'rupts':>7} {'':5} {'':5} {'/int':>6} {'p50':>7} {'p99':>7} {'max':>8}"
          f" {'reads':>6} {'writes':>6} {'commands':>8} {'Reveille':>9}", file=out)
    rows = {(r["arm"], r["kernel"]): r for r in ratios(ours, theirs)}
    for mine in ours:
        _row("Reveille", mine["name"], mine, "", "", out)
        for label, arms in theirs:
            other = against(mine, arms)
            if other:
                row = rows[mine["name"], label]
                _row(label, "" if other["name"] == mine["name"] else f"  ({other['name']})", other,
                     _times(row["p50"]), _goal(row), out)


def print_round_trips(ours, theirs, out=sys.stdout):
    """Exits one by one. ipi-wake: from the exit of an IPI to the target's VMRUN, on both CPUs;
    hlt-wake: from the target's HLT to its VMRUN, on its CPU."""
    print(f"{'exit and entry again':20} {'':9} {'':27} {'host instructions':>24}", file=out)
    rows = {(r["trip"], r["kernel"]): r for r in trip_ratios(ours, theirs)}
    for mine in ours:
        name = mine["name"]
        sides = [("Reveille", [mine])] + list(theirs)
        for label, trips in sides:
            trip = next((t for t in trips if t["name"] == name), None)
            if not trip:
                continue
            h, row = trip["host_instructions"], rows.get((name, label))
            print(f"{name if trip is mine else '':20} {label:9} {trip['count']:7} {'':19}"
                  f" {h['p50']:7} {h['p99']:7} {h['max']:8} {'':22}"
                  f" {_times(row['p50']) if row else '':>9}", file=out)


def draw(ours, theirs, samples, paths):
    """samples: (label, arm) -> host instructions of each interrupt; ours: label "Reveille"."""
    import plot  # matplotlib only where a picture is wanted

    rows, values = [], {}
    for mine in ours:
        rows.append(mine)
        values[mine["name"]] = samples["Reveille", mine["name"]]
        for label, arms in theirs:
            other = against(mine, arms)
            if other and other["name"] == mine["name"]:
                rows.append(dict(other, name=f"{mine['name']} ({label})"))
                values[rows[-1]["name"]] = samples[label, mine["name"]]
    plot.draw(rows, values, paths, "Reveille and KVM: counts under emulation, not times")
