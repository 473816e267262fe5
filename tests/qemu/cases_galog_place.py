# SPDX-License-Identifier: MIT
"""Where the GA log's interrupt arrives: on the pCPU of the vCPU that it wakes."""

from case import IRQ_OK, Case, bench

# Twenty interrupts at least: the first of them may come before the log has moved.
SOME, NONE = "galog=[1-9][0-9]+ ", "galog=0 "


def taken(cpu, how_many):
    return f"REPORT cpu n={cpu} .*{how_many}"


CASES = [
    Case("galog-place", bench(halt="galog", cpus="2, 3"),
         [*IRQ_OK, taken(2, SOME), "REPORT cpu n=0 .* galog_moves=1\\b", taken(3, NONE)], smp=4),
    Case("galog-place-no-xt", bench(halt="galog", cpus="2, 3"),
         [*IRQ_OK, taken(0, SOME), "REPORT cpu n=0 .* galog_moves=0\\b", taken(2, NONE)], smp=4,
         without=["xt"]),
]
