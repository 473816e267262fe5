#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make linux-guest: Debian's kernel as a guest with two vCPUs, under Reveille and under Linux's KVM
with Debian's QEMU, on the same emulator: from its first VMRUN to user space, and its exits per
second while it idles for a minute, by the stopwatch. Same kernel, same initramfs, same command
line, same marks (l2/init). Reveille is to be there first, with half of KVM's exits at most: fails
where it is behind; a goal that is missed is said. Reveille has more than one way to be idle (WAYS)."""

import argparse
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np

import linux
import run  # tools/run.py, by linux.py's path

sys.path.insert(0, os.path.join(run.ROOT, "tools/report"))
import measure  # noqa: E402
import stopwatch as sw  # noqa: E402

OUT = os.path.join(run.ROOT, "out/linux-guest")
ARM_UP, ARM_IDLE = 200, 201  # l2/init
IDLE_SECONDS = 60
COMMAND_LINE = "console=ttyS0 quiet cryptomgr.notests panic=-1"
SCRIPT = """\
echo PEER avic
insmod /mod/kvm_amd.ko {kvm}
dmesg | grep -E 'AMD-Vi|SVM|kvm'
echo PEER guest
/qemu/run -accel kvm -M q35 -cpu host -smp {cpus} -m 256M -nodefaults -display none -no-reboot \\
	-serial stdio -kernel /guest/vmlinuz -initrd /guest/initramfs -append '{command_line}'
echo PEER end
"""

CONFIG = """\
[vm linux]
kernel = vmlinuz
initrd = initramfs
cmdline = {command_line}
memory = 256M
cpus = {cpus}
timer = {timer}
halt = {halt}
"""
# What is measured: name, timer and halt in the configuration. The last one is what the goal is for.
WAYS = (("reveille", "apic", "auto"), ("reveille-hpet", "hpet", "auto"),
        ("reveille-hpet-native", "hpet", "native"))


def guest_files(folder, which):
    """Paths of the guest's kernel and initramfs."""
    kernel, _ = linux.fetch_kernel(which)
    made = os.path.join(folder, "initramfs")
    subprocess.run([os.path.join(linux.HERE, "mkguest.sh"), made], check=True)
    return {"vmlinuz": kernel, "initramfs": made}


def guest_archive(folder, files):
    """The files as a cpio archive, for the host's initramfs."""
    inside = os.path.join(folder, "root/guest")
    os.makedirs(inside)
    for name, path in files.items():
        shutil.copy(path, os.path.join(inside, name))
    names = "".join(f"{n}\n" for n in ["guest", *(f"guest/{name}" for name in files)])
    archive = os.path.join(folder, "guest.cpio")
    with open(archive, "wb") as file:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], stdout=file,
                       cwd=os.path.dirname(inside), input=names.encode(), check=True)
    return archive


def executed(recording, begin, end):
    """(host, guest) instructions on all CPUs between two records. A record tells the count of its
    own CPU only: each CPU is counted between its first and its last record in there."""
    host = total = 0
    for index in recording.of_cpu.values():
        mine = index[(index >= begin) & (index <= end)]
        if len(mine):
            count = recording.records["instructions"][mine].astype(np.int64)
            total += int(count[-1] - count[0])
            host += int(recording.host[mine[-1]] - recording.host[mine[0]])
    return host, total - host


def figures(recording):
    """What the stopwatch says of one guest; None where its marks are missing."""
    marks = {arm: (begin, end) for arm, begin, end in measure.marks(recording)}
    entered = np.flatnonzero(recording.kind == sw.VMRUN)
    if not {ARM_UP, ARM_IDLE} <= set(marks) or not len(entered):
        return None
    r, (up, _), (begin, end) = recording.records, marks[ARM_UP], marks[ARM_IDLE]
    first = int(entered[0])
    host, guest = executed(recording, first, up)
    events = measure.arm_events(recording, begin, end)
    seconds = int(r["time_ns"][end] - r["time_ns"][begin]) / 1e9
    return {
        "boot": {
            "virtual_ms": round(int(r["time_ns"][up] - r["time_ns"][first]) / 1e6, 1),
            "host_instructions": host,
            "guest_instructions": guest,
            "exits": int(np.count_nonzero(recording.kind[first:up] == sw.VMEXIT)),
        },
        "idle": {
            "virtual_seconds": round(seconds, 3),
            # The closing mark is an exit, too.
            "exits_per_second": round((events["exits"] - 1) / seconds, 2),
            "exits_by_code": events["exits_by_code"],
            "host_instructions": executed(recording, begin, end)[0],
        },
    }


def complaints(serial, strict, ended, found, cpus):
    """Sentences about what makes the figures worthless."""
    wrong = [] if ended else ["did not come to its end"]
    wrong += [f"missing: {text}" for text in (f"GUEST up, {cpus} CPUs", "GUEST end")
              if text not in serial]
    wrong += strict[:3]
    if not found:
        return wrong + ["the guest's marks are missing"]
    if not IDLE_SECONDS <= found["idle"]["virtual_seconds"] < 1.5 * IDLE_SECONDS:
        wrong.append(f"idle for {found['idle']['virtual_seconds']} s, not {IDLE_SECONDS}")
    if not found["boot"]["exits"]:
        wrong.append("the boot had no exits: that was no guest")
    return wrong


def goals(system, ours, theirs):
    """[{name, value, kvm, limit, ok, behind}]: value is ours, limit what it was to be at most."""
    result = []
    for name, value, kvm, share in (
            (f"{system}, idle: exits a second", ours["idle"]["exits_per_second"],
             theirs["idle"]["exits_per_second"], 0.5),
            (f"{system}, boot to user space: ms of virtual time", ours["boot"]["virtual_ms"],
             theirs["boot"]["virtual_ms"], 1)):
        limit = round(kvm * share, 2)
        result.append({"name": name, "value": value, "kvm": kvm, "limit": limit,
                       "ok": value <= limit, "behind": value > kvm})
    return result


def show(line):
    if line and "BdsDxe" not in line:
        print(line, flush=True)


def taken(options, recording):
    """The figures of a recording, which isn't needed any more."""
    found = figures(sw.load(recording))
    if not options.keep:
        os.unlink(recording)
    return found


def run_kvm(options, folder, files, inside):
    """(figures, complaints) under KVM."""
    recording = inside("kvm.bin")
    machine = run.Machine(smp=2, edu=0, igb=0, stopwatch=recording)
    made = subprocess.run([os.path.join(linux.HERE, "mkqemu.sh")], stdout=subprocess.PIPE,
                          text=True, check=False)
    if made.returncode:
        sys.exit("linux-guest: no QEMU of Debian's packages: see above")
    script = SCRIPT.format(kvm="avic=1 force_avic=1 nested=0", cpus=options.cpus,
                           command_line=COMMAND_LINE)
    result = linux.boot(script, machine, which=options.kernel, timeout=options.timeout,
                        serial=inside("kvm.log"), progress=show,
                        more=(made.stdout.strip(), guest_archive(folder, files)))
    found = taken(options, recording)
    wrong = complaints(result.serial, result.strict, result.ended(), found, options.cpus)
    if "AVIC enabled" not in result.serial:
        wrong.append("KVM without AVIC: not its best")
    return found, wrong


def run_reveille(options, folder, files, inside, way):
    """(figures, complaints) under Reveille."""
    name, timer, halt = way
    recording, config = inside(f"{name}.bin"), os.path.join(folder, "reveille.cfg")
    with open(config, "w", encoding="ascii") as file:
        file.write(CONFIG.format(timer=timer, halt=halt,
                                 cpus=", ".join(str(c % 2) for c in range(options.cpus)),
                                 command_line=COMMAND_LINE))
    machine = run.Machine(smp=2, edu=0, igb=0, stopwatch=recording, files=files)
    result = run.run(config, machine, options.efi, options.timeout, inside(f"{name}.log"), show)
    found = taken(options, recording)
    ended = result.outcome == "done" and result.status == 0
    wrong = complaints(result.serial, result.strict, ended, found, options.cpus)
    if (timer == "hpet") != ("its HPET is its own" in result.serial):
        wrong.append(f"timer = {timer}, but the HPET is{' not' * (timer == 'hpet')} the guest's")
    return found, wrong


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=OUT)
    parser.add_argument("--efi", default=os.path.join(run.ROOT, "build/reveille.efi"))
    parser.add_argument("--kernel", choices=linux.KERNELS, default="release",
                        help="of the guest, and of KVM")
    parser.add_argument("--cpus", type=int, default=2, help="vCPUs of the guest")
    parser.add_argument("--only", choices=[*(w[0] for w in WAYS), "kvm"],
                        help="that alone, and no comparison")
    parser.add_argument("--quick", action="store_true", help="the last of Reveille's ways only")
    parser.add_argument("--timeout", type=float, default=1200, help="seconds for each boot")
    parser.add_argument("--keep", action="store_true", help="keep the stopwatch's files")
    return parser.parse_args()


def print_side(system, found):
    boot, idle = found["boot"], found["idle"]
    print(f"linux-guest: {system:20} user space after {boot['virtual_ms']:9,.0f} ms of virtual time,"
          f" {boot['host_instructions']:13,} host and {boot['guest_instructions']:13,} guest"
          f" instructions, {boot['exits']:7,} exits; idle: {idle['exits_per_second']:7.2f} exits a"
          f" second ({' '.join(f'{c}h: {n}' for c, n in idle['exits_by_code'].items())})")


def main():
    options = arguments()
    os.makedirs(options.out, exist_ok=True)
    inside = lambda name: os.path.join(options.out, name)
    os.environ["REVEILLE_QEMU"] = run.emulator()
    sides, wrong = {}, []
    ways = WAYS[-1:] if options.quick else WAYS
    runs = [(w[0], functools.partial(run_reveille, way=w)) for w in ways] + [("kvm", run_kvm)]
    for system, measure_side in runs:
        if options.only in (None, system):
            with tempfile.TemporaryDirectory(prefix="reveille-guest-") as folder:
                files = guest_files(folder, options.kernel)
                sides[system], bad = measure_side(options, folder, files, inside)
            wrong += [f"{system}: {w}" for w in bad]
    goal = WAYS[-1][0]
    found = goals(goal, sides[goal], sides["kvm"]) if sides.get(goal) and sides.get("kvm") else []
    summary = {
        "schema": 1, "note": "counts under emulation, not times", "cpus": options.cpus,
        "kernel": linux.kernel_name(linux.fetch_kernel(options.kernel)[0]),
        "command_line": COMMAND_LINE,
        "systems": [dict(s or {}, system=n) for n, s in sides.items()],
        "goals": found, "wrong": wrong, "ok": not wrong and not any(g["behind"] for g in found),
    }
    with open(inside("summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    for system, side in sides.items():
        if side:
            print_side(system, side)
    for goal in found:
        verdict = "FAIL: behind" if goal["behind"] else "ok" if goal["ok"] else "GOAL MISSED"
        print(f"linux-guest: {verdict}: {goal['name']}: {goal['value']}, KVM {goal['kvm']},"
              f" was to be {goal['limit']} at most")
    for line in wrong:
        print(f"linux-guest: FAIL {line}")
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
