#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What make storm-bench lets pass: figures as they are, each spoiled in turn."""

import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tools/report")]

import report_test as made  # noqa: E402
import storm_bench  # noqa: E402


def rows(**spoiled):
    """Of both kinds; of the second one limit_WHAT=value, quiet_WHAT or free_WHAT."""
    good = {"quiet": (8, 8, 303, 0), "limit 1000": (8, 61, 1010, 160),
            "no limit": (20, 158, 7297, 0)}
    keys = ("mean_us", "longest_us", "host_interrupts", "held")
    made_rows = [{"kind": kind, "beside": beside, "wakes": storm_bench.WAKES,
                  **dict(zip(keys, values))}
                 for kind in storm_bench.KINDS for beside, values in good.items()]
    for name, value in spoiled.items():
        beside, what = name.split("_", 1)
        row = made_rows[len(good) + ("quiet", "limit", "free").index(beside)]
        assert row["kind"] == "emulated" and what in row
        row[what] = value
    return made_rows


def complaints(**spoiled):
    return storm_bench.judge(rows(**spoiled))


def test_as_they_are():
    assert not complaints()


def test_the_longest_wait():
    [said] = complaints(limit_longest_us=487) # with a line on the serial port in its way
    assert "longest wait 487" in said
    assert not complaints(limit_longest_us=158)
    assert complaints(limit_longest_us=159)


def test_the_mean_wait():
    assert not complaints(limit_mean_us=12)
    assert complaints(limit_mean_us=13)


def test_the_twin_must_be_noticed():
    assert complaints(free_mean_us=12)
    assert complaints(free_host_interrupts=4000)
    assert complaints(free_held=1)


def test_all_wakes_and_nothing_held_for_nothing():
    assert complaints(limit_wakes=storm_bench.WAKES - 1)
    assert complaints(quiet_wakes=storm_bench.WAKES + 1)
    assert complaints(quiet_held=1)
    assert complaints(quiet_host_interrupts=1011)


if __name__ == "__main__":
    sys.exit(made.main(globals()))
