# SPDX-License-Identifier: MIT
"""The integration tests: each boots a machine with a config and says what the serial log must
hold and must not. Most features have a twin that shows the opposite on a machine without them."""

from case import EDU, EMULATED, IGB, IRQ_OK, Case, behind_root_port, bench, bench_devices, vm


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
]
