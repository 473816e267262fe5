# SPDX-License-Identifier: MIT
"""What one system did: its arms, evaluated by the report's own code."""

import checks
import measure
import report
import seriallog
import stopwatch

CAVEAT = report.CAVEAT


class Side:
    def __init__(self, system):
        self.system = system
        self.exact = False
        self.arms = []
        self.samples = {}  # (system, arm) -> host instructions of each interrupt
        self.wrong = []
        self.log = None
        self.recording = None

    def arm(self, name):
        return next((a for a in self.arms if a["name"] == name), None)


def load(system, recording_path, serial_path):
    s = Side(system)
    s.log = seriallog.load(serial_path)
    s.recording = stopwatch.load(recording_path)
    s.exact = s.recording.exact
    for number, begin, end in measure.marks(s.recording):
        summary, count, _, _ = report.arm_summary(s.recording, s.log, number, begin, end)
        s.arms.append(summary)
        s.samples[system, summary["name"]] = count
        s.wrong += [f"{system}: {w}" for w in checks.agreement(summary)]
        for key in ("lost", "duplicates"):
            if summary[key]:
                s.wrong.append(f"{system}: {summary['name']}: {key}: {summary[key]}")
    if not s.arms:
        s.wrong.append(f"{system}: no arm was measured")
    return s
