# SPDX-License-Identifier: MIT
"""What an overflow of the GA log costs: from the first entry that was lost to the moment when the
log runs again and every blocked vCPU has been looked at.

Seen from outside: the hypervisor acknowledges GALOverflow (the restart), and the next time that
CPU acknowledges GAInt alone it begins a new drain, which it does only after its look at everybody
(48882 rev 3.11, "Guest Virtual APIC Log Restart Procedure").
"""

import numpy as np

import stopwatch as sw

STATUS = 0x2020
GA_OVERFLOW = 1 << 9
GA_INT = 1 << 10


def _status(records, write):
    return (records["kind"] == sw.IOMMU_MMIO) & (records["a"] == STATUS) & (records["x"] == write)


def recoveries(recording, begin, end):
    """[(to_notice, to_recover)]: host instructions of the CPU that recovered, from its first record
    after the first lost entry to the status read that shows the overflow, and from there to the
    next drain. The last element of the answer is how many overflows had no end in the arm."""
    r = recording.records[begin : end + 1]
    lost = np.flatnonzero(r["kind"] == sw.GALOG_OVERFLOW)
    reads = np.flatnonzero(_status(r, 0) & (r["b"] & GA_OVERFLOW != 0))
    writes = np.flatnonzero(_status(r, 1) & (r["b"] & GA_INT != 0))
    restarts = writes[r["b"][writes] & GA_OVERFLOW != 0]
    found, before = [], -1
    for restart in restarts:
        cpu = r["cpu"][restart]
        mine = lambda index: index[r["cpu"][index] == cpu]
        first = lost[(lost > before) & (lost < restart)]
        noticed = mine(reads[(reads > before) & (reads < restart)])
        again = mine(writes[writes > restart])
        if not len(first) or not len(noticed) or not len(again):
            continue
        own = recording.of_cpu[int(cpu)]
        start = own[np.searchsorted(own, begin + first[0], side="right")]
        host = recording.host
        notice = begin + noticed[0]
        found.append((int(host[notice] - host[start]), int(host[begin + again[0]] - host[notice])))
        before = restart
    open_ones = len(lost) > 0 and (not len(restarts) or lost[-1] > restarts[-1])
    return found, int(open_ones)


def summary(recording, begin, end):
    """For summary.json; None where nothing overflowed."""
    found, open_ones = recoveries(recording, begin, end)
    if not found and not open_ones:
        return None
    notice, recover = np.array(found or [(0, 0)]).T
    figures = lambda a: {"p50": int(np.percentile(a, 50)), "max": int(a.max())}
    return {
        "recoveries": len(found),
        "unfinished": open_ones,
        "to_notice": figures(notice),
        "to_recover": figures(recover),
    }
