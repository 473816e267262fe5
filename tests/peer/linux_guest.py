#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A Linux guest with two vCPUs under Linux's KVM with Debian's QEMU, on the emulator: from its first
VMRUN to user space, and its exits per second while it idles for ten seconds, by the stopwatch.
What Reveille's guests are compared with: same kernel, same initramfs, same marks (l2/init)."""

import argparse
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
IDLE_SECONDS = 10
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


def guest_archive(folder, kernel):
    """A cpio archive with the guest's kernel and initramfs, for the host's initramfs."""
    inside = os.path.join(folder, "guest-root/guest")
    os.makedirs(inside)
    shutil.copy(kernel, os.path.join(inside, "vmlinuz"))
    subprocess.run([os.path.join(linux.HERE, "mkguest.sh"), os.path.join(inside, "initramfs")],
                   check=True)
    path = os.path.join(folder, "guest.cpio")
    with open(path, "wb") as file:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"],
                       cwd=os.path.dirname(inside), stdout=file, check=True,
                       input=b"guest\nguest/vmlinuz\nguest/initramfs\n")
    return path


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


def complaints(result, found, cpus):
    """Sentences about what makes the figures worthless."""
    wrong = [] if result.ended() else ["did not come to its end"]
    wrong += [f"missing: {text}" for text in ("AVIC enabled", f"GUEST up, {cpus} CPUs", "GUEST end")
              if text not in result.serial]
    wrong += result.strict[:3]
    if not found:
        return wrong + ["the guest's marks are missing"]
    if not IDLE_SECONDS <= found["idle"]["virtual_seconds"] < 1.5 * IDLE_SECONDS:
        wrong.append(f"idle for {found['idle']['virtual_seconds']} s, not {IDLE_SECONDS}")
    if not found["boot"]["exits"]:
        wrong.append("the boot had no exits: that was no guest")
    return wrong


def show(line):
    if line and "BdsDxe" not in line:
        print(line, flush=True)


def run_kvm(options, inside):
    """(result, figures) under KVM."""
    recording = inside("kvm.bin")
    machine = run.Machine(smp=2, edu=0, igb=0, stopwatch=recording)
    qemu = subprocess.run([os.path.join(linux.HERE, "mkqemu.sh")], stdout=subprocess.PIPE,
                          text=True, check=True).stdout.strip()
    kernel, _ = linux.fetch_kernel(options.kernel)
    script = SCRIPT.format(kvm="avic=1 force_avic=1 nested=0", cpus=options.cpus,
                           command_line=COMMAND_LINE)
    with tempfile.TemporaryDirectory(prefix="reveille-guest-") as folder:
        result = linux.boot(script, machine, which=options.kernel, timeout=options.timeout,
                            serial=inside("kvm.log"), progress=show,
                            more=(qemu, guest_archive(folder, kernel)))
    found = figures(sw.load(recording))
    if not options.keep:
        os.unlink(recording)
    return result, found


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=OUT)
    parser.add_argument("--kernel", choices=linux.KERNELS, default="release",
                        help="of host and guest")
    parser.add_argument("--cpus", type=int, default=2, help="vCPUs of the guest")
    parser.add_argument("--timeout", type=float, default=1200)
    parser.add_argument("--keep", action="store_true", help="keep the stopwatch's file")
    return parser.parse_args()


def main():
    options = arguments()
    os.makedirs(options.out, exist_ok=True)
    inside = lambda name: os.path.join(options.out, name)
    os.environ["REVEILLE_QEMU"] = run.emulator()
    result, found = run_kvm(options, inside)
    wrong = complaints(result, found, options.cpus)
    summary = {"schema": 1, "note": "counts under emulation, not times",
               "systems": [dict(found or {}, system="kvm", kernel=result.kernel)], "wrong": wrong,
               "ok": not wrong}
    with open(inside("summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    if found:
        boot, idle = found["boot"], found["idle"]
        print(f"linux-guest: KVM: user space after {boot['virtual_ms']:.0f} ms of virtual time,"
              f" {boot['host_instructions']:,} host and {boot['guest_instructions']:,} guest"
              f" instructions, {boot['exits']:,} exits")
        print(f"linux-guest: KVM: idle: {idle['exits_per_second']} exits a second"
              f" ({idle['exits_by_code']})")
    for line in wrong:
        print(f"linux-guest: FAIL {line}")
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
