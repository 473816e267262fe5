# SPDX-License-Identifier: MIT
"""Isolation: a guest that tries what isn't its own, beside one that must notice nothing of it.
Each attack is in the log with the VM's name, in few lines; the counters of both VMs are asserted."""

import functools

import ats
from case import EDU, IGB, Case, behind_root_port, vm
from cases_linux import NET, Linux, linux

# It runs longer than the attack, on the same pCPUs.
NOTHING = "".join(
    f" {kind}=0" for kind in "events msrs ports config ipis startups hypercalls storms reports".split())
GOOD = "REPORT refused vm=good" + NOTHING
# One whose DMA reaches all addresses below 4 GiB.
EDU_32 = ["-device", "edu,bus=pcie.0,addr=5.0,dma_mask=0xffffffff"]


def beside(name, attack, expect, forbid=(), cpus="0, 1", count=2000, ending="ok", status=0,
           good_igb=0, machine=None, **keys):
    """The attack, and a neighbour whose interrupts are all counted and which ends after it. ending:
    "ok", or the line after which the attacker was stopped."""
    config = vm(attack, cpus, "bad", **keys) + vm(
        f"neighbour count={count}", "0, 1, 0, 1", "good", devices=f"8086:10c9#{good_igb}")
    ends = f"bad: TEST {attack.split()[0]}: ok" if ending == "ok" else ending
    return Case(name, config,
                [rf"{ends}(?s:.*)good: neighbour: {count} of {count} interrupts, 0 twice, "
                 "0 registers changed, memory whole\ngood: TEST neighbour: ok",
                 "REPORT message vm=good device=[0-9a-f:.]+ n=0 posted=1 vcpu=0 vector=81 "
                 "host_interrupts=0", GOOD, *expect],
                forbid, **{"edu": 0, "status": status, **(machine or {})})


def at_most(lines, text):
    """Forbids more lines than that."""
    return rf"(?:{text}(?s:.*)){{{lines + 1}}}"


# How an IPI gets out: by MSR or through the APIC page (ICR_HIGH, then ICR), with hardware or
# software to look for who is meant. IPIs that "foreign" sends, and how many of them are to nobody,
# here and where vCPU 2 is there (modes=2): all but INIT's de-assert; those with a reserved bit too,
# which no MSR takes; without 60 that name a cluster and none of its members, of which hardware
# says nothing.
WAYS = (
    ("", 8000, 7440, 1860, {}),
    ("-emulated", 8000, 7500, 1920, {"delivery": "emulated"}),
    ("-xapic", 4160, 3915, 880, {"apic": "xapic"}),
    ("-xapic-emulated", 4160, 3915, 880, {"apic": "xapic", "delivery": "emulated"}),
)

CASES = [
    beside("isolation-msrs", "scan part=msr",
           ["vm bad: vCPU 0, RDMSR 0: #GP", "vm bad: [1-9][0-9]+ more accesses to MSRs",
            "scan: 0 accesses to other MSRs without #GP",
            r"REPORT refused vm=bad events=0 msrs=[1-9]\d{4,} ports=0"],
           [at_most(4, "MSR [0-9a-f]+: #GP")]),
    beside("isolation-ports", "scan part=port",
           ["scan: 65536 ports, 0 answers", "vm bad: vCPU 0, IN .*: nobody's port",
            "vm bad: [1-9][0-9]+ more accesses to ports",
            "REPORT refused vm=bad events=0 msrs=0 ports=5[0-9]{5} "],
           # It lasts into a second period.
           [at_most(8, "nobody's port")], console="none"),
    beside("isolation-calls", "scan part=cpuid,hypercall",
           ["scan: [1-9][0-9]+ hypercalls refused", "vm bad: vCPU 0, hypercall .*: refused",
            "vm bad: [1-9][0-9]+ more refused hypercalls"],
           [at_most(4, "hypercall [0-9a-f]+: refused")]),
    *[beside(f"isolation-ipis{name}", "foreign",
             [f"foreign: {sent} IPIs sent, 0 received", "vm bad: vCPU 0, ICR .*: no such vCPU",
              "vm bad: [1-9][0-9]+ more IPIs to nobody",
              f"REPORT refused vm=bad .* ipis={nobodys} "],
             [at_most(4, "no such vCPU")], **keys) for name, sent, nobodys, _, keys in WAYS],
    *[beside(f"isolation-startups{name}", "startup-storm",
             ["startup-storm: 6000 sent, [1-9][0-9]* starts", "vm bad: vCPU 0 sends INIT",
              "vm bad: [1-9][0-9]+ more INIT and startup IPIs"],
             [at_most(4, "again and again")], **keys) for name, *_, keys in WAYS],
    # Writes to bridges and to what isn't there, the MSI-X table and the interrupt range by DMA.
    beside("isolation-pci", "pci", [
        "vm bad: write to register .*, the host bridge", "vm bad: [1-9][0-9]+ more writes",
        "IO_PAGE_FAULT: device 00:05.0 of vm bad .* address c00",
        "IO_PAGE_FAULT: device 00:05.0 of vm bad .* address fee00000",
        "REPORT refused vm=bad events=2 msrs=0 ports=0 config=30612 "],
        [at_most(4, "write to register")], cpus="0, 1, 2", count=30000,
        devices=f"{IGB}, {EDU}", pci="virtual", good_igb=1,
        machine={"smp": 3, "igb": 2, "extra": EDU_32}),
    beside("isolation-dma", "dma-outside", [
        "IO_PAGE_FAULT: device 00:05.0 of vm bad .* address 3000000",
        "REPORT refused vm=bad events=1 "], cpus="0", count=20000, devices=EDU,
        machine={"edu": 1}),
    # A device that doesn't stop is fenced with its VM; one that errs a few times is not.
    beside("isolation-events", "forge count=40", [
        "IO_PAGE_FAULT: device 00:05.0 of vm bad", "vm bad: [0-9]+ more events at the IOMMU",
        "REPORT refused vm=bad events=[12][0-9] "],
        # At ten a second, and with a period that ends meanwhile.
        [at_most(8, "IO_PAGE_FAULT"), "TEST forge"], cpus="0", count=120000, devices=EDU, status=1,
        ending="vm bad: stopped: one of its devices keeps faulting",
        machine={"extra": EDU_32}),
    beside("isolation-events-few", "forge count=8", [
        "vm bad: 4 more events at the IOMMU", "REPORT refused vm=bad events=8 "],
        [at_most(4, "IO_PAGE_FAULT")], cpus="0", count=40000, devices=EDU,
        machine={"extra": EDU_32}),
    # Messages that no entry remaps, and that would stop a CPU or its host: by their type.
    *[beside(f"isolation-{name}", f"forge count=3 data={kind << 8}", [
        "IO_PAGE_FAULT: device 00:05.0 of vm bad", "REPORT refused vm=bad events=3 "],
        cpus="0", count=20000, devices=EDU, machine={"extra": EDU_32})
      for name, kind in (("nmi", 4), ("init", 5), ("extint", 7))],
    # System management interrupts, which are in no table.
    *[beside(f"isolation-smi{name}", f"forge count=3 data={0x200}", [
        "INVALID_DEVICE_REQUEST: device 00:05.0 of vm bad", "REPORT refused vm=bad events=3 "],
        ["no SMI filter"], cpus="0", count=20000, devices=EDU,
        machine={"extra": EDU_32, "iommu_properties": [f"x-smi-filter={firmware}"]})
      # Firmware has let nobody send them, or this device, or another one for good.
      for name, firmware in (("", 0), ("-revoked", 0x10028), ("-locked-other", 0x300a0))],
    Case("isolation-smi-locked", vm("forge", "0", devices=EDU),
         ["vm g: not started: firmware lets it send SMIs, and has locked that"], ["TEST forge"],
         outcome="stops", status=None, igb=0, iommu_properties=[f"x-smi-filter={0x30028}"]),
    # The twin: without the filter it is the end of the machine, whose firmware has no handler.
    Case("isolation-smi-unfiltered", vm(f"forge count=3 data={0x200}", "0", "bad", devices=EDU)
         + vm("neighbour count=20000", "0, 1, 0, 1", "good", devices=IGB),
         ["warning: iommu0: no SMI filter", "bad: forge: sends 200"], ["forge: 3 messages", "TEST"],
         outcome="timeout", status=None, timeout=30, edu=0, extra=EDU_32, without=["smi-filter"]),
    # The twin of the IPIs: vCPU 2 is the VM's own, and gets them.
    *[Case(f"isolation-ipis-own{name}", vm("foreign modes=2", "0, 1, 0", **keys),
           ["foreign: .* IPIs sent, [1-9][0-9]* received", "TEST foreign: FAIL",
            f"REPORT refused vm=g .* ipis={nobodys} "], status=1, edu=0, igb=0)
      for name, _, _, nobodys, keys in WAYS],
    # The twins: nobody attacks, and nothing is said; somebody spoils, and it is noticed.
    beside("isolation-no-attack", "scan part=none", ["refused vm=bad" + NOTHING],
           ["warning: vm bad"]),
    Case("isolation-spoilt", vm("neighbour spoil=1", "0, 1", "good", devices=IGB),
         ["[1-9][0-9]* registers changed, memory CHANGED", "TEST neighbour: FAIL"], status=1, edu=0),
]

# ATS would let a device go round the IOMMU with addresses that it says are translated.
VIRTIO = [*NET, *behind_root_port(
    device="virtio-net-pci,netdev=n0,disable-legacy=on,iommu_platform=on,ats=on")]


def ats_left_on(when):
    return functools.partial(ats.LeftOn, when)


CASES += [
    # Firmware left it on. It is off while the device is a guest's, who knows nothing of it.
    Linux("isolation-ats", linux("net,config", devices="1af4:1041#0"),
          ["outside: before firmware: ATS control 8000",
           "outside: l: GUEST ping: .*: ATS control 0000",
           "GUEST ping: 5 packets transmitted, 5 packets received",
           "GUEST config: 0000:00:01.0, 4096 bytes, 0 beyond 256",
           "REPORT message vm=l device=01:00.0 n=[0-9]+ posted=1 .* host_interrupts=0\\b",
           "vm l: power-off"], drivers=["virtio-net"], extra=VIRTIO,
          outside=ats_left_on("GUEST ping")),
    # The twin: nobody's device stays as it was found.
    Case("isolation-ats-nobodys", vm("hello", "0"), [
        "outside: before firmware: ATS control 8000",
        "outside: g: TEST hello: ok: ATS control 8000"],
         edu=0, igb=0, extra=VIRTIO, outside=ats_left_on("TEST hello")),
]


def storm(name, limit, exits, expect=(), forbid=(), target=1, without=(), **keys):
    """A device that storms, and beside it one that spins on pCPU 0 and counts what it misses."""
    config = vm("storm for=100", f"{target}, 2", "bad", devices=IGB, storm_limit=limit,
                memory="16M", **keys) + vm("bystander for=100", "0", "good", priority=1)
    return Case(name, config, ["bad: TEST storm: ok", "good: TEST bystander: ok", *expect,
                               f"REPORT vcpu vm=good n=0 exits={exits} "],
                forbid, edu=0, smp=3, without=list(without))


HELD = ("vm bad: device 00:04.0, message [0-9]: more than 10 host interrupts in 10 ms: held back",
        "REPORT refused vm=bad .* storms=[1-9][0-9]* ", "vm bad: [1-9][0-9]* more interrupts held",
        GOOD)
NOT_HELD = ("REPORT refused vm=bad .* storms=0 ",)

CASES += [
    # The GA log is read on pCPU 0, whosever device wrote it: what the device's VM doesn't pay. With
    # XT the log would go to the pCPU of the target, and the neighbour would notice nothing.
    storm("storm-galog", 1000, "[0-9]{1,3}", HELD, [at_most(8, "held back until")], halt="galog",
          without=["xt"]),
    storm("storm-galog-unbounded", 0, "[0-9]{4,}", NOT_HELD, halt="galog", without=["xt"]),
    storm("storm-galog-follows", 0, "[0-9]{1,3}", NOT_HELD, halt="galog"),
    # Each interrupt of emulated delivery goes to the pCPU of its target, which has nothing to say.
    storm("storm-emulated", 1000, "[0-9]{1,3}", HELD, [at_most(8, "held back until")], target=0,
          delivery="emulated"),
    storm("storm-emulated-unbounded", 0, "[0-9]{4,}", NOT_HELD, target=0, delivery="emulated"),
    # With CPUs at once: who is held, let go of, moved by INIT, is so by several. How many are held
    # there depends on the machine below: nothing may be lost, however many.
    Case("threads-startup-storm", vm("startup-storm", "0, 1", "bad")
         + vm("neighbour", "0, 1", "good", devices=IGB),
         ["bad: TEST startup-storm: ok", "good: TEST neighbour: ok", GOOD], icount=False, edu=0),
    *[Case(f"threads-storm-{name}", vm("storm for=100", "0, 1", "bad", devices=IGB, storm_limit=1000,
                                       **keys), ["bad: TEST storm: ok"],
           icount=False, edu=0)
      for name, keys in (("galog", {"halt": "galog"}), ("emulated", {"delivery": "emulated"}))],
]
