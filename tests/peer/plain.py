#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Linux as a plain guest of the emulator: its AMD IOMMU driver translates the DMA of NVMe, AHCI,
virtio and network devices and remaps their interrupts, in one mode after the other; data must come
back as it was written, and strict mode and the event log must stay silent."""

import argparse
import collections
import os
import re
import sys
import tempfile

import linux
import run  # tools/run.py, by linux.py's path

sys.path.insert(0, os.path.join(run.ROOT, "tools/report"))
import stopwatch  # noqa: E402

OUT = os.path.join(run.ROOT, "out/peer")
INVALIDATE_PAGES = 3  # 48882 rev 3.11, "INVALIDATE_IOMMU_PAGES"
DISK_BYTES = 8 << 20
SET_UP = 20  # so many come with the set-up of domains, translated or not

SCRIPT = """\
# Written, forgotten by the page cache, read back.
disk() {
	i=0
	while [ ! -b /dev/$1 ] && [ $i -lt 50 ]; do usleep 100000; i=$((i + 1)); done
	size=$(stat -c %s /bin/busybox)
	dd if=/bin/busybox of=/dev/$1 bs=64k conv=fsync 2>/dev/null
	sync
	echo 3 >/proc/sys/vm/drop_caches
	head -c $size /dev/$1 | cmp - /bin/busybox && echo "PLAIN disk $1 ok"
}
disk nvme0n1
disk sda
disk vda
# Three cards on one hub, each in a network of its own: no short cut inside the kernel.
driver() { basename $(readlink /sys/class/net/$1/device/driver); }
first= n=1
for c in $(ls /sys/class/net | grep -v lo); do
	if [ "$(driver $c)" = e1000e ]; then
		first=$c
		ifconfig $c 10.0.0.1 up
		continue
	fi
	n=$((n + 1))
	d=$(driver $c)
	unshare -n sleep 1000 &
	sleep 1
	ip link set $c netns $!
	nsenter -t $! -n ifconfig $c 10.0.0.$n up
	others="$others $d:10.0.0.$n" pids="$pids $!"
done
sleep 4
for o in $others; do
	ping -c 5 -s 1400 ${o#*:} | grep -q ' 0% packet loss' && echo "PLAIN net ${o%:*} ok"
done
echo "PLAIN drivers" $(ls -d /sys/bus/pci/drivers/*/0000* | cut -d/ -f6 | sort -u)
dmesg | grep -E 'AMD-Vi|iommu: Default|APIC routing'
grep -E 'nvme|ahci|virtio|eth' /proc/interrupts
kill $pids
echo PEER end
"""

# What each mode is and what the stopwatch and dmesg must show in it: is DMA translated, are
# interrupts remapped, do the CPUs run in x2APIC mode? Each "no" is the twin of a "yes". without: of
# run.FEATURES.
Mode = collections.namedtuple("Mode", "name arguments translated remapped x2apic without",
                              defaults=((),))
MODES = (
    Mode("default", "", True, True, True),
    Mode("strict", "iommu.strict=1", True, True, True),
    # Without GASup an entry has 32 bits, and there is no x2APIC.
    Mode("irte-32", "iommu.strict=1", True, True, False,
         ("gasup", "gam", "gappi", "gappidis", "xt")),
    Mode("passthrough-xapic", "iommu.passthrough=1 nox2apic", False, True, False),
    Mode("off", "amd_iommu=off", False, False, False),
)
EXPECTED = ("disk nvme0n1 ok", "disk sda ok", "disk vda ok", "net virtio_net ok", "net igb ok")
X2APIC = re.compile(r"APIC routing to:? \w+ x2apic")


def machine_with(folder, recording, without):
    m = run.Machine(smp=2, edu=0, igb=0, stopwatch=recording, without=list(without))
    for name in ("nvme", "ahci", "virtio"):
        with open(os.path.join(folder, name), "wb") as file:
            file.truncate(DISK_BYTES)
        m.extra += ["-drive", f"if=none,id={name},format=raw,file={os.path.join(folder, name)}"]
    m.extra += [
        "-device", "nvme,drive=nvme,serial=peer,addr=8.0",
        "-device", "ide-hd,drive=ahci,bus=ide.2",
        "-device", "pcie-root-port,id=rp0,chassis=1,addr=9.0",
        "-device", "virtio-blk-pci,drive=virtio,bus=rp0,iommu_platform=on,disable-legacy=on",
        "-netdev", "hubport,hubid=0,id=net0", "-netdev", "hubport,hubid=0,id=net1",
        "-netdev", "hubport,hubid=0,id=net2",
        "-device", "e1000e,netdev=net0,addr=a.0,romfile=",
        "-device", "virtio-net-pci,netdev=net1,addr=b.0,romfile=,iommu_platform=on,"
        "disable-legacy=on",
        "-device", "igb,netdev=net2,addr=c.0,romfile=",
    ]
    return m


def complaints(mode, result, flushes, remapped):
    """Sentences about what isn't as it should be in this mode."""
    said = [line[6:] for line in result.serial.splitlines() if line.startswith("PLAIN ")]
    wrong = [] if result.ended() else ["did not come to its end"]
    wrong += [f"missing: {e}" for e in EXPECTED if e not in said]
    wrong += [s for s in result.serial.splitlines() if "Event logged" in s][:3]
    wrong += result.strict[:3]
    if (flushes > SET_UP) != mode.translated:
        wrong.append(f"{flushes} invalidations of translations, translated: {mode.translated}")
    if bool(remapped) != mode.remapped:
        wrong.append(f"{remapped} interrupts remapped, should be: {mode.remapped}")
    x2apic = bool(X2APIC.search(result.serial))
    if x2apic != mode.x2apic:
        wrong.append(f"x2APIC mode: {x2apic}, should be: {mode.x2apic}")
    return wrong


def signs_of_life(line):
    if line.startswith("("):
        print(line, flush=True)


def run_mode(mode, kernel, options):
    name = f"plain-{kernel}-{mode.name}"
    inside = lambda n: os.path.join(options.out, n)
    recording = inside(f"{name}.bin")
    with tempfile.TemporaryDirectory(prefix="reveille-plain-") as folder:
        print(f"plain: {kernel}: {mode.name}", flush=True)
        result = linux.boot(SCRIPT, machine_with(folder, recording, mode.without), modules="plain",
                            append=mode.arguments, which=kernel, timeout=options.timeout,
                            serial=inside(f"{name}.log"), progress=signs_of_life)
    records = stopwatch.load(recording).records
    os.unlink(recording)
    command = (records["kind"] == stopwatch.IOMMU_CMD) & (records["x"] == INVALIDATE_PAGES)
    flushes = int(command.sum())
    remapped = int((records["kind"] == stopwatch.REMAP).sum())
    wrong = complaints(mode, result, flushes, remapped)
    version = "{}.{}".format(*linux.kernel_version(result.kernel))
    print(f"plain: {version}: {mode.name}: {'FAIL' if wrong else 'ok'}: {flushes} invalidations of"
          f" translations, {remapped} interrupts remapped, {result.seconds:.0f} s", flush=True)
    for line in wrong:
        print(f"plain: {version}: {mode.name}: {line}", flush=True)
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modes", nargs="*", help="of " + ", ".join(m.name for m in MODES))
    parser.add_argument("--out", default=OUT)
    parser.add_argument("--kernel", choices=linux.KERNELS, default="release")
    parser.add_argument("--timeout", type=float, default=600)
    options = parser.parse_args()
    unknown = set(options.modes) - {m.name for m in MODES}
    if unknown:
        parser.error(f"no such mode: {', '.join(sorted(unknown))}")
    os.makedirs(options.out, exist_ok=True)
    os.environ["REVEILLE_QEMU"] = run.emulator()
    good = [run_mode(m, options.kernel, options) for m in MODES
            if not options.modes or m.name in options.modes]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
