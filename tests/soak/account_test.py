#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of what the soak says about its cells: each thing that may be wrong with one is said."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

import soak_boots  # noqa: E402
from soak_account import judge  # noqa: E402

COUNT = 1000


def cell(**changed):
    numbers = {"mechanism": "galog", "fault": "none", "wakeups": COUNT, "posted": 1100,
               "delivered": 1100, "lost": 0, "duplicated": 0, "spurious": 3, "recovered": 0,
               "rescued": 0, "fault_count": 0}
    return {**numbers, **changed}


GOOD = (
    {},
    {"fault": "overflow", "fault_count": 9, "recovered": 30},
    {"fault": "wake-lost", "fault_count": 2, "recovered": 2, "rescued": 2},
    # A neighbour's notification on the shared vector found it before the audit did.
    {"fault": "wake-lost", "mechanism": "gappi-shared", "fault_count": 2, "rescued": 1},
)
BAD = (
    {"wakeups": COUNT - 1},
    {"lost": 1},
    {"delivered": 1099},
    {"duplicated": 1},
    {"fault": "storm"},
    {"fault": "overflow", "recovered": 30},
    {"fault": "overflow", "fault_count": 9},
    {"rescued": 1, "recovered": 1},
    {"fault": "wake-lost", "fault_count": 2, "recovered": 1, "rescued": 1},
    {"fault": "wake-lost", "mechanism": "gappi-shared", "fault_count": 1, "rescued": 2},
)


def planned(*arguments):
    """How often each cell runs, and the wake-ups that it is to reach in all of its boots."""
    cells = {}
    for boot in soak_boots.plan(*arguments)[1:]:
        for m, f in boot.cells():
            late = boot.late if f == soak_boots.COUNTED_ONLY else boot.count
            cells[m, f] = cells.get((m, f), 0) + late
        assert len(boot.config().split("args = ")[1].split("\n")[0]) < 128, boot.name
    return cells


def check_plan():
    """Every cell is in the full form, and in the short one but for four of a kind."""
    table = {(m, f) for m, fs in soak_boots.FAULTS.items() for f in fs}
    full, short = planned(COUNT, "", False), planned(COUNT, "", True)
    missing = {(m, "completion-lost") for m in soak_boots.MECHANISMS if m != "galog"}
    chosen = planned(COUNT, "native,galog-storm", False)
    return [set(full) == table, set(short) == table - missing,
            set(full.values()) == {COUNT}, set(short.values()) == {COUNT},
            set(chosen) == {c for c in table if c[0] == "native" or c == ("galog", "storm")}]


def main():
    results = [not judge(cell(**changed), COUNT) for changed in GOOD]
    results += [len(judge(cell(**changed), COUNT)) >= 1 for changed in BAD]
    results += check_plan()
    for i, good in enumerate(results):
        if not good:
            print(f"account_test: number {i} is wrong")
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
