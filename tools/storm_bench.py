#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make storm-bench: what a VM's storming device costs the VM beside it (docs/isolation.md). A VM's
vCPU sleeps on pCPU 0 and is woken by its own device, sixty times: beside one whose device is quiet,
then one whose device fires all it has as fast as it can, with several bounds and without.
out/storm/summary.json has the table too."""

import json
import os
import re
import sys

import run

OUT = os.path.join(run.ROOT, "out/storm")
NS_PER_INSTRUCTION = 16  # of virtual time: run.Machine
WAKES = 60
# (name, the storming VM's program, its storm-limit or None for the default)
BESIDE = (("quiet", "bystander", None), ("limit 1000", "storm", 1000), ("default limit", "storm", None),
          ("no limit", "storm", 0))
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
    config = vm("victim", f"latency count={WAKES} limit=100000 spread=2000", cpus="0, 1", priority=1,
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


def main():
    os.makedirs(OUT, exist_ok=True)
    rows = [measure(kind, *b) for kind in KINDS for b in BESIDE]
    print("a VM on pCPU 0, woken by its own device, beside one whose device storms; virtual time, and\n"
          f"that in instructions ({NS_PER_INSTRUCTION} ns each, of all pCPUs)\n"
          "  storm by   bound           wakes   mean us   longest us   instructions"
          "   interrupts on pCPU 0   held back")
    bad = []
    for r in rows:
        print(f"  {r['kind']:10} {r['beside']:14} {r['wakes']:6} {r['mean_us']:9} {r['longest_us']:12}"
              f" {r['longest_us'] * 1000 // NS_PER_INSTRUCTION:14} {r['host_interrupts']:22}"
              f" {r['held']:11}")
        if r["wakes"] != WAKES:
            bad.append(f"{r['kind']}, {r['beside']}: {r['wakes']} of {WAKES} wakes")
        if r["held"] and r["beside"] in ("quiet", "no limit"):
            bad.append(f"{r['kind']}, {r['beside']}: held back {r['held']} times")
    for kind in KINDS:
        by_name = {r["beside"]: r["host_interrupts"] for r in rows if r["kind"] == kind}
        if not by_name["quiet"] < by_name["limit 1000"] < by_name["no limit"] / 4:
            bad.append(f"{kind}: the bound makes no difference")
    with open(os.path.join(OUT, "summary.json"), "w", encoding="utf-8") as file:
        json.dump({"rows": rows, "ok": not bad, "wrong": bad}, file, indent=1)
        file.write("\n")
    for line in bad:
        print(f"storm-bench: {line}")
    print(f"storm-bench: {'ok' if not bad else 'FAILED'}; files in {OUT}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
