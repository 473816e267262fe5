# SPDX-License-Identifier: MIT
"""Devices behind a bridge to conventional PCI, whose requests carry the bridge's ID."""

from case import EDU, Case, vm

REFUSED = "vm g: not started: it is behind a bridge to conventional PCI that the IVRS does not know"


def behind(name, bridge, bus, expect, forbid=(), **how):
    """edu behind a bridge in 00:04.0."""
    return Case(f"bridge-{name}", vm("hello", "0", devices=EDU), expect, forbid,
                smp=1, edu=0, igb=0,
                extra=["-device", f"{bridge},id=b,bus=pcie.0,addr=4.0", "-device",
                       f"edu,bus={bus}"], **how)


CASES = [
    behind("to-conventional", "pcie-pci-bridge", "b,addr=1.0", [REFUSED],
           outcome="stops", status=None),
    behind("conventional", "pci-bridge,chassis_nr=1", "b,addr=1.0", [REFUSED],
           outcome="stops", status=None),
    behind("root-port", "pcie-root-port,chassis=1", "b", ["TEST hello: ok", "device 01:00.0 "],
           ["not started"]),
]
