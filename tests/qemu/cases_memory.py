# SPDX-License-Identifier: MIT
"""Guests with more memory than there is room for below their devices: 2 GiB, and the rest from 4 GiB
on. The machine has 3 GiB in one piece, from 4 GiB on."""

from case import Case, vm
from cases_kernels import Kernel, told
from cases_linux import DISK, NET, ON_NET, POSTED, Linux, linux
from cases_restart import lives, stop

BIG = {"memory": "5G"}
# One whose DMA reaches above 4 GiB: by itself it would cut bits off.
EDU = {"edu": 0, "igb": 0,
       "extra": ["-device", "edu,bus=pcie.0,addr=5.0,dma_mask=0xffffffffff"]}
# In MiB: what MemTotal says is less, by what the kernel has for itself.
RAM_3G = ["GUEST memory: 29[0-9]{2} MiB", "GUEST RAM at 00100000-7fffffff",
          "GUEST RAM at 100000000-13fffffff"]


def high(args="high", **keys):
    return vm(args, "0", memory="2080M", pci="virtual", **keys)


def with_nic(name, memory, expect=(), forbid=()):
    return Linux(name, linux("memory,net,warnings", memory=memory, devices="8086:10c9#0"),
                 ["GUEST ping: 5 packets transmitted, 5 packets received", "GUEST warnings: 0",
                  "vm l: power-off", POSTED, *expect], forbid, drivers=["igb"],
                 extra=[*NET, "-device", ON_NET.format("igb")], **BIG)


CASES = [
    Case("memory-high", high(devices="1234:11e8#0"),
         ["high: 2048 MiB low, 32 MiB high", "high: 100000000 to 102000000: 0 pages wrong",
          "high: DMA: copied", "TEST high: ok",
          "IO_PAGE_FAULT: device 00:05.0 of vm g .* address 80000000\\b",
          "REPORT refused vm=g events=1 "], **EDU, **BIG),
    # The device's addresses have 32 bits: it writes to low memory, and that must be noticed.
    Case("memory-high-twin", high("high outside=0", devices="1234:11e8#0"),
         ["high: DMA: WRONG", "TEST high: FAIL"], status=1, **BIG,
         **{**EDU, "extra": ["-device", "edu,bus=pcie.0,addr=5.0,dma_mask=0xffffffff"]}),
    Case("memory-hole", high("touch-foreign-memory"),
         ["own memory is fine", "vm g: stopped: .*81000000"], ["TEST"], status=1, edu=0, igb=0,
         **BIG),
    Case("memory-scrub", high("scrub", restart="always"), [lives("scrub", 2)], ["scrub: [1-9]"],
         edu=0, igb=0, **BIG, **stop("TEST scrub: ok.*TEST scrub: ok")),
    Case("memory-scrub-twin", high("scrub keep=1"), ["scrub: 0 pages", "scrub: 530432 pages"],
         status=1, edu=0, igb=0, **BIG),
    Kernel("multiboot-3g", "elf32",
           [*told(2 << 30), "MB map 100000000 bytes 40000000 type 1\n"], memory="3G",
           machine=BIG),
    # More than there is; the others start.
    Case("memory-too-much", vm("hello", "0", "a", memory="4G", pci="virtual")
         + vm("hello", "1", "b"),
         ["vm a: not started: not enough memory: it wants 4096M in one piece, and the largest that "
          "is free has [0-9]+M", "b: .*TEST hello: ok"], edu=0, igb=0),
    Case("memory-direct", vm("hello", "0", memory="2050M"),
         ["memory beyond 2G needs a PCI bus for the guest.*expected at most 2G"],
         ["TEST"], outcome="matched", status=None, until="expected at most 2G", edu=0, igb=0),
    # --- Debian's kernel ---
    with_nic("linux-3g", "3G", RAM_3G),
    with_nic("linux-3g-twin", "1G", ["GUEST memory: 9[0-9]{2} MiB", "GUEST RAM at 00100000-3fffffff"],
             ["GUEST RAM at 100000000"]),
    # Its memory of 64 MiB, which the device has for commands, is where RAM can't be.
    Linux("linux-high-bar", linux("memory,nvme", devices="1b36:0010#0"),
          ["GUEST high BAR of 00:01.0 at 5000000000-5003ffffff", "GUEST nvme: same", POSTED],
          drivers=["nvme"], icount=False, extra=[a.replace("nvme,", "nvme,cmb_size_mb=64,")
                                                 for a in DISK]),
]
