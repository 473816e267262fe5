#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make peer: the built-in guest under Reveille, then under Linux's KVM, on the same emulated
machine with the same devices and the same stopwatch; table, summary.json and picture in out/peer,
and checks that KVM's AVIC, posted interrupts and GA log do on the emulator what they should."""

import argparse
import json
import os
import re
import sys

import linux
import run  # tools/run.py, by linux.py's path

sys.path.insert(0, os.path.join(run.ROOT, "tools/report"))
import judge  # noqa: E402
import compare  # noqa: E402
import side  # noqa: E402

OUT = os.path.join(run.ROOT, "out/peer")
IMAGE = os.path.join(run.ROOT, "build/tests/guest/builtin.bin")
CONFIG = os.path.join(linux.HERE, "reveille.cfg")

KVM_SCRIPT = """\
# The target's thread is a real-time one and may spin for long.
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
bench() {{ # options, arms
	/peer $1 /builtin.bin "bench count={count} only=$2"
}}
echo PEER avic
insmod /mod/kvm_amd.ko avic=1 force_avic=1 nested=0
dmesg | grep -E 'AMD-Vi|SVM|kvm'
cat /sys/module/kvm_amd/parameters/avic
echo PEER posted
bench "{avic} -c 0,1,0 -p 2,0,0" posted-busy,galog-idle,galog-busy
echo PEER native
bench "{avic} -n -c 0,1 -p 2,0" native-idle
echo PEER programs
/peer {avic} -c 0,1 /builtin.bin "level count={few}"
/peer {avic} -c 0,1 /builtin.bin "exits count={few}"
/peer {avic} -c 0,1 /builtin.bin "hello"
/peer {avic} -c 0,1 /builtin.bin "halt count=200"
{ipi_x2apic}
/peer {avic} -x -c 0,1,0,1 /builtin.bin "ipi count=5"
/peer {avic} -c 0,1 /builtin.bin "tpr count=50"
/peer {avic} -c 0,1 /builtin.bin "migrate count=200"
echo PEER interrupts
grep AMD-Vi /proc/interrupts
rmmod kvm_amd
echo PEER emulated
insmod /mod/kvm_amd.ko avic=0 nested=0
bench "-c 0,1,0 -p 2,0,0" emulated-busy,emulated-halted-idle,emulated-halted-busy
/peer -c 0,1 /builtin.bin "level count={few}"
echo PEER end
dmesg -r | grep -E '^<[0-4]>' | tail -n 20
"""

# Linux 6.1 loses wake-ups there (docs/peer.md, "What it showed"); fixed in 6.3.
IPI_X2APIC = '/peer -a -c 0,1,0,1 /builtin.bin "ipi count=5"'

# The negative twin: no guest-mode IRTEs, so nothing is posted and nobody uses the GA log.
LEGACY_SCRIPT = """\
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
echo PEER avic
insmod /mod/kvm_amd.ko avic=1 force_avic=1 nested=0
dmesg | grep -E 'AMD-Vi|SVM|kvm'
echo PEER posted
/peer -a -c 0,1,0 -p 2,0,0 /builtin.bin "bench count={count} only=posted-busy,galog-idle"
echo PEER interrupts
grep AMD-Vi /proc/interrupts
echo PEER end
"""


def show(line):
    if line and "REPORT " not in line and "BdsDxe" not in line:
        print(line, flush=True)


def run_reveille(options, inside, name, args):
    """(result, machine) of one boot with these arguments of the guest's."""
    with open(CONFIG, encoding="utf-8") as file:
        text = re.sub(r"args = .*", f"args = {args}", file.read())
    config = inside(f"{name}.cfg")
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)
    machine = run.Machine(smp=2, edu=1, igb=4, stopwatch=inside(f"{name}.bin"))
    print(f"peer: Reveille ({name})", flush=True)
    result = run.run(config, machine, options.efi, options.timeout, inside(f"{name}.log"), show)
    print(f"peer: {name}: {result.outcome}, {result.seconds:.0f} s", flush=True)
    return result, machine


def run_linux(options, inside, name, script, append=""):
    recording, serial = inside(f"{name}.bin"), inside(f"{name}.log")
    machine = run.Machine(smp=2, edu=1, igb=4, stopwatch=recording)
    print(f"peer: Linux with KVM ({name}); the firmware and the kernel take their time", flush=True)
    result = linux.boot(script, machine, options.image, "kvm", append, options.kernel,
                        options.timeout, serial, show)
    ending = "timed out" if result.timed_out else "ended"
    print(f"peer: {name}: {ending}, {result.seconds:.0f} s", flush=True)
    return result, side.Side(name).add(recording, serial)


def summarise(ours, theirs, result, machine, linux_result, found):
    arms = [dict(a, system=s.system) for s in (ours, theirs) for a in s.arms]
    disagreements = ours.wrong + theirs.wrong
    ratios = compare.ratios(ours.arms, theirs.arms)
    return {
        "schema": 1,
        "system": "reveille, kvm",
        "note": side.CAVEAT,
        "exact": ours.exact and theirs.exact,
        "environment": dict(run.environment(result, machine), kernel=linux_result.kernel,
                            kernel_arguments=linux.KERNEL),
        "arms": arms,
        "ratios": ratios,
        "round_trips": ours.round_trips + theirs.round_trips,
        "programs": ours.programs + theirs.programs,
        "goals_met": all(r["ok"] for r in ratios),
        "checks": found,
        "disagreements": disagreements,
        "ok": not disagreements and not any(r["behind"] for r in ratios)
        and all(c["ok"] for c in found),
    }


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10000, help="interrupts in each arm")
    parser.add_argument("--out", default=OUT)
    parser.add_argument("--efi", default=os.path.join(run.ROOT, "build/reveille.efi"))
    parser.add_argument("--image", default=IMAGE, help="the built-in guest")
    parser.add_argument("--kernel", choices=("release", "backports"), default="release")
    parser.add_argument("--timeout", type=float, default=900, help="seconds for each boot")
    parser.add_argument("--no-twin", action="store_true", help="leave the negative twin out")
    parser.add_argument("--keep", action="store_true", help="keep the stopwatch's files")
    return parser.parse_args()


def main():
    options = arguments()
    os.makedirs(options.out, exist_ok=True)
    inside = lambda name: os.path.join(options.out, name)
    # Looked for once: all boots are on the same emulator, whatever happens to its sources.
    os.environ["REVEILLE_QEMU"] = run.emulator()
    few = min(options.count, 1000)
    result, machine = run_reveille(options, inside, "reveille", f"bench count={options.count}")
    exits, _ = run_reveille(options, inside, "exits", f"exits count={few}")
    ours = side.Side("reveille")
    for name in ("reveille", "exits"):
        ours.add(inside(f"{name}.bin"), inside(f"{name}.log"))
    script = KVM_SCRIPT.format(count=options.count, few=few, avic="-a",
                               ipi_x2apic="" if options.kernel == "release" else IPI_X2APIC)
    kvm_result, theirs = run_linux(options, inside, "kvm", script)
    found = judge.reveille(result, "bench") + judge.reveille(exits, "exits")
    found += judge.kvm(kvm_result, theirs)
    if not options.no_twin:
        twin_result, twin = run_linux(options, inside, "legacy",
                                      LEGACY_SCRIPT.format(count=min(options.count, 200)),
                                      "amd_iommu_intr=legacy")
        found += judge.legacy(twin_result, twin)
    summary = summarise(ours, theirs, result, machine, kvm_result, found)
    with open(inside("summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    if ours.arms and theirs.arms:
        compare.draw(ours.arms, theirs.arms, {**ours.samples, **theirs.samples},
                     [inside(f"latency.{e}") for e in ("svg", "png")])
    compare.print_table(ours.arms, theirs.arms)
    compare.print_round_trips(ours.round_trips, theirs.round_trips)
    print(f"({side.CAVEAT}; Linux: {kvm_result.kernel})")
    for check in found:
        print(f"peer: {'ok  ' if check['ok'] else 'FAIL'} {check['name']}: {check['found']}")
    for line in summary["disagreements"]:
        print(f"peer: {line}")
    for row in summary["ratios"]:
        if not row["ok"]:
            print(f"peer: goal missed: {row['arm']}: KVM / Reveille is {row['p50']}, was to be"
                  f" {row['goal'] or 1} or more")
    if not options.keep:
        for name in ("reveille", "exits", "kvm", "legacy"):
            if os.path.exists(inside(f"{name}.bin")):
                os.unlink(inside(f"{name}.bin"))
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
