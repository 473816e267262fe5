# SPDX-License-Identifier: MIT
"""Devices that interrupt by a wire, which leads through both I/O APICs."""

from cases_linux import NET, ON_NET, Linux, linux

# q35: INTA of 00:04.0.
GSI = 20
LINE = f"vm l: INTx of 00:04.0: GSI {GSI}, pin 17 of its I/O APIC"
UNKNOWN = "vm l: not started: it has neither MSI nor MSI-X, .*: say intx = DEVICE@GSI"


def wired(name, device, qemu, driver=None, **keys):
    """Linux and a NIC that has nothing but its pin: no packet is lost, while the interrupts are sent
    from CPU to CPU."""
    return Linux(f"linux-{name}",
                 linux("net,affinity,devices,warnings", devices=device, intx=f"{device}@{GSI}",
                       **keys),
                 [LINE, "GUEST ping: 5 packets transmitted, 5 packets received",
                  "GUEST ping: 300 packets transmitted, 300 packets received",
                  "GUEST moved: [1-9][0-9]+ times, eth0: [0-9]+ on CPUs: [1-9][0-9]+ [1-9][0-9]+",
                  "GUEST .* IO-APIC +17-fasteoi +eth0", "GUEST warnings: 0", "vm l: power-off",
                  f"REPORT intx vm=l device=00:04.0 gsi={GSI} pin=17 interrupts=[1-9][0-9]+\\b"],
                 ["held back"], drivers=[driver or name],
                 extra=[*NET, "-device", ON_NET.format(qemu)])


E1000 = "8086:100e#0"

CASES = [
    wired("e1000", E1000, "e1000"),
    wired("e1000-emulated", E1000, "e1000", driver="e1000", delivery="emulated", apic="xapic"),
    wired("rtl8139", "10ec:8139#0", "rtl8139", driver="8139cp", halt="galog"),
    Linux("linux-e1000-no-intx", linux("net", devices=E1000), [UNKNOWN],
          outcome="stops", status=None, extra=[*NET, "-device", ON_NET.format("e1000")]),
    Linux("linux-e1000-none", linux("net", devices=E1000, intx=f"{E1000}@none"),
          ["vm l: power-off"], ["GUEST ping: .* [1-9] packets received", "INTx of"],
          drivers=["e1000"], extra=[*NET, "-device", ON_NET.format("e1000")]),
    Linux("linux-e1000-wrong-line", linux("net", devices=E1000, intx=f"{E1000}@{GSI + 1}"),
          ["vm l: power-off"], ["GUEST ping: 5 packets transmitted, 5 packets received"],
          drivers=["e1000"], extra=[*NET, "-device", ON_NET.format("e1000")]),
]
