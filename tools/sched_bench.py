#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make sched-bench: what the scheduler promises, measured (docs/scheduler.md). Three tables:
the wake path with many halted vCPUs on a pCPU; a pCPU that is one vCPU's own; and the wake-up of a
vCPU beside greedy ones against the bound. out/sched/summary.json has them too."""

import json
import math
import os
import re
import sys

import run

sys.path.insert(0, os.path.join(run.ROOT, "tools/report"))
import measure  # noqa: E402
import report  # noqa: E402
import seriallog  # noqa: E402
import stopwatch  # noqa: E402

OUT = os.path.join(run.ROOT, "out/sched")
IGB = "8086:10c9#0"
SLICE_US = 2000   # vmm/sched.c
SWITCH_US = 20    # two switches and a timer interrupt: more than they take
COUNT = 500       # interrupts
NS_PER_INSTRUCTION = 16  # of virtual time: run.Machine


def vm(name, args, cpus, **keys):
    keys = {"guest": "builtin", "args": args, "memory": "16M", "cpus": cpus, **keys}
    return f"[vm {name}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


def boot(name, config, until, **machine):
    """(serial log, recording)"""
    inside = lambda what: os.path.join(OUT, f"{name}.{what}")
    with open(inside("cfg"), "w", encoding="utf-8") as file:
        file.write(config)
    result = run.run(inside("cfg"), run.Machine(edu=0, igb=1, stopwatch=inside("bin"), **machine),
                     None, 300, inside("log"), until=until)
    if result.outcome != "matched" or result.strict:
        sys.exit(f"sched-bench: {name}: {result.outcome} {result.strict[:1]}: {inside('log')}")
    recording = stopwatch.load(inside("bin"))
    os.unlink(inside("bin"))
    return result.serial, recording, seriallog.load(inside("log"))


# ---- many halted vCPUs ----

ARMS = ("galog-idle", "gappi-own-idle", "gappi-shared-idle")


def sleepers(count, halt):
    """VMs of so many vCPUs that are halted on pCPU 0: before the benchmark gets that far, as theirs
    is the higher priority."""
    return "".join(vm(f"asleep{i}", "asleep", f"{min(128, count - i)}*0", halt=halt, priority=2)
                   for i in range(0, count, 128))


def halted(count, halt):
    config = vm("bench", f"bench count={COUNT} only={','.join(ARMS)}", "0, 1", priority="1, 1",
                devices=IGB, control="yes") + sleepers(count - 1, halt)
    _, recording, log = boot(f"halted-{count}-{halt}", config, "TEST bench: ok")
    arms = [report.arm_summary(recording, log, *mark)[0] for mark in measure.marks(recording)]
    for arm in arms:
        if arm["lost"] or arm["duplicates"] or arm["interrupts"] != COUNT:
            sys.exit(f"sched-bench: {arm['name']} with {count} halted: lost or twice")
    return {a["name"]: a["host_instructions"]["p50"] for a in arms}


def halted_table():
    """gappi-shared twice: the others have vectors of their own, or share the target's."""
    rows, bad = [], []
    for count in (1, 16, 64, 256):
        own = halted(count, "gappi")
        shared = halted(count, "gappi-shared") if count > 1 else own
        rows.append({"halted": count, "galog": own["galog-idle"],
                     "gappi_own": own["gappi-own-idle"],
                     "gappi_shared_others_own": own["gappi-shared-idle"],
                     "gappi_shared_by_all": shared["gappi-shared-idle"]})
    print("host instructions from the post to VMRUN, p50, with so many halted vCPUs on the pCPU\n"
          "  halted   galog   gappi own   gappi shared: others own   all share")
    for r in rows:
        print(f"  {r['halted']:6} {r['galog']:7} {r['gappi_own']:11}"
              f" {r['gappi_shared_others_own']:26} {r['gappi_shared_by_all']:11}")
        for key in ("galog", "gappi_own"):
            if r[key] > 1.1 * rows[0][key]:
                bad.append(f"{key} with {r['halted']} halted: {r[key]}, with one {rows[0][key]}")
    for fewer, more in zip(rows, rows[1:]):
        if more["gappi_shared_by_all"] <= fewer["gappi_shared_by_all"]:
            bad.append(f"a vector shared by {more['halted']} is no dearer than by {fewer['halted']}:"
                       " they weren't halted, so this shows nothing")
    return rows, bad


# ---- a pCPU for one vCPU ----

def dedicated(arm):
    """Exits and host interrupts on pCPU 1, the target's own, while a device fires."""
    config = vm("bench", f"bench count={COUNT} only={arm}", "1, 0", devices=IGB, control="yes")
    _, recording, log = boot(f"dedicated-{arm}", config, "TEST bench: ok")
    (number, begin, end), = measure.marks(recording)
    r = recording.records[begin:end]
    r = r[r["cpu"] == 1]
    count = lambda kind: int((r["kind"] == kind).sum())
    return {"arm": arm, "interrupts": log.results[number]["delivered"],
            "exits": count(stopwatch.VMEXIT), "host_interrupts": count(stopwatch.HOST_IRQ)}


def dedicated_table():
    rows, bad = [dedicated("native-idle"), dedicated("galog-idle")], []
    print("a pCPU with one vCPU: what lands there besides the guest\n"
          "  arm           interrupts   exits   host interrupts")
    for r in rows:
        print(f"  {r['arm']:12} {r['interrupts']:11} {r['exits']:7} {r['host_interrupts']:17}")
    own, other = rows
    if own["exits"] or own["host_interrupts"]:
        bad.append("halt = native: the host was on the pCPU")
    if not other["exits"]:
        bad.append("halt = galog: no exit, so this shows nothing")
    return rows, bad


# ---- greedy neighbours ----

def bound_us(priority, others):
    """The longest wait of one that wakes with this priority beside (priority, budget_us, period_us
    or None) that always want to run; None: no bound. Response time analysis: docs/scheduler.md."""
    wait = SWITCH_US
    for _ in range(1000):
        total = SWITCH_US
        for p, budget in others:
            if p < priority:
                continue
            served = math.ceil(wait / budget[1]) * (budget[0] + SWITCH_US) if budget else math.inf
            total += served if p > priority else min(served, SLICE_US + SWITCH_US)
        if total == wait or total == math.inf:
            return None if total == math.inf else wait
        wait = total
    return None


NEIGHBOURS = (
    ("lower", 2, ((1, None),)),
    ("higher-2ms/10ms", 2, ((3, (2000, 10000)),)),
    ("two-higher", 2, ((3, (1000, 5000)), (4, (2000, 10000)))),
    ("equal", 2, ((2, None),)),
    ("equal-1ms/10ms", 2, ((2, (1000, 10000)),)),
    ("higher-and-equal", 2, ((3, (1000, 5000)), (2, None))),
)


def neighbours(name, priority, others):
    bound = bound_us(priority, others)
    config = vm("victim", f"latency count=80 limit={bound}", "0, 1", priority=priority, devices=IGB)
    for i, (p, budget) in enumerate(others):
        keys = {"budget": f"{budget[0]}us/{budget[1]}us"} if budget else {}
        config += vm(f"greedy{i}", "greedy", "0", priority=p, **keys)
    serial, _, _ = boot("beside-" + name.replace("/", "-"), config, "TEST latency: ")
    found = re.search(r"latency: (\d+) of (\d+) wakes, mean (\d+) us, longest (\d+) us", serial)
    done, wanted, mean, longest = (int(n) for n in found.groups())
    return {"beside": name, "wakes": done, "of": wanted, "mean_us": mean, "longest_us": longest,
            "bound_us": bound}


def neighbour_table():
    rows, bad = [neighbours(*n) for n in NEIGHBOURS], []
    print("from the device's interrupt to the handler, beside greedy vCPUs; virtual time, and that\n"
          f"in instructions ({NS_PER_INSTRUCTION} ns each, of both pCPUs)\n"
          "  beside              wakes   mean us   longest us   instructions   bound us")
    for r in rows:
        print(f"  {r['beside']:18} {r['wakes']:6} {r['mean_us']:9} {r['longest_us']:12}"
              f" {r['longest_us'] * 1000 // NS_PER_INSTRUCTION:14} {r['bound_us']:10}")
        if r["wakes"] != r["of"] or r["longest_us"] > r["bound_us"]:
            bad.append(f"beside {r['beside']}: {r['wakes']} of {r['of']} wakes, longest"
                       f" {r['longest_us']} us, bound {r['bound_us']} us")
    return rows, bad


def main():
    os.makedirs(OUT, exist_ok=True)
    summary, bad = {"note": report.CAVEAT}, []
    for name, table in (("halted", halted_table), ("dedicated", dedicated_table),
                        ("beside", neighbour_table)):
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        summary[name], wrong = table()
        bad += wrong
    summary["ok"], summary["wrong"] = not bad, bad
    with open(os.path.join(OUT, "summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    for line in bad:
        print(f"sched-bench: {line}")
    print(f"sched-bench: {'ok' if not bad else 'FAILED'}; files in {OUT}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
