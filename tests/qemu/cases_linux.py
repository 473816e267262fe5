# SPDX-License-Identifier: MIT
"""Integration tests with Debian's kernel as the guest."""

import run
from case import Case


def linux(does, cpus="0, 1", name="l", append="", **keys):
    """A config with a VM that boots Debian's kernel; does: words for tests/linux/init."""
    keys = {"kernel": "vmlinuz", "initrd": "initrd", "memory": "256M", "cpus": cpus,
            "cmdline": f"console=ttyS0 quiet panic=-1 run={does} {append}".strip(), **keys}
    return f"[vm {name}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


class Linux(Case):
    def __init__(self, name, config, expect=(), forbid=(), linux="release", timeout=240,
                 drivers=(), **more):
        self.drivers = drivers  # modules of guest.py
        super().__init__(name, config, expect, forbid, linux=linux, timeout=timeout,
                         **{"edu": 0, "igb": 0, **more})


NET = ["-netdev", "user,id=n0,restrict=on"]
ON_NET = "{},bus=pcie.0,addr=4.0,netdev=n0,romfile="
# Any file of a few MiB: what is written to it is thrown away. Not with counted instructions, where
# time flies while the guest waits: the driver's 30 s were over before the host's disk had answered.
DISK = ["-drive", f"if=none,id=d0,format=raw,snapshot=on,file={run.firmware()[0]}",
        "-device", "nvme,bus=pcie.0,addr=4.0,drive=d0,serial=1"]
NVME = "GUEST nvme: same\n.*GUEST nvme: [1-9][0-9]* on CPUs: [1-9][0-9]* [1-9][0-9]*\n"
POSTED = "REPORT message vm=l device=00:04.0 n=[0-9]+ posted=1 .* host_interrupts=0\\b"


def nic(name, device, qemu, driver=None, posted=True, **keys):
    """Linux and a NIC of its own: the gateway of QEMU's network answers, while the interrupts are
    sent from CPU to CPU."""
    keys = keys if posted else {**keys, "delivery": "emulated"}
    host = POSTED if posted else \
        "REPORT message vm=l device=00:04.0 n=[0-9]+ posted=0 .* host_interrupts=[1-9][0-9]+"
    return Linux(f"linux-{name}", linux("net,affinity,warnings", devices=device, **keys),
                 ["GUEST ping: 5 packets transmitted, 5 packets received",
                  "GUEST ping: 300 packets transmitted, 300 packets received",
                  "GUEST moved: [1-9][0-9]+ times, eth0: [0-9]+ on CPUs: [1-9][0-9]+ [1-9][0-9]+",
                  "GUEST warnings: 0", "vm l: power-off", host],
                 drivers=[driver or name], extra=[*NET, "-device", ON_NET.format(qemu)])


CASES = [
    # --- Debian's kernel as a guest ---
    Linux("linux-x2apic", linux("apic,sleep,warnings,nmi,nmi"),
          ["GUEST up: Linux 6.1.*, 2 CPUs, clock kvm-clock", "GUEST has x2apic",
           "GUEST idle: [0-9]{1,2} ", "GUEST warnings: 0", "GUEST nmi: 2", "GUEST nmi: 4",
           "GUEST ends", "vm l: power-off"]),
    # Its twin, also of what the guest says of warnings and NMIs.
    Linux("linux-xapic", linux("apic,sleep,complain,warnings,nmi", apic="xapic"),
          ["GUEST up: Linux 6.1.*, 2 CPUs", "GUEST idle: [0-9]{1,2} ",
           "GUEST warning: .*not quite right", "GUEST warnings: 1", "GUEST nmi: 2",
           "vm l: power-off"],
          ["GUEST has x2apic"]),
    Linux("linux-1-cpu", linux("nmi", append="nr_cpus=1"),
          ["GUEST up: .*, 1 CPUs", "GUEST nmi: 1", "vm l: power-off"]),
    Linux("linux-console", linux("shell"), ["42x\n", "GUEST ends", "vm l: power-off"],
          typed=[("l: GUEST up", b"\x1d1"), (r"/ # ", b"echo $((6*7))x\r"), ("42x\n", b"exit\r")]),
    Linux("linux-console-not-selected", linux("shell"), ["'echo' is no command"], ["42x"],
          outcome="matched", status=None, until="is no command",
          typed=[("l: GUEST up", b"echo $((6*7))x\r")]),
    # --- Debian's drivers and devices of the guest's own ---
    nic("e1000e", "8086:10d3#0", "e1000e"),
    nic("igb", "8086:10c9#0", "igb"),
    nic("igb-xapic", "8086:10c9#0", "igb", driver="igb", apic="xapic", halt="galog"),
    nic("virtio-net", "1af4:1041#0", "virtio-net-pci,disable-legacy=on,iommu_platform=on"),
    nic("e1000e-emulated", "8086:10d3#0", "e1000e", driver="e1000e", posted=False),
    # More vCPUs than pCPUs; each message has been at each of them.
    Linux("linux-4-cpus", linux("net,affinity,warnings", "0, 1, 0, 1", devices="8086:10c9#0"),
          ["GUEST up: .*, 4 CPUs", "GUEST ping: 300 packets transmitted, 300 packets received",
           "GUEST moved: [1-9][0-9]+ times, eth0: [0-9]+ on CPUs:( [1-9][0-9]+){4}\\n",
           "GUEST warnings: 0", "vm l: power-off", POSTED],
          drivers=["igb"], extra=[*NET, "-device", ON_NET.format("igb")]),
    Linux("linux-16-cpus", linux("warnings,nmi", "8*0, 8*1"),
          ["GUEST up: .*, 16 CPUs", "GUEST warnings: 0", "GUEST nmi: 16", "vm l: power-off"]),
    Linux("linux-no-nic", linux("net"), ["GUEST eth0: 0 on", "vm l: power-off"],
          ["GUEST ping"], drivers=["e1000e"], extra=[*NET, "-device", ON_NET.format("e1000e")]),
    Linux("linux-two-nics",
          linux("net,linger", "0", "a", "address=10.0.2.1 peer=10.0.2.2", devices="8086:10c9#0")
          + linux("net,linger", "1", "b", "address=10.0.2.2 peer=10.0.2.1", devices="8086:10d3#0"),
          [f"{n}: GUEST ping: 5 packets transmitted, 5 packets received" for n in "ab"],
          drivers=["igb", "e1000e"], timeout=400,
          extra=["-netdev", "hubport,hubid=0,id=n0", "-device", ON_NET.format("igb"), "-netdev",
                 "hubport,hubid=0,id=n1", "-device",
                 "e1000e,bus=pcie.0,addr=5.0,netdev=n1,romfile="]),
    Linux("linux-nvme", linux("nvme,warnings", devices="1b36:0010#0"),
          [NVME, "GUEST warnings: 0", "vm l: power-off", POSTED],
          drivers=["nvme"], icount=False, extra=DISK),
]
