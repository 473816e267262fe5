# SPDX-License-Identifier: MIT
"""Devices behind a bridge to conventional PCI, whose requests carry the bridge's ID."""

from case import EDU, Case, vm

REFUSED = "vm g: not started: it is behind a bridge to conventional PCI that the IVRS does not know"
BOTH = "not started: another device has the same requester ID: this VM must have both"
PAIR = "1234:11e8#0, 1234:11e8#1"
# A bridge from PCI Express, whose requests are those of 01:00.0, and one without, of 00:04.0.
BRIDGES = {"express": "pcie-pci-bridge", "old": "pci-bridge,chassis_nr=1"}


def behind(name, bridge, bus, expect, forbid=(), **how):
    """edu behind a bridge in 00:04.0."""
    return Case(f"bridge-{name}", vm("hello", "0", devices=EDU), expect, forbid,
                smp=1, edu=0, igb=0,
                extra=["-device", f"{bridge},id=b,bus=pcie.0,addr=4.0", "-device",
                       f"edu,bus={bus}"], **how)


def pair(name, config, expect, forbid=(), bridge="express", **how):
    """Two edu behind a bridge in 00:04.0, and an IVRS that names their alias."""
    return Case(f"bridge-pair-{name}", config, expect, forbid, smp=1, edu=0, igb=0,
                iommu_properties=["x-aliases=on"],
                extra=["-device", f"{BRIDGES[bridge]},id=b,bus=pcie.0,addr=4.0",
                       "-device", "edu,bus=b,addr=1.0", "-device", "edu,bus=b,addr=2.0"], **how)


def copies(name, bridge="express", **keys):
    """The DMA of both arrives, and the interrupts of both, each by its own vector."""
    return pair(name, vm("copies", "0", devices=PAIR, **keys),
                ["copies: by 2 devices: copied", "TEST copies: ok"], ["IO_PAGE_FAULT"], bridge)


CASES = [
    behind("to-conventional", "pcie-pci-bridge", "b,addr=1.0", [REFUSED],
           outcome="stops", status=None),
    behind("conventional", "pci-bridge,chassis_nr=1", "b,addr=1.0", [REFUSED],
           outcome="stops", status=None),
    behind("root-port", "pcie-root-port,chassis=1", "b", ["TEST hello: ok", "device 01:00.0 "],
           ["not started"]),
    copies("together"),
    copies("together-old", "old", halt="galog"),
    copies("together-emulated", delivery="emulated"),
    pair("half", vm("hello", "0", devices=EDU), [f"vm g: {BOTH}"], outcome="stops", status=None),
    pair("split", vm("hello", "0", "a", devices=EDU) + vm("hello", "0", "b", devices="1234:11e8#1"),
         [f"vm a: {BOTH}", "vm b: not started: "], outcome="stops", status=None),
]
