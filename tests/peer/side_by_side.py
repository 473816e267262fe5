#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make peer: the built-in guest under Reveille, then under KVM of one or more of Debian's kernels,
on the same emulated machine with the same devices and the same stopwatch; table, summary.json and
picture in out/peer, and checks that KVM's AVIC, posted interrupts and GA log do on the emulator
what they should. Fails where something isn't seen that must be, where an interrupt is lost or comes
twice, where accounts disagree, and where Reveille is behind; a goal that is missed is said."""

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

BOOTS = ("kvm", "legacy", "faulty")

# Before 6.3 Linux loses wake-ups there (docs/peer.md, "What it showed").
KEEPS_WAKEUPS = (6, 3)
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

# The twin of "nothing lost" and of "strict mode is silent": a write to the IOMMU's read-only feature
# register (the first IVHD in the IVRS has its address), and NICs that can write no message any more
# once the bench is under way.
FAULTY_KERNEL = "iomem=relaxed"
FAULTY_SCRIPT = """\
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
insmod /mod/kvm_amd.ko avic=1 force_avic=1 nested=0
base=$(hexdump -s 56 -n 4 -e '"%u"' /sys/firmware/acpi/tables/IVRS)
devmem $((base + 0x30)) 64 1
no_bus_mastering() {
	for d in $(grep -l 0x10c9 /sys/bus/pci/devices/*/device); do
		printf '\\002\\000' | dd of=${d%device}config bs=1 seek=4 conv=notrunc 2>/dev/null
	done
}
entries() { awk '/AMD-Vi/ { n += $2 + $3 } END { print n + 0 }' /proc/interrupts; }
echo PEER posted
enough=$(($(entries) + 50))
{ while [ "$(entries)" -lt $enough ]; do sleep 0.1; done; no_bus_mastering; } &
/peer -a -c 0,1,0 -p 2,0,0 /builtin.bin "bench count=100000 only=galog-idle"
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


def run_linux(options, inside, which, kind, script, append=""):
    """(result, side) of one boot of a kernel (release or backports); kind: one of BOOTS."""
    name = f"{kind}-{which}"
    recording, serial = inside(f"{name}.bin"), inside(f"{name}.log")
    machine = run.Machine(smp=2, edu=1, igb=4, stopwatch=recording)
    print(f"peer: Linux with KVM ({name}); the firmware and the kernel take their time", flush=True)
    result = linux.boot(script, machine, options.image, "kvm", append, which, options.timeout,
                        serial, show)
    ending = "timed out" if result.timed_out else "ended"
    print(f"peer: {name}: {ending}, {result.seconds:.0f} s", flush=True)
    label = "KVM {}.{}".format(*linux.kernel_version(result.kernel))
    return result, side.Side("kvm", label, result.kernel).add(recording, serial)


def measure_reveille(options, inside):
    """(side, checks, environment)"""
    few = min(options.count, 1000)
    ours, found, environment = side.Side("reveille", "Reveille"), [], None
    for name, args in (("reveille", f"bench count={options.count}"),
                       ("exits", f"exits count={few}")):
        result, machine = run_reveille(options, inside, name, args)
        found += judge.reveille(result, name)
        ours.add(inside(f"{name}.bin"), inside(f"{name}.log"))
        environment = environment or run.environment(result, machine)
    return ours, found, environment


def measure_kvm(options, inside, which, count):
    """(side, checks) of a kernel, with its negative twins."""
    version = linux.kernel_version(linux.kernel_name(linux.fetch_kernel(which)[0]))
    script = KVM_SCRIPT.format(count=count, few=min(count, 1000), avic="-a",
                               ipi_x2apic=IPI_X2APIC if version >= KEEPS_WAKEUPS else "")
    result, theirs = run_linux(options, inside, which, "kvm", script)
    found = judge.kvm(result, theirs)
    if not options.no_twin:
        script = LEGACY_SCRIPT.format(count=min(count, 200))
        twin_result, twin = run_linux(options, inside, which, "legacy", script,
                                      "amd_iommu_intr=legacy")
        found += judge.legacy(twin_result, twin)
    if not options.no_twin and which == options.kernels[0]:
        twin_result, twin = run_linux(options, inside, which, "faulty", FAULTY_SCRIPT,
                                      FAULTY_KERNEL)
        found += judge.faulty(twin_result, twin)
    return theirs, found


def summarise(ours, kernels, environment, found):
    sides = [ours, *kernels]
    arms = [(k.label, k.arms) for k in kernels]
    trips = [(k.label, k.round_trips) for k in kernels]
    ratios = compare.ratios(ours.arms, arms)
    trip_ratios = compare.trip_ratios(ours.round_trips, trips)
    found = found + compare.checks(ratios, trip_ratios, [k.label for k in kernels])
    disagreements = [w for s in sides for w in s.wrong]
    return {
        "schema": 1,
        "system": "reveille, kvm",
        "note": side.CAVEAT,
        "exact": all(s.exact for s in sides),
        "environment": dict(environment, kernels=[k.kernel for k in kernels],
                            kernel_arguments=linux.KERNEL),
        "arms": [a for s in sides for a in s.arms],
        "skipped": ours.skipped,
        "ratios": ratios,
        "round_trips": [t for s in sides for t in s.round_trips],
        "round_trip_ratios": trip_ratios,
        "programs": [p for s in sides for p in s.programs],
        "goals": compare.goals(ratios),
        "checks": found,
        "disagreements": disagreements,
        "ok": not disagreements and all(c["ok"] for c in found),
    }


def show_outcome(summary, ours, kernels):
    compare.print_table(ours.arms, [(k.label, k.arms) for k in kernels])
    compare.print_round_trips(ours.round_trips, [(k.label, k.round_trips) for k in kernels])
    print(f"({side.CAVEAT}; Linux: {', '.join(k.kernel for k in kernels)})")
    for check in summary["checks"]:
        print(f"peer: {'ok  ' if check['ok'] else 'FAIL'} {check['name']}: {check['found']}")
    for line in summary["disagreements"]:
        print(f"peer: FAIL {line}")
    for goal in summary["goals"]:
        if not goal["ok"]:
            print(f"peer: GOAL MISSED: {goal['kernel']}: {goal['name']}: {goal['value']},"
                  f" was to be {goal['limit']} or more")
    failed = sum(not c["ok"] for c in summary["checks"]) + len(summary["disagreements"])
    met = sum(g["ok"] for g in summary["goals"])
    print(f"peer: {len(summary['checks'])} checks, {failed} failed; {met} of"
          f" {len(summary['goals'])} goals met", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10000, help="interrupts in each arm")
    parser.add_argument("--count-more", type=int, help="in each arm of the kernels but the first"
                        " (default: as --count)")
    parser.add_argument("--kernels", default="release",
                        help="release, backports, or both with a comma between")
    parser.add_argument("--out", default=OUT)
    parser.add_argument("--efi", default=os.path.join(run.ROOT, "build/reveille.efi"))
    parser.add_argument("--image", default=IMAGE, help="the built-in guest")
    parser.add_argument("--timeout", type=float, default=900, help="seconds for each boot")
    parser.add_argument("--no-twin", action="store_true", help="leave the negative twins out")
    parser.add_argument("--keep", action="store_true", help="keep the stopwatch's files")
    options = parser.parse_args()
    options.kernels = options.kernels.split(",")
    if set(options.kernels) - set(linux.KERNELS):
        parser.error(f"kernels: {', '.join(linux.KERNELS)}")
    return options


def main():
    options = arguments()
    os.makedirs(options.out, exist_ok=True)
    inside = lambda name: os.path.join(options.out, name)
    # Looked for once: all boots are on the same emulator, whatever happens to its sources.
    os.environ["REVEILLE_QEMU"] = run.emulator()
    # A kernel that can't be had is better known now than in five minutes.
    for which in options.kernels:
        linux.fetch_kernel(which)
    ours, found, environment = measure_reveille(options, inside)
    kernels = []
    for which in options.kernels:
        count = options.count_more if kernels and options.count_more else options.count
        theirs, more = measure_kvm(options, inside, which, count)
        kernels.append(theirs)
        found += more
    summary = summarise(ours, kernels, environment, found)
    with open(inside("summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    if ours.arms:
        samples = {k: v for s in [ours, *kernels] for k, v in s.samples.items()}
        compare.draw(ours.arms, [(k.label, k.arms) for k in kernels], samples,
                     [inside(f"latency.{e}") for e in ("svg", "png")])
    show_outcome(summary, ours, kernels)
    if not options.keep:
        for name in ["reveille", "exits"] + [f"{n}-{k}" for n in BOOTS for k in options.kernels]:
            if os.path.exists(inside(f"{name}.bin")):
                os.unlink(inside(f"{name}.bin"))
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
