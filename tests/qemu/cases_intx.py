# SPDX-License-Identifier: MIT
"""Devices that interrupt by a wire, which leads through both I/O APICs."""

from case import EDU, Case, vm
from cases import EDU_32
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


def edu(args="intx", intx=f"{EDU}@{GSI + 1}", devices=EDU, **keys):
    """The built-in guest with an edu in 00:05.0."""
    keys = {"intx": intx, **keys} if intx else keys
    return vm(args, devices=devices, **{"pci": "virtual", **keys})


MACHINE = {"edu": 0, "igb": 0, "extra": EDU_32}
TWO = {"edu": 0, "igb": 0, "smp": 2, "extra": [*EDU_32, "-device", "edu,bus=pcie.0,addr=9.0"]}
OK = ("TEST intx: ok", "REPORT intx vm=g device=00:05.0 gsi=21 pin=17 interrupts=[0-9]+")
ASK = [("echo: ready", b"irqs\r"), ("APIC timer: emulated", b"wakes\r")]
ASKED = {"outcome": "matched", "status": None, **MACHINE}
SHOWN = "00:05.0 INTx, GSI 21 to pin 17: remapped, 0 so far"
HELD = "INTx of 00:05.0: more than 200 interrupts in 10 ms: held back"
SHARED = "not started: intx: another device has this line"

CASES = [
    Case("intx-posted", edu(), [*OK, "delivery posted"], ["held back"], **MACHINE),
    Case("intx-emulated", edu(delivery="emulated"), OK, ["held back"], **MACHINE),
    Case("intx-xapic", edu(apic="xapic", halt="galog"), OK, ["held back"], **MACHINE),
    Case("intx-unconnected", edu(intx=None), ["intx: its pin: WRONG", "TEST intx: FAIL"],
         ["REPORT intx"], status=1, **MACHINE),
    Case("intx-storm", edu("intx storm=1"), [*OK, HELD], **MACHINE),
    Case("intx-no-storm", edu("intx storm=1 answer=1"), OK, ["held back"], **MACHINE),
    Case("intx-monitor", edu("echo"), [SHOWN], until="mechanism g", typed=ASK, **ASKED),
    Case("intx-monitor-none", edu("echo", intx=None), forbid=[SHOWN], until="mechanism g", typed=ASK,
         **ASKED),
    Case("intx-shared-line",
         edu(devices="00:05.0", intx="00:05.0@21", name="g")
         + edu("hello", devices="00:09.0", intx="00:09.0@21", name="h", cpus="0"),
         ["vm h: " + SHARED, *OK], **TWO),
    Case("intx-own-lines",
         edu(devices="00:05.0", intx="00:05.0@21", name="g")
         + edu("hello", devices="00:09.0", intx="00:09.0@22", name="h", cpus="0"),
         ["h: TEST hello: ok", *OK], [SHARED], **TWO),
    Case("intx-no-such-gsi", edu(intx=f"{EDU}@900"), ["not started: intx: no I/O APIC has"],
         outcome="stops", status=None, **MACHINE),
    Case("intx-of-another", edu(intx="00:1f.2@16"),
         ["not started: intx: names a device that is none of its"], outcome="stops", status=None,
         **MACHINE),
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
