# SPDX-License-Identifier: MIT
"""A Linux guest's arm in a stopwatch file: its exits by reason, its device's interrupts by path, and
which exits were in the way of each."""

import numpy as np

import stopwatch as sw

# The host's: vmm/vectors.h. A kick ends a run only after a sibling's IPI that found the vCPU halted:
# each has a pCPU of its own. The GA log's interrupt ends one for another vCPU, whose entry it is: the
# log is read by one pCPU for all.
HOST_VECTORS = {0xE0: "apic", 0xE1: "ipi", 0xD9: "log"}
EXIT_MSR = 0x7C
CODES = {sw.EXIT_HLT: "halt", EXIT_MSR: "apic", 0x401: "ipi", sw.EXIT_VMMCALL: "mark"}
# Where an interrupt found the vCPU.
RUNNING, HALTING, HALTED = PLACES = ("running", "halting", "halted")
# In the order of the picture. apic: the guest's timer is due, or a WRMSR: with AVIC only that by
# which it is armed, without it each EOI and IPI too.
REASONS = ("halt", "host interrupt", "log", "ipi", "apic", "other")


class Guests:
    """What is the same in all arms."""

    def __init__(self, recording):
        self.recording = recording
        r, kind = recording.records, recording.kind
        self.exits = np.flatnonzero(kind == sw.VMEXIT)
        self.reason = np.full(len(r), "", dtype=object)
        self.reason[self.exits] = [CODES.get(int(c), "other") for c in r["a"][self.exits]]
        self.taken = {c: i[kind[i] == sw.HOST_IRQ] for c, i in recording.of_cpu.items()}
        self._interrupts_of_host()
        self.own = np.isin(self.reason[self.exits].astype(str), ["apic", "ipi", "log", "mark"])
        self.by_vmcb = {}
        posts = np.flatnonzero(kind == sw.POST)
        virqs = np.flatnonzero((kind == sw.VIRQ) & (r["a"] == 0))
        key = lambda i, page: (r[page][i] << np.uint64(8)) | r["x"][i]
        self.posts, self.post_key = posts, key(posts, "b")
        self.virqs, self.virq_key = virqs, key(virqs, "c")

    def _interrupts_of_host(self):
        """Whose an exit by an interrupt is, by the vector that the host then takes."""
        r, kind = self.recording.records, self.recording.kind
        for cpu, index in self.recording.of_cpu.items():
            taken = self.taken[cpu]
            exits = index[(kind[index] == sw.VMEXIT) & (r["a"][index] == sw.EXIT_INTR)]
            at = np.searchsorted(taken, exits)
            known = at < len(taken)
            vector = r["x"][taken[np.minimum(at, len(taken) - 1)]] if known.any() else None
            for n, e in enumerate(exits):
                which = HOST_VECTORS.get(int(vector[n])) if known[n] else None
                self.reason[e] = which or "host interrupt"

    def _of_vmcb(self, vmcb):
        """(exits but for IPIs, timer and log, all exits, entries)"""
        if vmcb not in self.by_vmcb:
            b = self.recording.records["b"]
            mine = b[self.exits] == vmcb
            runs = np.flatnonzero((self.recording.kind == sw.VMRUN) & (b == vmcb))
            self.by_vmcb[vmcb] = (self.exits[mine & ~self.own], self.exits[mine], runs)
        return self.by_vmcb[vmcb]

    def _in_the_way(self, source, virq):
        """(where the post found the vCPU, exits from the post to the delivery: its HLT before it
        included, but not what is another's, or done by the guest itself: IPIs, its timer). HALTING: the exit of
        its HLT was still being handled, or the guest had turned interrupts off and halts next."""
        others, every, runs = self._of_vmcb(self.recording.records["b"][virq])
        between = int(np.searchsorted(others, virq) - np.searchsorted(others, source))
        out = np.searchsorted(every, source) - 1
        entered = np.searchsorted(runs, source)
        if out < 0 or not entered or every[out] < runs[entered - 1] or \
                self.reason[every[out]] != "halt":
            first = np.searchsorted(others, source)
            halts = "halt" in self.reason[others[first:first + between]]
            return HALTING if halts else RUNNING, between
        taken = self.taken[int(self.recording.cpu[every[out]])]
        woken = np.searchsorted(taken, source)
        woken = woken < len(taken) and entered < len(runs) and taken[woken] < runs[entered]
        return HALTED if woken else HALTING, between + 1

    def interrupts(self, device, begin, end, until):
        """Account of the device's posted interrupts in an arm, delivered before until."""
        r = self.recording.records
        result = {"posts": 0, "delivered": 0, "lost": 0, "duplicates": 0,
                  "exits_in_the_way": {place: {} for place in PLACES}}
        mine = r["a"][self.posts] == device
        for key in np.unique(self.post_key[mine]):
            posts = self.posts[mine & (self.post_key == key)]
            virqs = self.virqs[self.virq_key == key]
            arm = posts[(posts > begin) & (posts < end)]
            result["posts"] += len(arm)
            result["lost"] += int(np.count_nonzero(
                np.searchsorted(virqs, until) <= np.searchsorted(virqs, arm)))
            for i in np.flatnonzero((virqs > begin) & (virqs < end)):
                before = virqs[i - 1] if i else -1
                first = np.searchsorted(posts, before)
                if first == len(posts) or posts[first] > virqs[i]:
                    result["duplicates"] += 1
                    continue
                result["delivered"] += 1
                place, exits = self._in_the_way(posts[first], virqs[i])
                ways = result["exits_in_the_way"][place]
                ways[exits] = ways.get(exits, 0) + 1
        return result

    def exits_by_reason(self, cpus, begin, end):
        mine = self.exits[(self.exits > begin) & (self.exits < end)]
        mine = mine[np.isin(self.recording.cpu[mine], cpus)]
        reasons = self.reason[mine]
        counts = {name: int(np.count_nonzero(reasons == name)) for name in REASONS[:-1]}
        counts["other"] = len(mine) - sum(counts.values())
        return counts

    def remapped(self, device, begin, end):
        r = self.recording.records[begin:end]
        return int(np.count_nonzero((r["kind"] == sw.REMAP) & (r["c"] == device)))

    def guest(self, cpus, device, begin, end, until):
        """One guest in one arm."""
        return {
            "interrupts": {**self.interrupts(device, begin, end, until),
                           "remapped": self.remapped(device, begin, end)},
            "exits": self.exits_by_reason(cpus, begin, end),
        }


def ways(account):
    """{exits in the way: of how many interrupts}, wherever they found the vCPU."""
    total = {}
    for found in account["exits_in_the_way"].values():
        for exits, count in found.items():
            total[exits] = total.get(exits, 0) + count
    return dict(sorted(total.items()))
