# SPDX-License-Identifier: MIT
"""VMs that end and start anew, beside others that go on."""

from case import EDU, IGB, Case, vm
from cases_isolation import beside
from cases_linux import DISK, NET, NVME, ON_NET, Linux, linux


def lives(program, count, name="g", more=""):
    """A pattern: so many lives of the program, one after the other, none of which found anything."""
    one = f"{name}: .*TEST {program}: ok"
    return "(?s)" + f".*vm {name}: starts anew{more}.*".join(count * [one])


def e1000e(where):
    return {"edu": 0, "igb": 0, "extra": [*where[1:], "-device", f"e1000e,bus={where[0]},romfile="]}


ROOT_PORT = ["rp", "-device", "pcie-root-port,id=rp,bus=pcie.0,addr=4.0,chassis=1"]


def stop(pattern, name="g", **more):
    """The operator ends a VM that starts anew for ever, when the pattern has come."""
    return {"typed": [("(?s)" + pattern, f"stop {name}\r".encode())], "status": 1, **more}


def two_lives(name, device, does, works, more="", **keys):
    """A second Linux finds its device, reset by FLR, as the first did."""
    return Linux(f"linux-restart-{name}",
                 more + linux(f"{does},warnings,reboot", restart="on-reset", devices=device),
                 [f"(?s){works}.*GUEST warnings: 0.*vm l: starts anew.*reset by FLR.*{works}.*"
                  "GUEST warnings: 0"],
                 timeout=500, **keys, **stop("starts anew.*GUEST warnings: 0", "l"))


# Not with the address that the first gave it.
OWN = "GUEST address: (?!02:00:00:00:00:01)\\S+, then 02:00:00:00:00:01\n.*"
PING = OWN + "GUEST ping: 5 packets transmitted, 5 packets received"
IGB_NIC = [*NET, "-device", ON_NET.format("igb")]


PORT_9 = ["-device", "pcie-root-port,id=rp,bus=pcie.0,addr=9.0,chassis=1", "-device",
          "igb,bus=rp,romfile="]


def slot_9(control):
    """For Case.typed: writes the Slot Control of the root port 00:09.0, by the ports, which nobody
    else uses where there is an ECAM. Without power what is in the slot answers nothing any more."""
    def write(qmp):
        for words in ("/w 0xcf8 0x8000486c", f"/h 0xcfc {control:#x}"):
            qmp.command("human-monitor-command", **{"command-line": "o " + words})
        return []
    return write


POWER_OFF, POWER_ON = slot_9(0x0500), slot_9(0x0100)

CASES = [
    # --- nothing is left of an earlier life ---
    Case("restart-scrub", vm("scrub", "0", restart="always"),
         [lives("scrub", 3)], ["scrub: [1-9]"],
         **stop(".*".join(3 * ["TEST scrub: ok"]))),
    Case("restart-scrub-twin", vm("scrub keep=1", "0"), ["scrub: 0 pages", "scrub: 6144 pages"],
         status=1),
    Case("restart-never", vm("scrub", "0"), ["TEST scrub: ok"], ["starts anew"]),
    # All vCPUs come up again, on either APIC, posted or not.
    *[Case(f"restart-hello-{name}", vm("hello", "0, 1, 0", restart="always", **keys),
           [lives("hello", 3)], edu=0, igb=0,
           **stop(".*".join(3 * ["TEST hello: ok"])))
      for name, keys in (("x2apic", {}), ("xapic", {"apic": "xapic"}),
                         ("emulated", {"delivery": "emulated"}), ("native", {"halt": "native"}))],
    # --- a loop is made slow, and that is said once ---
    Case("restart-loop", vm("triple-fault", "0", "bad", restart="on-failure")
         + vm("irq count=3000", "1, 2", "good", devices=IGB, halt="gappi"),
         ["good: TEST irq: ok", "vm bad: ends soon each time"], ["(?s)ends soon each time.*ends soon each time"],
         edu=0, smp=3, **stop("(vm bad: stopped: .*){5}", "bad")),
    Case("restart-loop-on-reset", vm("triple-fault", "0", "bad", restart="on-reset"),
         ["vm bad: stopped"], ["starts anew"], status=1),
    # --- a device in a bad state: contained, attributed, whole again; the neighbour loses nothing ---
    beside("restart-device", "wreck", ["IO_PAGE_FAULT: device 00:04.0 of vm bad"],
           ["marker left", "LOST", "WRONG"], cpus="0", count=70000, good_igb=1, devices=IGB,
           pci="virtual", restart="always",
           ending=lives("wreck", 2, "bad", ".*device 00:04.0: reset by FLR"),
           machine={"igb": 2, **stop("good: TEST neighbour: ok", "bad")}),
    Case("restart-device-twin", vm("wreck keep=1", "0", devices=IGB, pci="virtual"),
         ["wreck: marker left"], status=1, edu=0),
    # --- one that hangs in the middle of work, and for good: nobody gets it. An operator who has
    # mended it may try again, and then it works ---
    beside("restart-stuck", "irq spin=0 count=20000", [
        "(?s)bad: irq, spinning.*vm bad: restarted by the monitor.*vm bad: starts anew.*vm bad: device "
        "01:00.0: it does not come back from its reset.*vm bad: starts anew.*vm bad: device 01:00.0: "
        "reset by FLR.*bad: irq, halted: 20000 sent, 20000 seen.*bad: TEST irq: ok"],
        ["(?s)irq, halted.*not started anew"], cpus="2, 1", count=90000, devices="8086:10c9#1",
        status=1, ending="vm bad: not started anew: it does not come back from its reset",
        machine={"smp": 3, "igb": 1, "extra": PORT_9, "typed": [
            ("bad: irq, spinning", POWER_OFF), ("", b"restart bad\r"),
            ("not started anew", POWER_ON), ("", b"start bad\r")]}),
    Case("restart-no-reset", vm("hello", "0", devices=EDU, restart="always"),
         ["TEST hello: ok", "device 00:05.0: no reset: not given to a second owner",
          "vm g: not started anew"], ["(?s)hello: ok.*hello: ok"], status=1),
    *[Case(f"restart-e1000e-{name}", vm("hello", "0", devices="8086:10d3#0", pci="virtual",
                                        restart="always"),
           [lives("hello", 2, more=f".*reset by {how}")],
           **stop("TEST hello: ok.*TEST hello: ok"), **e1000e(where))
      for name, where, how in (("root", ["pcie.0"], "D3hot and back"),
                               ("port", ROOT_PORT, "secondary bus reset"))],
    # --- the monitor ---
    Case("restart-monitor", vm("echo", "0", "a") + vm("echo", "1", "b"),
         ["(?s)stopped: by the monitor.*a: it has ended.*vm a: starts anew.*a: echo: ready"
          ".*vm a: it runs.*vm a: restarted by the monitor.*vm a: starts anew.*a: echo: ready",
          "echo: 'hello'"], status=1,
         typed=[("b: echo: ready", b"stop a\r"), ("stopped: by", b"stop a\rstart a\r"),
                ("(?s)starts anew.*a: echo: ready", b"start a\r"), ("it runs", b"restart a\r"),
                ("(?s)restarted by.*a: echo: ready", b"stop a\r\x1d2hello\rquit\r")]),
    # As often as one can type it, with CPUs in threads of their own; nothing is held back then.
    Case("threads-restart", vm("echo", "0, 1, 1", restart="always", halt="gappi"),
         ["(?s)" + ".*".join(12 * ["restarted by the monitor.*vm g: starts anew.*echo: ready"])],
         ["ends soon"], status=1, icount=False, edu=0, igb=0, timeout=200,
         typed=[*12 * [("echo: ready", b"restart g\r")], ("echo: ready", b"stop g\r")]),
    # --- Debian's kernel ---
    Linux("linux-restart", linux("reboot", "0, 1", name="a", restart="on-reset")
          + linux(",".join(140 * ["sleep"]), "1", name="b"),
          ["(?s)a: GUEST up.*, 2 CPUs.*vm a: reset by the guest.*vm a: starts anew"
           ".*a: GUEST up.*, 2 CPUs.*b: GUEST idle"],
          timeout=600, status=1,
          typed=[("(?s)starts anew.*a: GUEST up.*b: GUEST idle", b"stop a\rstop b\r")]),
    Linux("linux-restart-never", linux("reboot", "0"), ["vm l: reset by the guest"],
          ["starts anew"]),
    Linux("linux-panic", linux("panic", "0", restart="on-failure"),
          ["(?s)GUEST up.*vm l: reset by the guest.*vm l: starts anew.*GUEST up"],
          timeout=400, **stop("starts anew.*GUEST up", "l")),
    two_lives("igb", "8086:10c9#0", "address,net", PING, drivers=["igb"], extra=IGB_NIC),
    two_lives("igbvf", "8086:10ca#0", "address,net", PING,
              "[reveille]\nvfs = 1*8086:10c9#0\nvf-service = yes\n", drivers=["igbvf"],
              extra=IGB_NIC),
    two_lives("nvme", "1b36:0010#0", "nvme", NVME, drivers=["nvme"], icount=False, extra=DISK),
]
