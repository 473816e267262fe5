#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make cost: what watching costs a wake-up. Boots the hypervisor as it is, built without counters and
audit (VARIANT=uncounted), and with the trace on, and compares the host instructions from a device's
interrupt to the VMRUN that delivers it. Fails where audit and counters cost more than the budget,
and where the image without a trace has code of its hooks. What the trace costs is only told."""

import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import measure  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402
import seriallog  # noqa: E402
import stopwatch  # noqa: E402

BUDGET_PERCENT = 5
ARMS = ("galog-idle", "gappi-own-idle", "gappi-shared-idle",
        "galog-busy", "gappi-own-busy", "gappi-shared-busy")
HOOK = "trace_ring_write"  # what each hook of the trace calls
# name: image, configuration of the machine
RUNS = {
    "counted": ("build/reveille.efi", ""),
    "uncounted": ("build/uncounted/reveille.efi", ""),
    "traced": ("build/reveille.efi", "[reveille]\ntrace = 1024\n"),
}
CONFIG = """[vm bench]
guest = builtin
args = bench count={count} only={arms}
memory = 64M
cpus = 0, 1, 0, 64*0
priority = 2, 2, 1, 64*0
devices = 1234:11e8#0, 8086:10c9#0, 8086:10c9#1, 8086:10c9#2, 8086:10c9#3
control = yes
"""


def figures(name, efi, machine_config, count, out):
    """{arm: p50 of the host instructions}"""
    config = os.path.join(out, name + ".cfg")
    recording = os.path.join(out, name + ".bin")
    serial = os.path.join(out, name + ".log")
    with open(config, "w", encoding="ascii") as file:
        file.write(machine_config + CONFIG.format(count=count, arms=",".join(ARMS)))
    machine = run.Machine(smp=2, edu=1, igb=4, stopwatch=recording)
    result = run.run(config, machine, os.path.join(run.ROOT, efi), 300, serial)
    if not result.ok():
        sys.exit(f"cost: {name}: {result.outcome} {result.status}, see {serial}")
    taken, log = stopwatch.load(recording), seriallog.load(serial)
    os.unlink(recording)
    arms = [report.arm_summary(taken, log, *mark)[0] for mark in measure.marks(taken)]
    return {a["name"]: a["host_instructions"]["p50"] for a in arms}


def has_hooks(elf):
    """Whether an image has code that writes a trace."""
    symbols = subprocess.run(["nm", os.path.join(run.ROOT, elf)], stdout=subprocess.PIPE, text=True,
                             check=True)
    return any(line.split()[-1].startswith(HOOK) for line in symbols.stdout.splitlines())


def compare(counted, uncounted):
    """[{arm, counted, uncounted, percent, ok}]"""
    rows = []
    for arm in ARMS:
        more = 100 * (counted[arm] - uncounted[arm]) / uncounted[arm]
        rows.append({"arm": arm, "counted": counted[arm], "uncounted": uncounted[arm],
                     "percent": round(more, 1), "ok": more <= BUDGET_PERCENT})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="interrupts in each arm")
    parser.add_argument("--out", default=os.path.join(run.ROOT, "out/cost"))
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    got = {name: figures(name, efi, config, options.count, options.out)
           for name, (efi, config) in RUNS.items()}
    rows = compare(got["counted"], got["uncounted"])
    hooks = [has_hooks("build/vmm.elf"), has_hooks("build/vmm-traced.elf")]
    with open(os.path.join(options.out, "cost.json"), "w", encoding="ascii") as file:
        json.dump(rows, file, indent=1)
    print(f"{'host instructions, p50':24} {'without':>8} {'audit, counters':>18} {'and trace':>10}")
    for r in rows:
        print(f"{r['arm']:24} {r['uncounted']:8} {r['counted']:8} {r['percent']:+8}%"
              f" {got['traced'][r['arm']]:10}"
              f"{'' if r['ok'] else '  over budget: ' + str(BUDGET_PERCENT) + '%'}")
    print(f"code of the trace's hooks: {hooks[0]} in vmm.elf, {hooks[1]} in vmm-traced.elf")
    passed = [r["ok"] for r in rows] + [hooks == [False, True]]
    print(f"{passed.count(True)} passed, {passed.count(False)} failed")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
