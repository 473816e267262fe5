#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make storm-bench: what a VM's storming device costs the VM beside it (docs/isolation.md). A VM's
vCPU sleeps on pCPU 0 and is woken by its own device, so often that some wake-up meets whatever the
host does there: beside one whose device is quiet, then one whose device fires all it has as fast as
it can, with several bounds and without. Fails where a bounded storm is noticed more than that.
out/storm/summary.json has the table too."""

import argparse
import json
import os
import re
import sys

import run

OUT = os.path.join(run.ROOT, "out/storm")
NS_PER_INSTRUCTION = 16  # of virtual time: run.Machine
WAKES = 300
# (name, the storming VM's program, its storm-limit or None for the default)
BESIDE = (("quiet", "bystander", None), ("limit 1000", "storm", 1000), ("default limit", "storm", None),
          ("no limit", "storm", 0))
# Beside a bounded storm the mean wait is at most so many times that beside a quiet device, and the
# longest one so much longer: ten messages are held one after the other, or let go, and a line for
# the log is put together. (Written where a message is held, four such lines took 440 us.)
MEAN_TIMES, LONGEST_MORE_US = 1.5, 150
# Where the cost lands on pCPU 0: by the log that it reads for everybody; by the target that lives
# there, with a lower priority.
KINDS = {"galog": {"cpus": "2, 3", "halt": "galog"}, "emulated": {"cpus": "0, 3",
                                                                  "delivery": "emulated"}}


def vm(name, args, **keys):
    keys = {"guest": "builtin", "args": args, "memory": "16M", **keys}
    return f"[vm {name}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


def measure(kind, name, program, limit):
    keys = dict(KINDS[kind])
    if limit is not None:
        keys["storm-limit"] = limit
    config = vm("victim", f"latency count={WAKES} limit=100000 spread=500", cpus="0, 1", priority=1,
                devices="8086:10c9#0", halt=KINDS[kind].get("halt", "gappi"))
    config += vm("noisy", f"{program} for=150", devices="8086:10c9#1", **keys)
    inside = lambda what: os.path.join(OUT, f"{kind}-{name.replace(' ', '-')}.{what}")
    with open(inside("cfg"), "w", encoding="utf-8") as file:
        file.write(config)
    # With XT the log would go to the noisy VM's pCPU, and the other would notice nothing.
    machine = run.Machine(edu=0, igb=2, smp=4, without=["xt"])
    result = run.run(inside("cfg"), machine, None, 300, inside("log"))
    if (result.outcome, result.status) != ("done", 0) or result.strict:
        sys.exit(f"storm-bench: {name}: {result.outcome} {result.strict[:1]}: {inside('log')}")

    def numbers(pattern):
        return [int(n) for n in re.search(pattern, result.serial).groups()]

    wakes, mean, longest = numbers(r"latency: (\d+) of \d+ wakes, mean (\d+) us, longest (\d+) us")
    return {"kind": kind, "beside": name, "wakes": wakes, "mean_us": mean, "longest_us": longest,
            "host_interrupts": numbers(r"REPORT cpu n=0 interrupts=(\d+)")[0],
            "held": numbers(r"REPORT refused vm=noisy .*storms=(\d+)")[0]}


def judge(rows):
    """Sentences about what was wrong."""
    bad = []
    for r in rows:
        if r["wakes"] != WAKES:
            bad.append(f"{r['kind']}, {r['beside']}: {r['wakes']} of {WAKES} wakes")
        if r["held"] and r["beside"] in ("quiet", "no limit"):
            bad.append(f"{r['kind']}, {r['beside']}: held back {r['held']} times")
    for kind in KINDS:
        quiet, limited, free = (next(r for r in rows if (r["kind"], r["beside"]) == (kind, beside))
                                for beside in ("quiet", "limit 1000", "no limit"))
        if not quiet["host_interrupts"] < limited["host_interrupts"] < free["host_interrupts"] / 4:
            bad.append(f"{kind}: the bound makes no difference")
        mean, longest = quiet["mean_us"] * MEAN_TIMES, quiet["longest_us"] + LONGEST_MORE_US
        if limited["mean_us"] > mean:
            bad.append(f"{kind}: a mean wait of {limited['mean_us']} us beside a bounded storm,"
                       f" {quiet['mean_us']} without")
        if limited["longest_us"] > longest:
            bad.append(f"{kind}: the longest wait {limited['longest_us']} us beside a bounded"
                       f" storm, {quiet['longest_us']} without")
        # The twin: that storm would be noticed.
        if free["mean_us"] <= mean:
            bad.append(f"{kind}: a mean wait of {free['mean_us']} us beside a storm without bound")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="as in make check: fewer bounds")
    short = parser.parse_args().short
    os.makedirs(OUT, exist_ok=True)
    rows = [measure(kind, *b) for kind in KINDS for b in BESIDE
            if not short or b[0] != "default limit"]
    print("a VM on pCPU 0, woken by its own device, beside one whose device storms; virtual time, and\n"
          f"that in instructions ({NS_PER_INSTRUCTION} ns each, of all pCPUs)\n"
          "  storm by   bound           wakes   mean us   longest us   instructions"
          "   interrupts on pCPU 0   held back")
    for r in rows:
        print(f"  {r['kind']:10} {r['beside']:14} {r['wakes']:6} {r['mean_us']:9} {r['longest_us']:12}"
              f" {r['longest_us'] * 1000 // NS_PER_INSTRUCTION:14} {r['host_interrupts']:22}"
              f" {r['held']:11}")
    bad = judge(rows)
    with open(os.path.join(OUT, "summary.json"), "w", encoding="utf-8") as file:
        json.dump({"rows": rows, "ok": not bad, "wrong": bad}, file, indent=1)
        file.write("\n")
    for line in bad:
        print(f"storm-bench: {line}")
    print(f"storm-bench: {'ok' if not bad else 'FAILED'}; files in {OUT}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
