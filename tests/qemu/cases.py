# SPDX-License-Identifier: MIT
"""The integration tests: each boots a machine with a config and says what the serial log must
hold and must not. Most features have a twin that shows the opposite on a machine without them."""

import run

IGB = "8086:10c9#0"
EDU = "1234:11e8#0"


def vm(args, cpus="0, 1", name="g", **keys):
    """A config file with one VM."""
    keys = {"guest": "builtin", "args": args, "memory": "32M", "cpus": cpus, **keys}
    lines = "".join(f"{k.replace('_', '-')} = {v}\n" for k, v in keys.items())
    return f"[vm {name}]\n{lines}"


class Case:
    def __init__(self, name, config, expect=(), forbid=(), outcome="done", status=0, until=None,
                 press=None, typed=(), read_back=None, again=(), timeout=90, strict=(), rescues=0,
                 traced=False, linux=None, **machine):
        self.name = name
        self.config = config
        self.expect = tuple(expect)  # regular expressions, each must match a line
        self.forbid = tuple(forbid)
        self.outcome, self.status = outcome, status
        self.until = until  # a regular expression that ends the run
        self.press = press  # bytes to type where the loader waits for a key
        self.typed = tuple(typed)  # (regular expression to wait for, bytes to type then)
        self.read_back = read_back  # a file on the ESP
        self.again = tuple(again)  # the survey's configuration is booted and must say these
        self.timeout = timeout
        self.strict = tuple(strict)  # complaints of the emulator that belong to the test
        self.traced = traced  # decode its trace, and compare it with the stopwatch's
        self.rescues = rescues  # vCPUs that only the audit found
        self.linux = linux  # the files of a Linux guest: which kernel (tests/linux/guest.py)
        self.machine = {"edu": 1, "igb": 1, **machine}


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


def bench(delivery="auto", halt="auto", args="irq", **keys):
    return vm(args, devices=f"{IGB}, {EDU}", delivery=delivery, halt=halt, **keys)


def bench_devices(devices):
    return vm("irq", devices=devices)


def pci(args="pci", **keys):
    return vm(args, cpus="0, 1, 2", devices=f"{IGB}, {EDU}", **{"pci": "virtual", **keys})


# One whose DMA reaches all addresses below 4 GiB: by itself it would cut 4 bits off.
EDU_32 = ["-device", "edu,bus=pcie.0,addr=5.0,dma_mask=0xffffffff"]
PCI_MACHINE = {"smp": 3, "edu": 0, "extra": EDU_32}


def vfs(count, *devices):
    """Virtual functions of the first igb, and a VM for each device named."""
    head = f"[reveille]\nvfs = {count}*{IGB}\n" if count else ""
    return head + "".join(vm("hello", str(i), name=f"v{i}", devices=d, pci="virtual")
                          for i, d in enumerate(devices))


VFS_MACHINE = {"igb": 0, "edu": 0,
               "extra": ["-device", "pcie-root-port,id=rp,bus=pcie.0,addr=4.0,chassis=1",
                         "-device", "igb,bus=rp,romfile="]}
PCI_OK = ("TEST pci: ok",)
ATTACKS = ("IO_PAGE_FAULT: device 00:05.0 of vm g .* address c00",
           "IO_PAGE_FAULT: device 00:05.0 of vm g .* address fee00000")
IRQ_OK = ("TEST irq: ok",)
EMULATED = r"vm g: delivery (posted falls back to )?emulated: .*"

# A guest that is there while somebody types, and what the monitor says of it.
MONITORED = vm("echo", "0, 1", devices=IGB)
MONITOR_SAYS = ("help: this list", r"1 g: running, 2 vCPUs, \d+ ms of CPU time",
                r"g vCPU 0: running on CPU 0", r"g: \d+ exits", r"  \d+ hypercall",
                "mechanism (none|gappi)", "mechanism name=audit looks=[0-9]+ records=0 rescues=0", "CPU 1: ")
MONITOR_TYPED = (("echo: ready", b"help\r"), ("log error", b"vms\rvcpus\r"),
                 ("g vCPU 1", b"exits g\rirqs g\r"), ("message 0 ", b"wakes\rcpus\r"),
                 ("CPU 1: ", b"\x1d1quit\r"))


def greedy(**keys):
    """A VM that would like to have pCPU 0 for itself."""
    return vm("greedy", "0", name="greedy", memory="8M", **keys)


def victim(program, *others, igb=1, **keys):
    """Case() of a VM whose vCPU 0 shares pCPU 0 with others, which never end."""
    device = {"devices": IGB} if igb else {}
    config = vm(program, "0, 1" if igb else "0", priority=1, **device)
    return {"config": config + "".join(others), "outcome": "matched", "status": None,
            "until": "TEST (latency|share): ", "edu": 0, "igb": igb, "smp": 1 + igb, **keys}


BUDGET = {"priority": 2, "budget": "2ms/10ms"}


def survey(name, expect, again=(), write=False, **keys):
    """A config without a VM; then the printed one, or the one in the file."""
    return Case(name, "[reveille]\n" + ("survey = write\n" if write else ""), expect, again=again,
                outcome="stops", status=None, read_back="/reveille/survey.cfg" if write else None,
                **{"edu": 0, **keys})


def behind_root_port(properties):
    return ["-device", "pcie-root-port,id=rp,bus=pcie.0,addr=4.0,chassis=1" + properties,
            "-device", "igb,bus=rp,romfile="]


CASES = [
    # --- being there ---
    Case("hello-1-cpu", vm("hello", "0"), ["hello: 1 vCPUs.*x2APIC", "TEST hello: ok"], smp=1),
    Case("hello-2-cpus", vm("hello", "0, 1"), ["hello: 2 vCPUs", "TEST hello: ok"]),
    Case("hello-4-cpus", vm("hello", "0, 1, 2, 3"), ["hello: 4 vCPUs", "TEST hello: ok"], smp=4),
    Case("hello-shared-cpu", vm("hello", "4*0"), ["hello: 4 vCPUs", "TEST hello: ok"], smp=1),
    Case("hello-xapic", vm("hello", "0, 1", apic="xapic"), ["xAPIC", "TEST hello: ok"]),
    Case("hello-two-vms", vm("hello", "0", "a") + vm("hello", "1", "b"),
         ["a: TEST hello: ok", "b: TEST hello: ok"]),
    Case("hello-no-x2apic", vm("hello", "0, 1", apic="xapic"), ["TEST hello: ok"],
         without=["x2apic", "x2avic"]),
    Case("hello-any-cpu", vm("hello", "any, 0", "a") + vm("hello", "any, any", "b"),
         ["a: TEST hello: ok", "b: TEST hello: ok"]),
    Case("hello-cpus-limit", "[reveille]\ncpus = 1\n" + vm("hello", "0, 0"), ["CPUs: 1;"], smp=2),
    # --- sharing a pCPU: docs/scheduler.md says where the bounds come from ---
    Case("budget-latency", expect=["TEST latency: ok"],
         **victim("latency limit=2050", greedy(**BUDGET))),
    Case("budget-latency-off", expect=["TEST latency: FAIL"],
         **victim("latency limit=2050", greedy(priority=2))),
    Case("budget-share", expect=["TEST share: ok"],
         **victim("share gap=2050 low=190 high=203", greedy(**BUDGET), igb=0)),
    Case("budget-share-off", expect=["TEST share: FAIL"],
         **victim("share gap=2050 high=203", greedy(priority=1), igb=0)),
    # --- delivery and wake, each mechanism, and machines that lack it ---
    Case("irq-gappi", bench(halt="gappi"), [*IRQ_OK, "delivery posted, halt gappi"]),
    Case("irq-gappi-shared", bench(halt="gappi-shared"), IRQ_OK),
    Case("irq-galog", bench(halt="galog"), [*IRQ_OK, "delivery posted, halt galog"]),
    Case("irq-native", bench(halt="native"), IRQ_OK),
    Case("irq-emulated", bench(delivery="emulated"), [*IRQ_OK, "emulated, as configured"]),
    Case("irq-xapic", bench(apic="xapic"), [*IRQ_OK, "delivery posted"]),
    Case("irq-xapic-emulated", bench(apic="xapic", delivery="emulated"), IRQ_OK),
    Case("irq-4-cpus", bench(cpus="3, 2"), IRQ_OK, smp=4),
    Case("irq-one-cpu", vm("irq spin=0", "0, 0", priority="1, 0", devices=IGB), IRQ_OK, smp=1),
    Case("irq-no-avic", bench(), [*IRQ_OK, EMULATED + "no AVIC"], ["delivery posted,"],
         without=["avic", "x2avic"]),
    Case("irq-no-x2avic", bench(), [*IRQ_OK, EMULATED + "no x2AVIC"], ["delivery posted,"],
         without=["x2avic"]),
    Case("irq-no-x2avic-xapic", bench(apic="xapic"), [*IRQ_OK, "delivery posted"],
         without=["x2avic"]),
    Case("irq-no-gappi", bench(halt="gappi"), [*IRQ_OK, "halt gappi falls back to galog"],
         without=["gappi"]),
    Case("irq-auto-no-gappi", bench(), [*IRQ_OK, "delivery posted, halt galog"],
         without=["gappi"]),
    Case("irq-no-gappidis", bench(halt="gappi"), IRQ_OK, without=["gappidis"]),
    Case("irq-no-gam", bench(), [*IRQ_OK, EMULATED + "no guest mode"], ["delivery posted,"],
         without=["gam"]),
    Case("irq-no-xt", bench(), IRQ_OK, without=["xt"]),
    Case("irq-no-caching", bench(), IRQ_OK, without=["caching"]),
    Case("irq-spurious-gappi", bench(halt="gappi"), IRQ_OK,
         iommu_properties=["x-spurious-gappi=30"]),
    Case("irq-erratum-1235", bench(halt="gappi"), IRQ_OK, cpu_properties=["family=23", "model=49", "x-avic-erratum-1235=50"]),
    Case("irq-late-log", bench(halt="galog"), IRQ_OK, iommu_properties=["x-late-log=on"]),
    Case("irq-slow-commands", bench(), IRQ_OK, iommu_properties=["x-command-delay-ns=20000"]),
    Case("irq-behind-root-port", bench(), [*IRQ_OK, "device 01:00.0 "], igb=0,
         extra=["-device", "pcie-root-port,id=rp,bus=pcie.0,addr=4.0,chassis=1",
                "-device", "igb,bus=rp,romfile="]),
    Case("irq-few-asids", bench(cpus="0, 1, 8*0"), IRQ_OK, cpu_properties=["x-svm-nasid=4"]),
    Case("irq-by-path", bench_devices("pci/00:04.0/00.0, pci/00:05.0"), [*IRQ_OK, "device 01:00.0 "],
         igb=0, extra=["-device", "pcie-root-port,id=rp,bus=pcie.0,addr=4.0,chassis=1",
                       "-device", "igb,bus=rp,romfile="]),
    Case("irq-by-wrong-path", bench_devices("pci/00:04.0/01.0, pci/00:05.0"),
         ["vm g: not started: there is no such PCI device"], outcome="stops", status=None,
         igb=0, extra=["-device", "pcie-root-port,id=rp,bus=pcie.0,addr=4.0,chassis=1",
                       "-device", "igb,bus=rp,romfile="]),
    Case("iommu-completion-lost", bench(), ["COMPLETION|completion|confirm"], outcome="stops",
         status=None, iommu_properties=["x-completion-lost=1"]),
    Case("iommu-completion-lost-later", bench(), ["confirm|completion"], ["TEST irq: ok"],
         status=1, iommu_properties=["x-completion-lost=4"]),
    Case("no-iommu", bench(), ["iommu: none", "vm g: not started"], outcome="stops",
         status=None, without=["iommu"]),
    Case("no-iommu-no-devices", vm("hello", "0"), ["iommu: none", "TEST hello: ok"],
         without=["iommu"]),
    Case("no-iommu-required", "[reveille]\niommu = required\n" + vm("hello", "0"),
         ["Reveille stops: iommu = required, but there is none"], ["TEST"], outcome="stops",
         status=None, without=["iommu"]),
    Case("iommu-required", "[reveille]\niommu = required\n" + vm("hello", "0"),
         ["iommu0: ", "TEST hello: ok"]),
    Case("iommu-off", "[reveille]\niommu = off\n" + bench(), ["iommu: left alone", "vm g: not started"],
         ["iommu0: "], outcome="stops", status=None),
    Case("no-gasup", bench(), ["vm g: not started"], outcome="stops", status=None,
         without=["gasup"]),
    Case("no-svm", vm("hello", "0"), ["Reveille stops: .*SVM"], outcome="stops", status=None,
         without=["svm"]),
    Case("no-npt", vm("hello", "0"), ["Reveille stops: .*[Nn]ested"], outcome="stops", status=None,
         without=["npt"]),
    Case("no-decode-assists", bench(apic="xapic", delivery="emulated"), IRQ_OK,
         without=["decode-assists"]),
    Case("no-flush-by-asid", bench(), IRQ_OK, without=["flush-by-asid"]),
    Case("no-nrips", bench(), IRQ_OK, without=["nrips"]),
    Case("no-clean-bits", bench(), IRQ_OK, without=["clean-bits"]),
    # --- what guests do with their APICs ---
    Case("halt-ipi", vm("halt", "0, 1"), ["TEST halt: ok"]),
    Case("halt-ipi-one-cpu", vm("halt", "0, 0"), ["TEST halt: ok"], smp=1),
    Case("halt-ipi-emulated", vm("halt", "0, 1", delivery="emulated"), ["TEST halt: ok"]),
    Case("halt-ipi-xapic", vm("halt", "0, 1", apic="xapic"), ["TEST halt: ok"]),
    Case("ipi-x2apic", vm("ipi", "0, 1, 2, 3"), ["TEST ipi: ok"], smp=4),
    Case("ipi-xapic", vm("ipi", "0, 1, 2, 3", apic="xapic"), ["TEST ipi: ok"], smp=4),
    Case("ipi-emulated", vm("ipi", "0, 1, 2, 3", delivery="emulated"), ["TEST ipi: ok"], smp=4),
    Case("ipi-shared-cpus", vm("ipi", "0, 1, 0, 1, 0, 1"), ["TEST ipi: ok"]),
    Case("ipi-erratum-1235", vm("ipi", "0, 1, 0, 1"), ["TEST ipi: ok"],
         cpu_properties=["family=23", "model=49", "x-avic-erratum-1235=50"]),
    Case("fpu-shared-cpu", vm("fpu", "3*0"), ["TEST fpu: ok"], smp=1),
    Case("fpu-no-xsave", vm("fpu", "3*0"), ["TEST fpu: ok"], smp=1, cpu_properties=["-xsave"]),
    Case("timer", vm("timer", "0"), ["TEST timer: ok"]),
    Case("timer-emulated", vm("timer", "0", delivery="emulated"), ["TEST timer: ok"]),
    Case("timer-xapic", vm("timer", "0", apic="xapic"), ["TEST timer: ok"]),
    Case("tpr-gappi", vm("tpr", devices=IGB, halt="gappi"), ["TEST tpr: ok"]),
    Case("tpr-gappi-shared", vm("tpr", devices=IGB, halt="gappi-shared"), ["TEST tpr: ok"]),
    Case("tpr-galog", vm("tpr", devices=IGB, halt="galog"), ["TEST tpr: ok"]),
    Case("tpr-emulated", vm("tpr", devices=IGB, delivery="emulated"), ["TEST tpr: ok"]),
    Case("tpr-xapic", vm("tpr", devices=IGB, apic="xapic"), ["TEST tpr: ok"]),
    # --- changes while interrupts are under way ---
    Case("migrate-gappi", vm("migrate", "0, 1", devices=IGB, halt="gappi", control="yes"),
         ["TEST migrate: ok"], smp=2),
    Case("migrate-galog", vm("migrate pcpus=4", "0, 1", devices=IGB, halt="galog", control="yes"),
         ["TEST migrate: ok"], smp=4),
    Case("migrate-emulated",
         vm("migrate", "0, 1", devices=IGB, delivery="emulated", control="yes"),
         ["TEST migrate: ok"]),
    Case("switch-modes", vm("switch", "0, 1, 1", devices=IGB, control="yes"),
         ["TEST switch: ok"]),
    Case("switch-modes-4-cpus", vm("switch", "0, 1, 2", devices=IGB, control="yes"),
         ["TEST switch: ok"], smp=4),
    Case("switch-needs-control", vm("switch", "0, 1, 1", devices=IGB, control="no"),
         ["modes changed 0 times", "TEST switch: FAIL"], status=1),
    Case("galog-overflow",
         "[reveille]\nlog = debug\n" + vm("bench count=500 only=galog-overflow", "0, 1, 0, 64*0", priority="2, 2, 1, 64*0",
            devices=f"{EDU}, " + ", ".join(f"8086:10c9#{i}" for i in range(4)), control="yes",
            memory="64M"), ["TEST bench: ok", "[1-9][0-9]* overflows of the GA log",
                           "restarted, [1-9][0-9]* vCPUs woken"], igb=4),
    # --- the IOMMU forgets to tell: the audit finds the vCPU, whatever the mechanism ---
    *[Case(f"lost-{halt}", bench(halt=halt), [*IRQ_OK, r"audit: vCPU 0 of vm g .*: woken",
           rf"audit:   mechanism {mechanism}, "], rescues=1, iommu_properties=["x-wake-lost=100"])
      for halt, mechanism in (("galog", "galog"), ("gappi", "gappi"), ("gappi-shared", "gappi"))],
    # The same fault where nobody has to be told; the other twins are irq-galog, irq-gappi ..
    Case("lost-native", bench(halt="native"), IRQ_OK, ["audit: "],
         iommu_properties=["x-wake-lost=100"]),
    # --- the trace says what the stopwatch says; the twins are all other cases, which have none ---
    *[Case(f"trace-{halt}", "[reveille]\ntrace = 16384\n" + bench(halt=halt, args="irq count=200"),
           IRQ_OK, traced=True) for halt in ("galog", "gappi", "gappi-shared")],
    Case("trace-migrate", "[reveille]\ntrace = 16384\n" + vm(
        "migrate count=200", "0, 1", devices=IGB, halt="gappi", control="yes"),
         ["TEST migrate: ok"], traced=True),
    # --- the same with CPUs in threads of their own: true concurrency, and no count of
    # instructions that repeats ---
    *[Case(f"threads-irq-{halt}", bench(halt=halt, args="irq count=400"), IRQ_OK, icount=False)
      for halt in ("gappi", "gappi-shared", "galog", "native")],
    Case("threads-irq-emulated", bench(delivery="emulated", args="irq count=400"), IRQ_OK,
         icount=False),
    Case("threads-ipi", vm("ipi", "0, 1, 0, 1"), ["TEST ipi: ok"], icount=False),
    Case("threads-tpr", vm("tpr", devices=IGB, halt="gappi"), ["TEST tpr: ok"], icount=False),
    Case("threads-migrate", vm("migrate count=3000", "0, 1", devices=IGB, control="yes"),
         ["TEST migrate: ok"], icount=False),
    Case("threads-switch", vm("switch count=3000", "0, 1, 1", devices=IGB, control="yes"),
         ["TEST switch: ok"], icount=False),
    # --- a PCI bus for a guest with drivers of its own ---
    Case("pci", pci(), PCI_OK + ATTACKS, **PCI_MACHINE),
    Case("pci-xapic", pci(apic="xapic"), PCI_OK, **PCI_MACHINE),
    Case("pci-galog", pci(halt="galog"), PCI_OK, **PCI_MACHINE),
    Case("pci-emulated", pci(delivery="emulated"), [*PCI_OK, "emulated, as configured"],
         **PCI_MACHINE),
    Case("pci-behind-root-port", pci(), [*PCI_OK, "device 01:00.0 "], igb=0, edu=0,
         smp=3, extra=[*EDU_32, "-device", "pcie-root-port,id=rp,bus=pcie.0,addr=4.0,chassis=1",
                "-device", "igb,bus=rp,romfile="]),
    Case("pci-no-bus-master", pci("pci master=0"), ["pci: first interrupt: WRONG"], status=1,
         **PCI_MACHINE),
    Case("pci-direct-has-none", pci(pci="direct"), ["pci: a bus: WRONG"], status=1,
         **PCI_MACHINE),
    Case("pci-no-attack", pci("pci attack=0"), PCI_OK, ["IO_PAGE_FAULT"], **PCI_MACHINE),
    Case("threads-pci", pci(), PCI_OK, icount=False, **PCI_MACHINE),
    # --- SR-IOV ---
    Case("vfs", vfs(2, "8086:10ca#0", "8086:10ca#1"),
         ["device 01:00.0: 2 virtual functions", "vm v0: device 01:10.0 .8086:10ca., 3 messages",
          "vm v1: device 01:10.2", "v0: TEST hello: ok", "v1: TEST hello: ok"], **VFS_MACHINE),
    Case("vfs-none", vfs(0, "8086:10ca#0"), ["vm v0: not started: there is no such PCI device"],
         outcome="stops", status=None, **VFS_MACHINE),
    Case("vfs-too-many", vfs(9, "8086:10ca#0"),
         [r"reveille\.cfg:2: no virtual functions: it has not that many", "vm v0: not started"],
         outcome="stops", status=None, **VFS_MACHINE),
    Case("vfs-of-whom", vfs(1, "8086:10ca#0", "8086:10c9#0"),
         ["vm v1: not started: its virtual functions are on", "v0: TEST hello: ok"],
         **VFS_MACHINE),
    # --- Debian's kernel as a guest ---
    Linux("linux-x2apic", linux("apic,sleep"),
          ["GUEST up: Linux 6.1.*, 2 CPUs, clock kvm-clock", "GUEST has x2apic",
           "GUEST idle: [0-9]{1,2} ", "GUEST ends", "vm l: power-off"]),
    Linux("linux-xapic", linux("apic,sleep", apic="xapic"),
          ["GUEST up: Linux 6.1.*, 2 CPUs", "GUEST idle: [0-9]{1,2} ", "vm l: power-off"],
          ["GUEST has x2apic"]),
    Linux("linux-1-cpu", linux("", append="nr_cpus=1"), ["GUEST up: .*, 1 CPUs", "vm l: power-off"]),
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
    Linux("linux-nvme", linux("nvme", devices="1b36:0010#0"),
          ["GUEST nvme: same", "GUEST nvme: [1-9][0-9]* on CPUs", POSTED],
          drivers=["nvme"], icount=False, extra=DISK),
    # --- guests that misbehave ---
    Case("bad-msr", vm("bad-msr", "0"), ["TEST bad-msr: ok"]),
    Case("triple-fault", vm("triple-fault", "0"), ["vm g: stopped: "], status=1),
    Case("triple-fault-alone", vm("triple-fault", "0", "bad") + vm("irq", "0, 1", "good",
         devices=IGB, priority=1), ["vm bad: stopped: ", "good: TEST irq: ok"], status=1),
    Case("foreign-memory", vm("touch-foreign-memory", "0"),
         ["own memory is fine", "vm g: stopped: "], ["TEST"], status=1),
    Case("foreign-mmio", vm("touch-foreign-mmio", "0"), ["vm g: stopped: "], ["TEST"], status=1),
    Case("dma-outside", vm("dma-outside", "0", devices=EDU),
         ["inside: copied", "TEST dma-outside: ok", "device 00:05.0 of vm g"]),
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
          "a: echo: 'quit'", "a: TEST echo: ok"], ["a: echo: 'for b'", "b: echo: 'for a'"],
         typed=[("b: echo: ready", b"\x1d1for a\r"), ("echo: 'for a'", b"\x1d2for b\r"),
                ("echo: 'for b'", b"\x1dhvms\r"), ("2 b: running", b"\x1dpquit\r"),
                ("vm b: done", b"\x1d1quit\r\x1dh")]),
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
    Case("monitor-stop", vm("echo", "0", "a") + vm("echo", "1", "b"),
         ["vm a: stopped: by the monitor", "1 a: stopped", "2 b: running", "TEST echo: ok"],
         status=1, typed=[("b: echo: ready", b"stop a\r"), ("stopped: by", b"vms\r"),
                          ("2 b: running", b"\x1d2quit\r")]),
    # --- the survey: what it says, and that its configuration boots as it is ---
    survey("survey", ["AVIC yes, x2AVIC yes", "IOMMU 0: .*", "GASup yes, GAMSup yes, GAPPISup yes",
           r"00:04.0 8086:10c9 network: IOMMU 0, alone, ACS -, FLR yes, MSI 1, MSI-X 10, 8 VFs",
           "In the way:\n  nothing", "devices = pci/00:04.0\n"],
           ["vm first: delivery posted, halt gappi", "device 00:04.0", "TEST hello: ok"], write=True,
           forbid=["was not written"]),
    survey("survey-printed", ["devices = pci/00:04.0\n"], ["TEST hello: ok"], forbid=["survey.cfg"]),
    survey("survey-no-iommu", ["no IVRS table.*turn IOMMU on", "iommu = auto", "not possible: "
           "pci/00:04.0 .*no IOMMU"], ["iommu: none", "TEST hello: ok"], without=["iommu"]),
    survey("survey-no-avic", ["AVIC no", "CPUID shows no AVIC"],
           ["vm first: delivery emulated: no AVIC", "TEST hello: ok"], without=["avic", "x2avic"]),
    survey("survey-no-x2avic", ["CPUID shows AVIC but no x2AVIC", "apic = xapic"],
           ["vm first: delivery posted", "TEST hello: ok"], without=["x2avic"]),
    survey("survey-no-gappi", ["IOMMU 0 lacks GAPPISup: .*halt = galog"],
           ["delivery posted, halt galog", "TEST hello: ok"], without=["gappi"]),
    survey("survey-no-gasup", ["IOMMU 0 lacks GASup: its devices can't", "# devices = none",
           "not possible: pci/00:04.0 .*GASup"], ["TEST hello: ok"], without=["gasup"]),
    survey("survey-no-svm", ["No VM can run: this CPU has no SVM", "# No configuration"],
           forbid=[r"\[vm first\]"], without=["svm"]),
    survey("survey-acs", ["01:00.0 8086:10c9 network: .*ACS (on|off)", "devices = pci/00:04.0/00.0\n"],
           ["device 01:00.0", "TEST hello: ok"], forbid=["ACS no"], igb=0,
           extra=behind_root_port("")),
    survey("survey-no-acs", ["01:00.0 8086:10c9 network: .*ACS no", "behind a bridge without ACS:"],
           igb=0, extra=behind_root_port(",disable-acs=on")),
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
