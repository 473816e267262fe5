#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Linux as a plain guest of the emulator: its AMD IOMMU driver translates the DMA of NVMe, AHCI,
virtio and network devices and remaps their interrupts; data must come back as it was written, and
strict mode and the event log must stay silent."""

import argparse
import os
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
# Two cards on one hub, each in a network of its own: no short cut inside the kernel.
cards=$(ls /sys/class/net | grep -v lo)
set -- $cards
unshare -n sleep 1000 &
sleep 1
ip link set $2 netns $!
nsenter -t $! -n ifconfig $2 10.0.0.2 up
ifconfig $1 10.0.0.1 up
sleep 4
ping -c 5 -s 1400 10.0.0.2 | grep -q ' 0% packet loss' && echo "PLAIN net $1 $2 ok"
echo "PLAIN drivers" $(ls -d /sys/bus/pci/drivers/*/0000* | cut -d/ -f6 | sort -u)
dmesg | grep -E 'AMD-Vi|iommu: Default'
grep -E 'nvme|ahci|virtio|eth' /proc/interrupts
kill $!
echo PLAIN end
"""

# Name, kernel's arguments, is DMA translated?
MODES = (
    ("default", "", True),
    ("strict", "iommu.strict=1", True),
    ("legacy-irte", "amd_iommu_intr=legacy iommu.strict=1", True),
    ("passthrough", "iommu.passthrough=1", False),
)
EXPECTED = ("disk nvme0n1 ok", "disk sda ok", "disk vda ok", " ok", "end")


def machine_with(folder, recording):
    m = run.Machine(smp=2, edu=0, igb=0, stopwatch=recording)
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
        "-device", "e1000e,netdev=net0,addr=a.0,romfile=",
        "-device", "virtio-net-pci,netdev=net1,addr=b.0,romfile=,iommu_platform=on,"
        "disable-legacy=on",
    ]
    return m


def run_mode(name, arguments, translated, options):
    inside = lambda n: os.path.join(options.out, n)
    recording = inside(f"plain-{name}.bin")
    with tempfile.TemporaryDirectory(prefix="reveille-plain-") as folder:
        result = linux.boot(SCRIPT, machine_with(folder, recording), modules="plain",
                            append=arguments, which=options.kernel, timeout=options.timeout,
                            serial=inside(f"plain-{name}.log"))
    records = stopwatch.load(recording).records
    os.unlink(recording)
    command = (records["kind"] == stopwatch.IOMMU_CMD) & (records["x"] == INVALIDATE_PAGES)
    flushes = int(command.sum())
    remapped = int((records["kind"] == stopwatch.REMAP).sum())
    said = [line[6:] for line in result.serial.splitlines() if line.startswith("PLAIN ")]
    wrong = [f"missing: {e}" for e in EXPECTED if not any(s.endswith(e) for s in said)]
    wrong += [f"missing: {n}" for n in ("net",) if not any(s.startswith(n) for s in said)]
    wrong += [s for s in result.serial.splitlines() if "Event logged" in s][:3]
    wrong += result.strict[:3]
    if (flushes > SET_UP) != translated:
        wrong.append(f"{flushes} invalidations of translations, translated: {translated}")
    if not remapped:
        wrong.append("no interrupt was remapped")
    print(f"plain: {name}: {'FAIL' if wrong else 'ok'}: {flushes} invalidations of translations,"
          f" {remapped} interrupts remapped, {result.seconds:.0f} s", flush=True)
    for line in wrong:
        print(f"plain: {name}: {line}", flush=True)
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modes", nargs="*", help="of " + ", ".join(m[0] for m in MODES))
    parser.add_argument("--out", default=OUT)
    parser.add_argument("--kernel", choices=("release", "backports"), default="release")
    parser.add_argument("--timeout", type=float, default=600)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    os.environ["REVEILLE_QEMU"] = run.emulator()
    good = [run_mode(*m, options) for m in MODES if not options.modes or m[0] in options.modes]
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
