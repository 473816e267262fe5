# SPDX-License-Identifier: MIT
"""Two NICs that may have a way to each other past the IOMMU, by what lies between them."""

from case import Case, vm

NIC = "8086:10d3#"
REFUSED = "vm b: not started: it and a device of another VM can reach each other past the IOMMU"


def ports(properties=""):
    """Each behind a root port of its own, two functions of one device."""
    return [word for n in (0, 1) for word in (
        "-device", f"pcie-root-port,id=rp{n},bus=pcie.0,chassis={n + 1},addr=4.{n},"
        f"multifunction=on{properties}", "-device", f"e1000e,bus=rp{n},romfile=")]


# Ports of a switch, which has no ACS.
SWITCH = ["-device", "pcie-root-port,id=rp,bus=pcie.0,chassis=1,addr=4.0",
          "-device", "x3130-upstream,id=up,bus=rp"] + [word for n in (0, 1) for word in (
              "-device", f"xio3130-downstream,id=down{n},bus=up,chassis={n + 2},slot={n}",
              "-device", f"e1000e,bus=down{n},romfile=")]
# Functions of one card, which has none, behind a port that has.
CARD = ["-device", "pcie-root-port,id=rp,bus=pcie.0,chassis=1,addr=4.0"] + [
    word for n in (0, 1) for word in (
        "-device", f"e1000e,bus=rp,addr=0.{n},multifunction=on,romfile=")]


def acs(name, extra, expect, forbid, config=None):
    config = config or (vm("hello", "0", "a", devices=NIC + "0")
                        + vm("hello", "1", "b", devices=NIC + "1"))
    return Case(f"acs-{name}", config, ["a: TEST hello: ok", *expect], forbid, edu=0, igb=0,
                extra=extra)


def apart(name, extra):
    return acs(name, extra, [REFUSED + ".*: give both to one VM, or use another slot"], ["b: TEST"])


CASES = [
    apart("apart", ports(",disable-acs=on")),
    apart("apart-switch", SWITCH),
    apart("apart-card", CARD),
    acs("on", ports(), ["b: TEST hello: ok", "vm a: device 01:00.0", "vm b: device 02:00.0"],
        ["not started", "can't be turned on"]),
    acs("together", ports(",disable-acs=on"), ["vm a: device 01:00.0", "vm a: device 02:00.0"],
        ["not started"], vm("hello", "0", "a", devices=f"{NIC}0, {NIC}1")),
]
