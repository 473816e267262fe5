#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reads a stopwatch file and the serial log of the same run; writes summary.json, samples.csv,
latency.svg and latency.png, prints a table, and fails where the accounts disagree, an interrupt
was lost or came twice, or (--budgets) a budget is exceeded. The schema is in docs/testing.md."""

import argparse
import json
import os
import sys

import numpy as np

import account
import checks
import measure
import recovery
import seriallog
import stopwatch

SCHEMA_VERSION = 1
CAVEAT = "counts under emulation, not times"


def arm_summary(recording, log, number, begin, end):
    """(summary, host instructions of each interrupt, path of each, matched)"""
    matched = measure.match(recording, begin, end)
    count, path = measure.host_instructions(recording, matched)
    events = measure.arm_events(recording, begin, end)
    guest, counted = log.results.get(number), log.counted(number)
    delivered = len(matched.source)
    name = guest["name"] if guest else f"arm-{number}"
    burst = "overflow" in name
    interrupts = guest["sent"] if burst and guest else delivered + matched.lost
    each = max(interrupts, 1)
    summary = {
        "name": name,
        "arm": number,
        "interrupts": interrupts,
        "delivered": guest["delivered"] if burst and guest else delivered,
        "lost": max(matched.lost, guest["lost"] if guest else 0),
        "duplicates": max(matched.duplicates, guest["duplicates"] if guest else 0),
        "coalesced": matched.coalesced,
        "spurious_wakes": (counted or {}).get("spurious_wakes", 0),
        "exits_per_interrupt": round((events["exits"] - events["hypercalls"]) / each, 4),
        "host_instructions": {
            "p50": int(np.percentile(count, 50)) if delivered else 0,
            "p99": int(np.percentile(count, 99)) if delivered else 0,
            "max": int(count.max()) if delivered else 0,
        },
        "paths": {p: int(np.count_nonzero(path == i)) for i, p in enumerate(measure.PATHS)},
        "iommu_mmio_per_interrupt": {
            "reads": round(events["mmio_reads"] / each, 4),
            "writes": round(events["mmio_writes"] / each, 4),
        },
        "iommu_commands_per_interrupt": round(events["commands"] / each, 4),
        "galog_recovery": recovery.summary(recording, begin, end),
        "events": events,
        "counted": counted,
        "guest": guest,
    }
    return summary, count, path, matched


def analyse(recording, log):
    """({summary...}, [(summary, count, path, matched)])"""
    arms = [
        arm_summary(recording, log, number, begin, end)
        for number, begin, end in measure.marks(recording)
    ]
    wrong = []
    for summary, _, _, _ in arms:
        wrong += checks.agreement(summary)
        for key in ("lost", "duplicates"):
            if summary[key]:
                wrong.append(f"{summary['name']}: {key}: {summary[key]}")
    measured = {s["arm"] for s, _, _, _ in arms}
    skipped = []
    for number, guest in sorted(log.results.items()):
        if guest.get("state") == "skipped":
            skipped.append(guest["name"])
        elif guest.get("state") != "done":
            wrong.append(f"{guest['name']}: the guest says {guest.get('state')}")
        elif number not in measured:
            wrong.append(f"{guest['name']}: done, but the stopwatch saw no marks")
    if not arms:
        wrong.append("no arm was measured")
    summary = {
        "schema": SCHEMA_VERSION,
        "system": "reveille",
        "note": CAVEAT,
        "exact": recording.exact,
        "arms": [s for s, _, _, _ in arms],
        "skipped": skipped,
        "disagreements": wrong,
    }
    return summary, arms


def print_table(summary, out=sys.stdout):
    print(f"{'arm':22} {'interrupts':>10} {'lost':>5} {'twice':>5} {'exits':>6}"
          f" {'host instructions':>23} {'IOMMU':>11} {'IOMMU':>8} {'spurious':>8}", file=out)
    print(f"{'':22} {'':10} {'':5} {'':5} {'/int':>6} {'p50':>7} {'p99':>7} {'max':>7}"
          f" {'reads':>5} {'writes':>5} {'commands':>8} {'wakes':>8}", file=out)
    for a in summary["arms"]:
        h, m = a["host_instructions"], a["iommu_mmio_per_interrupt"]
        print(f"{a['name']:22} {a['interrupts']:10} {a['lost']:5} {a['duplicates']:5}"
              f" {a['exits_per_interrupt']:6.2f} {h['p50']:7} {h['p99']:7} {h['max']:7}"
              f" {m['reads']:5.2f} {m['writes']:5.2f}"
              f" {a['iommu_commands_per_interrupt']:8.2f} {a['spurious_wakes']:8}", file=out)
    for name in summary["skipped"]:
        print(f"{name:22} skipped", file=out)
    for a in summary["arms"]:
        g = a["galog_recovery"]
        if g:
            print(f"{a['name']}: {g['recoveries']} recoveries of the GA log, host instructions:"
                  f" {g['to_notice']['p50']} (at most {g['to_notice']['max']}) from the first lost"
                  f" entry to the overflow seen, {g['to_recover']['p50']} (at most"
                  f" {g['to_recover']['max']}) until it runs and all vCPUs were looked at",
                  file=out)
    print(f"({CAVEAT}; host instructions: from the device's interrupt to the VMRUN that"
          " delivers it)", file=out)


def write_samples(path, recording, arms):
    time = recording.records["time_ns"]
    with open(path, "w", encoding="ascii") as file:
        file.write(f"# {CAVEAT}\n")
        file.write("arm,number,time_ns,device,vcpu_page,vector,host_instructions,path\n")
        for summary, count, how, matched in arms:
            source = recording.records[matched.source]
            remap = source["kind"] == stopwatch.REMAP
            device = np.where(remap, source["c"], source["a"])
            page = np.where(remap, 0, source["b"])
            rows = zip(time[matched.source].tolist(), device.tolist(), page.tolist(),
                       source["x"].tolist(), count.tolist(), how.tolist())
            name = summary["name"]
            file.writelines(
                f"{name},{n},{t},{d:x},{g:x},{v:x},{h},{measure.PATHS[p]}\n"
                for n, (t, d, g, v, h, p) in enumerate(rows, 1)
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stopwatch", required=True, metavar="FILE")
    parser.add_argument("--serial", required=True, metavar="FILE")
    parser.add_argument("--out", required=True, metavar="FOLDER")
    parser.add_argument("--environment", metavar="FILE", help="JSON, goes into the summary")
    parser.add_argument("--budgets", action="store_true", help="fail where one is exceeded")
    parser.add_argument("--no-plot", action="store_true")
    options = parser.parse_args()

    recording = stopwatch.load(options.stopwatch)
    log = seriallog.load(options.serial)
    summary, arms = analyse(recording, log)
    summary["disagreements"] += account.faults(recording, log)
    summary["counters"] = account.summary(log)
    summary["budgets"] = checks.budgets(summary["arms"])
    summary["environment"] = {}
    if options.environment:
        with open(options.environment, encoding="utf-8") as file:
            summary["environment"] = json.load(file)
    exceeded = [b for b in summary["budgets"] if not b["ok"]]
    failed = bool(summary["disagreements"]) or (options.budgets and bool(exceeded))
    summary["ok"] = not failed

    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    write_samples(os.path.join(options.out, "samples.csv"), recording, arms)
    if arms and not options.no_plot:
        import plot  # matplotlib only where a picture is wanted

        plot.draw(summary["arms"], {s["name"]: c for s, c, _, _ in arms},
                  [os.path.join(options.out, f"latency.{e}") for e in ("svg", "png")])
    print_table(summary)
    for line in summary["disagreements"]:
        print(f"report: {line}")
    for b in exceeded:
        print(f"report: over budget: {b['name']}: {b['value']}, limit {b['limit']}")
    kept = len(summary["budgets"]) - len(exceeded)
    print(f"report: {kept} of {len(summary['budgets'])} budgets kept,"
          f" {len(summary['disagreements'])} disagreements; files in {options.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
