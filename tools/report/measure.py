# SPDX-License-Identifier: MIT
"""From records to figures: which interrupt became which delivery, and at what cost.

An arm is what lies between its two marks (a VMMCALL exit, or that of an OUT where the hypervisor
keeps VMMCALL for itself, whose RAX is HC_MARK | arm << 32: the first opens it, the second closes
it). Nothing here knows which hypervisor ran.
"""

import numpy as np

import stopwatch as sw

HC_FIRST = 0x52000000  # hypercall numbers: vmm/hypercall.h
HC_LAST = 0x520000FF
HC_MARK = 0x52000002

# How the vCPU came to take the interrupt; column "path" of samples.csv.
PATH_RUNNING = 0  # no VMRUN in between: it was in the guest (or halted in it) and was told
PATH_IDLE = 1  # its pCPU was in the host's idle loop: an interrupt woke it
PATH_GUEST = 2  # its pCPU was in guest mode, of this vCPU or another: an exit came first
PATH_HOST = 3  # its pCPU was executing host code already: counted from the last record before
PATHS = ("running", "idle", "guest", "host")


def _is_call(records):
    """Exits by which the guest may have asked for something."""
    return (records["kind"] == sw.VMEXIT) & (
        (records["a"] == sw.EXIT_VMMCALL) | (records["a"] == sw.EXIT_IOIO))


def marks(recording):
    """[(arm, index of the opening record, index of the closing one)], in order."""
    r = recording.records
    hit = np.flatnonzero(_is_call(r) & ((r["c"] & 0xFFFFFFFF) == HC_MARK))
    arms, open_marks = [], {}
    for i in hit:
        arm = int(r["c"][i]) >> 32
        if arm in open_marks:
            arms.append((arm, open_marks.pop(arm), int(i)))
        else:
            open_marks[arm] = int(i)
    return arms


def _by_key(index, key):
    order = np.argsort(key, kind="stable")
    index, key = index[order], key[order]
    cuts = np.flatnonzero(np.diff(key)) + 1
    return dict(zip(key[np.concatenate(([0], cuts))].tolist() if len(key) else [],
                    np.split(index, cuts)))


class Matched:
    """Interrupts of an arm, each with its delivery."""

    def __init__(self):
        self.source = []  # record of the post (or of the remapped message)
        self.virq = []  # record of the virtual interrupt's delivery
        self.lost = self.duplicates = self.coalesced = 0

    def add(self, sources, virqs):
        """All of one vector of one vCPU. Of messages that coalesced the first counts."""
        to = np.searchsorted(virqs, sources)
        self.lost += int(np.count_nonzero(to == len(virqs)))
        sources, to = sources[to < len(virqs)], to[to < len(virqs)]
        first = np.concatenate(([True], np.diff(to) > 0))[: len(to)]
        self.coalesced += int(np.count_nonzero(~first))
        self.duplicates += len(virqs) - int(np.count_nonzero(first))
        self.source.append(sources[first])
        self.virq.append(virqs[to[first]])

    def finish(self):
        join = lambda parts: np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        self.source, self.virq = join(self.source), join(self.virq)
        order = np.argsort(self.source)
        self.source, self.virq = self.source[order], self.virq[order]
        return self


def match(recording, begin, end):
    """Posted interrupts by vAPIC page and vector; remapped ones by the vector injected most."""
    r = recording.records[begin:end]
    matched = Matched()
    virq = np.flatnonzero(r["kind"] == sw.VIRQ)
    posted = np.flatnonzero(r["kind"] == sw.POST)
    avic = virq[r["a"][virq] == 0]
    post_keys = _by_key(posted, r["b"][posted] << np.uint64(8) | r["x"][posted])
    virq_keys = _by_key(avic, r["c"][avic] << np.uint64(8) | r["x"][avic])
    for key, sources in post_keys.items():
        matched.add(sources, virq_keys.get(key, np.zeros(0, dtype=np.int64)))
    remapped = np.flatnonzero(r["kind"] == sw.REMAP)
    if len(remapped):
        injected = virq[r["a"][virq] != 0]
        vectors = r["x"][injected]
        if len(vectors):
            injected = injected[vectors == np.bincount(vectors).argmax()]
        matched.add(remapped, injected)
    matched.finish()
    matched.source += begin
    matched.virq += begin
    return matched


def _entry_before(recording, virq):
    """The VMRUN after which each delivery happened, by the VMCB that ran."""
    r = recording.records
    entries = np.flatnonzero(r["kind"] == sw.VMRUN)
    result = np.full(len(virq), -1, dtype=np.int64)
    by_vmcb = _by_key(entries, r["b"][entries])
    vmcb = r["b"][virq]
    for key in np.unique(vmcb):
        mine = np.flatnonzero(vmcb == key)
        have = by_vmcb.get(int(key), np.zeros(0, dtype=np.int64))
        at = np.searchsorted(have, virq[mine], side="right") - 1
        result[mine[at >= 0]] = have[at[at >= 0]]
    return result


def host_instructions(recording, matched):
    """For each interrupt: host instructions from its post to the VMRUN that delivers it, on all
    CPUs, and the path it took.

    A record tells the count of its own CPU only, so on each CPU the host instructions between its
    first record after the post and its last one up to the VMRUN count. On an idle pCPU the first
    is the interrupt that ended its HLT: nothing was executed before. On one in guest mode it is
    the #VMEXIT. Where the vCPU's own pCPU was executing host code when the post came, the count
    starts at its last record before the post, which is too much rather than too little.
    """
    entry = _entry_before(recording, matched.virq)
    source = matched.source
    count = np.zeros(len(source), dtype=np.int64)
    path = np.full(len(source), PATH_RUNNING, dtype=np.int8)
    entered = entry > source
    target = np.where(entry >= 0, recording.cpu[np.maximum(entry, 0)], sw.NO_CPU)
    for cpu, index in recording.of_cpu.items():
        mine = np.flatnonzero(entered)
        first = np.searchsorted(index, source[mine], side="right")
        last = np.searchsorted(index, entry[mine], side="right") - 1
        some = first <= last
        mine, first, last = mine[some], first[some], last[some]
        if not len(mine):
            continue
        own = target[mine] == cpu
        kind = recording.kind[index[first]]
        busy = recording.was_host[index[first]] & (kind != sw.HOST_IRQ)
        path[mine[own]] = np.where(
            kind[own] == sw.VMEXIT,
            PATH_GUEST,
            np.where(busy[own], PATH_HOST, PATH_IDLE),
        )
        first = np.where(own & busy, np.maximum(first - 1, 0), first)
        count[mine] += recording.host[index[last]] - recording.host[index[first]]
    return count, path


def _count(mask):
    return int(np.count_nonzero(mask))


def arm_events(recording, begin, end):
    """What happened in an arm, by kind; the closing mark's exit belongs to it, the opening one's
    doesn't (so counts the hypervisor)."""
    r = recording.records[begin + 1 : end + 1]
    kind = r["kind"]
    exits = r[kind == sw.VMEXIT]
    code, number = np.unique(exits["a"], return_counts=True)
    mmio = r[kind == sw.IOMMU_MMIO]
    low = exits["c"] & 0xFFFFFFFF
    calls = _is_call(exits) & (low >= HC_FIRST) & (low <= HC_LAST)
    return {
        "exits": len(exits),
        "hypercalls": _count(calls),
        "exits_by_code": {f"{int(c):x}": int(n) for c, n in zip(code, number)},
        "host_interrupts": _count(kind == sw.HOST_IRQ),
        "remapped": _count(kind == sw.REMAP),
        "posts": _count(kind == sw.POST),
        "doorbells": _count(kind == sw.DOORBELL),
        "galog_entries": _count(kind == sw.GALOG),
        "galog_lost": _count(kind == sw.GALOG_OVERFLOW),
        "gappis": _count(kind == sw.GAPPI),
        "mmio_reads": _count(mmio["x"] == 0),
        "mmio_writes": _count(mmio["x"] == 1),
        "commands": _count(kind == sw.IOMMU_CMD),
    }
