# SPDX-License-Identifier: MIT
"""The hypervisor's account of the whole run (vmm/counters.h) against the stopwatch's."""

import stopwatch as sw

SLACK = 2
NS = 1_000_000_000


def _mechanisms(log):
    return {m.get("name"): m for m in log.other.get("mechanism", [])}


def _seconds_of_guests(records):
    """From the first VMRUN on: before, the slow timer doesn't run."""
    runs = records["time_ns"][records["kind"] == sw.VMRUN]
    return (int(records["time_ns"][-1]) - int(runs[0])) / NS if len(runs) else 0


def faults(recording, log):
    """Sentences: a vCPU that only the audit found, an audit that didn't look, counters that are
    wrong."""
    wrong = []
    records, by_name = recording.records, _mechanisms(log)
    missing = {"galog", "gappi-own", "gappi-shared", "scan", "audit"} - set(by_name)
    if missing:
        return [f"the hypervisor's account of the run has no {', '.join(sorted(missing))}"]
    audit, galog = by_name["audit"], by_name["galog"]
    if audit["rescues"]:
        wrong.append(f"the audit rescued {audit['rescues']} vCPUs")
    looks = int(_seconds_of_guests(records)) - 1
    if audit["looks"] < looks:
        wrong.append(f"the audit looked {audit['looks']} times, expected {looks} or more")

    def compare(what, counted, seen, least):
        if not least - SLACK <= counted <= seen + SLACK:
            wrong.append(f"whole run: {what}: counted {counted}, stopwatch {seen}")

    count = lambda kind: int((records["kind"] == kind).sum())
    entries = count(sw.GALOG)
    # A log that is restarted after an overflow drops what is in it.
    compare("GA log entries", galog["entries"], entries, 0 if galog["overflows"] else entries)
    gappis = count(sw.GAPPI)
    # The APIC keeps one pending bit of the shared vector, whoever asked for it.
    taken = by_name["gappi-own"]["interrupts"] + by_name["gappi-shared"]["interrupts"]
    compare("GAPPIs", taken, gappis, 0 if by_name["gappi-shared"]["interrupts"] else gappis)
    messages = log.other.get("message", [])
    compare("remapped interrupts", sum(m["host_interrupts"] for m in messages), count(sw.REMAP),
            count(sw.REMAP))
    return wrong


def summary(log):
    """For summary.json: counters by kind, as in the serial log."""
    return {kind: log.other.get(kind, [])
            for kind in ("mechanism", "cpu", "vcpu", "message", "iommu")}
