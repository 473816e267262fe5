# SPDX-License-Identifier: MIT
"""Integration tests of what the owner of the machine sees: console, monitor, survey, configs."""

from case import EDU, IGB, Case, behind_root_port, bench, vm
from cases_acs import ports


# A guest that is there while somebody types, and what the monitor says of it.
MONITORED = vm("echo", "0, 1", devices=IGB)
MONITOR_SAYS = ("help: this list", r"1 g: running, 2 vCPUs, \d+ ms of CPU time",
                r"g vCPU 0: running on CPU 0", r"g: \d+ exits", r"  \d+ hypercall",
                "mechanism (none|gappi)", "mechanism name=audit looks=[0-9]+ records=0 rescues=0", "CPU 1: ")
MONITOR_TYPED = (("echo: ready", b"help\r"), ("log error", b"vms\rvcpus\r"),
                 ("g vCPU 1", b"exits g\rirqs g\r"), ("message 0 ", b"wakes\rcpus\r"),
                 ("CPU 1: ", b"\x1d1quit\r"))


def survey(name, expect, again=(), write=False, **keys):
    """A config without a VM; then the printed one, or the one in the file."""
    return Case(name, "[reveille]\n" + ("survey = write\n" if write else ""), expect, again=again,
                outcome="stops", status=None, read_back="/reveille/survey.cfg" if write else None,
                **{"edu": 0, **keys})


CASES = [
    # --- the console and the monitor ---
    Case("monitor-tables", MONITORED, ["TEST echo: ok", *MONITOR_SAYS,
         "00:04.0 message 0 to vCPU 0 vector 50h: posted: auto: AVIC",
         "IPIs: posted by AVIC"], ["injected, [0-9]"], typed=MONITOR_TYPED),
    Case("monitor-tables-emulated", MONITORED + "delivery = emulated\n", ["TEST echo: ok",
         *MONITOR_SAYS, "00:04.0 message 0 to vCPU 0 vector .*: remapped to CPU 0, injected, "
         "[0-9]+ so far: as configured", "IPIs: emulated"], ["posted by AVIC", ": posted: "],
         typed=MONITOR_TYPED),
    Case("console-switch", vm("echo", "0", "a") + vm("echo", "1", "b"),
         [r"\[a: .*\]\necho: ready\necho: 'for a'", r"\[b: .*\]\necho: ready\necho: 'for b'\n",
          r"\[b: .*\]\necho: ready\necho: 'for b'\necho: 'quit'\nTEST echo: ok",
          "a: echo: 'later'", r"\[a: .*\]\n(.*\n)*echo: 'quit'\nTEST echo: ok"],
         ["a: echo: 'for b'", "b: echo: 'for a'"],
         typed=[("b: echo: ready", b"\x1d1for a\r"), ("echo: 'for a'", b"\x1d2for b\r"),
                ("echo: 'for b'", b"\x1dhvms\r"), ("2 b: running", b"\x1dpquit\r"),
                ("vm b: done", b"\x1d1later\r\x1dh"), ("a: echo: 'later'", b"\x1d1quit\r")]),
    Case("console-not-switched", vm("echo", "0"), ["'for' is no command"], ["echo: 'for a'"],
         outcome="matched", status=None, until="is no command",
         typed=[("echo: ready", b"for a\r")]),
    Case("monitor-modes", vm("echo", "0", devices=IGB),
         ["mechanism gappi", "vm g: switched", "mechanism galog", "TEST echo: ok",
          "delivery emulated: changed while it runs", "'fast' is none of its modes",
          "there is no VM 'h'", "expected halt VM native"],
         typed=[("echo: ready", b"wakes\rhalt g galog\r"), ("vm g: switched", b"wakes\r"),
                ("mechanism galog", b"delivery g emulated\r"), ("vm g: switched", b"vms\r"),
                ("changed while", b"delivery g fast\rstop h\rhalt g\r\x1d1quit\r")]),
    Case("monitor-modes-unfit", vm("echo", "0", devices=IGB), ["not switched: no GAPPI in the IOMMU"],
         ["vm g: switched"], without=["gappi"],
         typed=[("echo: ready", b"halt g gappi\r"), ("not switched", b"\x1d1quit\r")]),
    # The first dump is the monitor's, the second one that of the end. A guest that does nothing,
    # so that all fits into the rings, and can be compared with the stopwatch's.
    Case("monitor-trace", "[reveille]\ntrace = 1024\n" + vm("asleep", "0"),
         [r"(?s)TRACE 0 \S+\n.*TRACE vcpu tag=0 vm=g n=0\nTRACE end\n.*vm g: stopped: by the monitor"
          r".*TRACE 0 \S+\n.*TRACE end\n"],
         status=1, traced=True,
         typed=[("vm g: delivery", b"trace\r"), ("TRACE end", b"stop g\r")]),
    Case("monitor-no-trace", MONITORED, ["there is no trace: .*trace = on", "TEST echo: ok"],
         typed=[("echo: ready", b"trace\r"), ("there is no trace", b"\x1d1quit\r")]),
    Case("monitor-stop", vm("echo", "0", "a") + vm("echo", "1", "b"),
         ["vm a: stopped: by the monitor", "1 a: stopped", "2 b: running", "TEST echo: ok"],
         status=1, typed=[("b: echo: ready", b"stop a\r"), ("stopped: by", b"vms\r"),
                          ("2 b: running", b"\x1d2quit\r")]),
    # --- the survey: what it says, and that its configuration boots as it is ---
    survey("survey", ["HPET: 4 comparators, 4 that can send messages, IOMMU yes: timer = hpet",
                      "AVIC yes, x2AVIC yes", "IOMMU 0: .*", "GASup yes, GAMSup yes, GAPPISup yes",
           "2048 interrupts a device, SMI filter yes",
           r"00:04.0 8086:10c9 network: IOMMU 0, alone, ACS -, FLR yes, MSI 1, MSI-X 10, 8 VFs",
           "In the way:\n  nothing", "devices = pci/00:04.0\n"],
           ["vm first: delivery posted, halt gappi", "device 00:04.0", "TEST hello: ok"], write=True,
           forbid=["was not written"]),
    survey("survey-printed", ["devices = pci/00:04.0\n"], ["TEST hello: ok"], forbid=["survey.cfg"]),
    survey("survey-no-iommu", ["HPET: .*, IOMMU no: no VM's timer",
                               "no IVRS table.*turn IOMMU on", "iommu = auto", "not possible: "
           "pci/00:04.0 .*no IOMMU"], ["iommu: none", "TEST hello: ok"], without=["iommu"]),
    survey("survey-no-avic", ["AVIC no", "CPUID shows no AVIC"],
           ["vm first: delivery emulated: no AVIC", "TEST hello: ok"], without=["avic", "x2avic"]),
    survey("survey-no-smi-filter", ["SMI filter no", "- IOMMU 0 has no SMI filter: "],
           ["warning: iommu0: no SMI filter", "TEST hello: ok"], without=["smi-filter"]),
    survey("survey-no-x2avic", ["CPUID shows AVIC but no x2AVIC", "apic = xapic"],
           ["vm first: delivery posted", "TEST hello: ok"], without=["x2avic"]),
    survey("survey-no-gappi", ["IOMMU 0 lacks GAPPISup: .*halt = galog"],
           ["delivery posted, halt galog", "TEST hello: ok"], without=["gappi"]),
    survey("survey-no-gasup", ["IOMMU 0 lacks GASup: its devices can't", "# devices = none",
           "not possible: pci/00:04.0 .*GASup"], ["TEST hello: ok"], without=["gasup"]),
    survey("survey-no-svm", ["No VM can run: this CPU has no SVM", "# No configuration"],
           forbid=[r"\[vm first\]"], without=["svm"]),
    survey("survey-acs", ["01:00.0 8086:10c9 network: .*ACS yes", "devices = pci/00:04.0/00.0\n"],
           ["device 01:00.0", "TEST hello: ok"], forbid=["ACS no", "past the IOMMU"], igb=0,
           extra=behind_root_port("")),
    survey("survey-no-acs", ["01:00.0 8086:10d3 network: .*ACS no",
           "- 01:00.0, 02:00.0 can reach each other past the IOMMU .no ACS between them.: give them to one VM"],
           ["device 01:00.0", "device 02:00.0", "TEST hello: ok"], igb=0, edu=0,
           extra=ports(",disable-acs=on")),
    survey("survey-shared-alias", ["02:01.0 8086:100e network: .*requests as .* with 1 others",
           "- 02:01.0, 02:02.0 share the requester ID", "not possible: pci/.*bridge to conventional PCI that the IVRS"],
           ["TEST hello: ok"], igb=0, edu=0, extra=["-device", "pcie-root-port,id=rp,bus=pcie.0,"
           "addr=4.0,chassis=1", "-device", "pcie-pci-bridge,id=pci,bus=rp", "-device",
           "e1000,bus=pci,addr=1,romfile=", "-device", "e1000,bus=pci,addr=2,romfile="]),
    survey("survey-alone-on-the-bridge", ["02:01.0 8086:100e network: .*alone"], ["TEST hello: ok"],
           forbid=["share the requester ID"], igb=0, edu=0, extra=["-device", "pcie-root-port,id=rp,"
           "bus=pcie.0,addr=4.0,chassis=1", "-device", "pcie-pci-bridge,id=pci,bus=rp", "-device",
           "e1000,bus=pci,addr=1,romfile="]),
    # --- configs ---
    Case("config-unknown-key", vm("hello", "0") + "speed = 9\n",
         [r"reveille\.cfg:6: .*speed"], outcome="stops", status=None),
    Case("config-bad-value", vm("hello", "0", memory="lots"),
         [r"reveille\.cfg:4: .*memory"], outcome="stops", status=None),
    Case("config-unknown-section", "[car red]\n", [r"reveille\.cfg:1: "], outcome="stops",
         status=None),
    Case("config-twice", vm("hello", "0", "a") + vm("hello", "0", "a"),
         [r"reveille\.cfg:6: "], outcome="stops", status=None),
    Case("config-overlap", vm("hello", "0", "a", devices=IGB) + vm("hello", "0", "b", devices=IGB),
         [r"reveille\.cfg:12: "], outcome="stops", status=None),
    Case("config-back-to-firmware", "[car red]\n", ["BdsDxe: failed to start Boot0001.*Aborted"],
         outcome="matched", status=None, until="failed to start Boot0001", press=b"\r"),
    Case("config-no-such-kernel", "[vm g]\ncpus = 0\nkernel = k/vmlinuz\n",
         [r"reveille\.cfg:3: 'k/vmlinuz' is missing"], outcome="stops", status=None),
    Case("config-no-kernel", "[vm g]\ncpus = 0\nkernel = k/vmlinuz\n",
         ["vm g: not started: .*kernel"], ["is missing"], outcome="stops", status=None,
         files={"k/vmlinuz": __file__}),
    Case("config-no-such-cpu", vm("hello", "7"), ["vm g: not started: .*"], outcome="stops",
         status=None),
    Case("config-no-such-device", vm("hello", "0", devices="8086:ffff#0"),
         ["vm g: not started: .*"], outcome="stops", status=None),
]
