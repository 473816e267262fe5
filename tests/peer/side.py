# SPDX-License-Identifier: MIT
"""What one system did: its arms, evaluated by the report's own code, and its single exits."""

import numpy as np

import checks
import measure
import report
import seriallog
import stopwatch as sw

CAVEAT = report.CAVEAT

FIRST_PROGRAM_ARM = 100  # prog_exits.c, prog_level.c: marks, but not the bench's
EXIT_IPI = 0x401
# Arm -> round trips that it shows, each with the exit it begins with (24593 rev 3.44, "SVM
# Intercept Codes").
ROUND_TRIPS = {
    "exit-cpuid": {"exit-cpuid": 0x72},
    "exit-msr": {"exit-msr": 0x7C},
    "ipi-halted": {"ipi-halted": EXIT_IPI, "hlt-wake": sw.EXIT_HLT},
}
VECTOR_EXITS = 0x58  # prog_exits.c


class Side:
    """label: what the table calls it. kernel: Linux's package and version, where there is one."""

    def __init__(self, system, label, kernel=""):
        self.system = system
        self.label = label
        self.kernel = kernel
        self.exact = False
        self.arms = []
        self.samples = {}  # (label, arm) -> host instructions of each interrupt
        self.programs = []  # [{name, interrupts, events}]: arms of other programs, in order
        self.round_trips = []
        self.skipped = []
        self.wrong = []

    def arm(self, name):
        return next((a for a in self.arms if a["name"] == name), None)

    def add(self, recording_path, serial_path):
        return self.add_run(sw.load(recording_path), seriallog.load(serial_path))

    def add_run(self, recording, log):
        self.exact = recording.exact
        marks = measure.marks(recording)
        if not marks:
            self.wrong.append(f"{self.label}: the stopwatch saw no marks")
        for number, begin, end in marks:
            if number >= FIRST_PROGRAM_ARM:
                self._add_program(recording, log.results.get(number), begin, end)
            else:
                self._add_arm(recording, log, number, begin, end)
        for guest in log.results.values():
            if guest.get("state") == "skipped":
                self.skipped.append(guest["name"])
            elif guest.get("state") != "done":
                self.wrong.append(f"{self.label}: {guest['name']}: the guest says"
                                  f" {guest.get('state')}")
        return self

    def _tag(self, thing):
        return dict(thing, system=self.system, kernel=self.kernel)

    def _add_arm(self, recording, log, number, begin, end):
        summary, count, _, _ = report.arm_summary(recording, log, number, begin, end)
        self.arms.append(self._tag(summary))
        self.samples[self.label, summary["name"]] = count
        self.wrong += [f"{self.label}: {w}" for w in checks.agreement(summary)]
        self.wrong += [f"{self.label}: {summary['name']}: {key}: {summary[key]}"
                       for key in ("lost", "duplicates") if summary[key]]

    def _add_program(self, recording, guest, begin, end):
        if not guest:
            self.wrong.append(f"{self.label}: marks without a result")
            return
        name = guest["name"]
        self.programs.append(self._tag({
            "name": name, "interrupts": guest["sent"],
            "events": measure.arm_events(recording, begin, end)}))
        for trip, code in ROUND_TRIPS.get(name, {}).items():
            self._add_trip(trip, round_trips(recording, begin, end, code))
        if name == "ipi-halted":
            self._add_trip("ipi-wake", ipi_wakes(recording, begin, end))

    def _add_trip(self, name, counts):
        if not len(counts):
            return
        self.round_trips.append(self._tag({
            "name": name, "count": len(counts),
            "host_instructions": {"p50": int(np.percentile(counts, 50)),
                                  "p99": int(np.percentile(counts, 99)),
                                  "max": int(counts.max())}}))


def round_trips(recording, begin, end, code):
    """Host instructions from each exit of this code to the next VMRUN on its CPU; an exit that
    isn't back by the end of the arm (the last HLT) doesn't count."""
    result = []
    for index in recording.of_cpu.values():
        kind = recording.kind[index]
        runs = index[(kind == sw.VMRUN) & (index < end)]
        exits = index[(kind == sw.VMEXIT) & (recording.records["a"][index] == code)]
        exits = exits[(exits > begin) & (exits < end)]
        at = np.searchsorted(runs, exits)
        exits, at = exits[at < len(runs)], at[at < len(runs)]
        result.append(recording.host[runs[at]] - recording.host[exits])
    return np.concatenate(result) if result else np.zeros(0, dtype=np.int64)


def ipi_wakes(recording, begin, end):
    """Host instructions, on all CPUs, from the exit of an IPI whose target is halted to the VMRUN
    that delivers it."""
    r = recording.records[begin:end]
    exits = np.flatnonzero((r["kind"] == sw.VMEXIT) & (r["a"] == EXIT_IPI))
    virqs = np.flatnonzero((r["kind"] == sw.VIRQ) & (r["x"] == VECTOR_EXITS))
    matched = measure.Matched()
    # What is counted begins behind the source, and here it is an exit that counts itself.
    matched.add(exits, virqs)
    matched.finish()
    matched.source += begin - 1
    matched.virq += begin
    count, _ = measure.host_instructions(recording, matched)
    return count
