# SPDX-License-Identifier: MIT
"""The machines of the soak: which cells run in one boot, its config, and how the emulator is told
to misbehave while it runs."""

import run

MECHANISMS = ("galog", "gappi-own", "gappi-shared", "native", "emulated")
# What applies to which; "wake-lost" is no fault of hardware: it shows that the audit rescues.
EVERYWHERE = ("none", "completion-late", "completion-lost", "storm", "migrate", "switch")
FAULTS = {
    "galog": EVERYWHERE + ("overflow", "wake-lost"),
    "gappi-own": EVERYWHERE + ("spurious", "wake-lost"),
    "gappi-shared": EVERYWHERE + ("spurious", "wake-lost"),
    "native": EVERYWHERE,
    "emulated": EVERYWHERE,
}
# All but this one in one boot: after it the IOMMU takes no commands any more.
TOGETHER = tuple(sorted({f for fs in FAULTS.values() for f in fs} - {"completion-lost"}))
# What the emulator does about a fault: property of its IOMMU, value while the cell runs.
INJECT = {
    "overflow": ("x-galog-limit", 6),
    "spurious": ("x-spurious-gappi", 50),
    "completion-late": ("x-command-delay-ns", 20000),
    "completion-lost": ("x-completion-lost", 3),
    "wake-lost": ("x-wake-lost", 500),
}
COUNTED_PART = 10  # one wake-up in so many with counted instructions
# All of them with counted instructions: late, but within the deadline, means nothing where QEMU's
# own timers wait for a busy machine.
COUNTED_ONLY = "completion-late"


class Boot:
    """One machine. Most have 40 targets on two pCPUs, and monitor and helper on a third. Where HLT
    does not exit, who halts keeps the pCPU: one target each, a pCPU to move to, and one each for
    monitor, helper and the VM beside it."""

    def __init__(self, name, mechanisms, faults, count, counted, patience=500, late=0):
        self.name = f"{name}-{'counted' if counted else 'threads'}"
        self.mechanisms, self.faults, self.count = mechanisms, faults, count
        self.counted, self.patience, self.late = counted, patience, late
        self.native = "native" in mechanisms
        self.victim = "completion-lost" in faults
        self.twin = name == "twin"  # must go wrong
        self.timeout = 300 + len(self.cells()) * max(count, late) / 800

    def cells(self):
        return [(m, f) for m in self.mechanisms for f in FAULTS[m] if f in self.faults]

    def machine(self, more):
        return run.Machine(smp=8 if self.native else 3, edu=0, igb=6 if self.victim else 5,
                           icount=self.counted, extra=more, iommu_properties=["id=iommu0"])

    def _arguments(self):
        words = ["soak", f"count={self.count}", f"patience={self.patience}"]
        if self.native:
            words += ["wave=1", "pcpus=4", "hole=4"]
        elif set(self.mechanisms) != set(MECHANISMS) - {"native"}:
            words.append("mechanism=" + ",".join(self.mechanisms))
        if self.victim:
            words.append("victim=1")
        if COUNTED_ONLY in self.faults:
            words.append(f"late={self.late}")
        if set(self.faults) != set(TOGETHER):
            words.append("fault=" + ",".join(self.faults))
        return " ".join(words)

    def config(self):
        targets = [0, 1, 2, 3] if self.native else [0, 1] * 20
        own = [5, 6, 7] if self.native else [2, 2, 2]
        devices = ", ".join(f"8086:10c9#{i}" for i in range(5))
        text = ("[reveille]\ngalog-entries = 512\n"
                f"[vm soak]\nguest = builtin\nargs = {self._arguments()}\nmemory = 64M\n"
                f"cpus = {', '.join(map(str, own[:2] + targets))}\n"
                f"priority = 2, 2, {len(targets)}*1\napic = x2apic\n"
                f"devices = {devices}\ncontrol = yes\n")
        if self.victim:
            text += ("[vm victim]\nguest = builtin\nargs = soak-victim\nmemory = 32M\n"
                     f"cpus = {own[2]}\npriority = 0\ndevices = 8086:10c9#5\n")
        return text


def _chosen(only, mechanisms, faults):
    """Of these mechanisms those with a cell that --only names, by the faults that it names."""
    names = [n for n in only.split(",") if n]
    groups = {}
    for m in mechanisms:
        fs = tuple(f for f in FAULTS[m] if f in faults and
                   (not names or m in names or f in names or f"{m}-{f}" in names))
        if fs:
            groups.setdefault(fs if names else faults, []).append(m)
    return groups.items()


def plan(count, only, short):
    """The boots. In the first a notification is lost on purpose, and the guest waits for half a
    second: less than the audit takes."""
    apart = [[m] for m in MECHANISMS]
    groups = [[m for m in MECHANISMS if m != "native"], ["native"]] if short else apart
    boots = [Boot("twin", ["galog"], ("wake-lost",), 2000, True, patience=25)]
    for group in groups:
        for faults, ms in _chosen(only, group, TOGETHER):
            name = "many" if len(ms) > 1 else ms[0]
            part = count // COUNTED_PART
            boots.append(Boot(name, ms, faults, part, True, late=count))
            faults = tuple(f for f in faults if f != COUNTED_ONLY)
            if faults:
                boots.append(Boot(name, ms, faults, count - part, False))
    for group in apart[:1] if short else apart:
        for _, ms in _chosen(only, group, ("completion-lost",)):
            boots.append(Boot(ms[0] + "-completion-lost", ms, ("completion-lost",), count, False))
    return boots
