#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of what soak_linux.py says about a run: each thing that may be wrong is said."""

import argparse
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tools"), os.path.join(ROOT, "tools/report")]

import linux_net  # noqa: E402
import seriallog  # noqa: E402
import soak_linux  # noqa: E402
from report_test import main  # noqa: E402

OPTIONS = argparse.Namespace(rounds=4, count=10, switch=1)
SOAK = {"sent": 40, "received": 40, "duplicates": 0, "longest_ms": 3.5, "rescues": 0,
        "guest_seconds": 36.2}
TWIN = {"rescues": 1, "longest_ms": 2.0}


def wrong(twin=TWIN, moves=16, moved=7, **changed):
    log = seriallog.SerialLog(f"REPORT vcpu n=0 moves={moved}\nREPORT vcpu n=1 moves=9\n")
    return soak_linux.judge(OPTIONS, {**SOAK, **changed}, twin, moves, log)


def test_good():
    assert not wrong()
    assert not wrong(twin={"rescues": 0, "longest_ms": 1900.0})


def test_bad():
    for bad in ({"received": 39}, {"sent": 30, "received": 30}, {"duplicates": 1}, {"rescues": 1},
                {"longest_ms": 180.0}, {"longest_ms": None}, {"guest_seconds": 35.0},
                {"rescues": None}, {"moved": 6}, {"twin": {"rescues": 0, "longest_ms": 2.0}}):
        assert len(wrong(**bad)) == 1, bad


def test_account():
    text = "".join(f"a: GUEST round {i} at {10 + 9.5 * i:.2f} s\n"
                   f"a: 10 packets transmitted, 10 packets received, 0% packet loss\n"
                   f"a: round-trip min/avg/max = 0.413/0.500/{i}.250 ms\n" for i in (1, 2, 3))
    assert soak_linux.account(text) == {
        "sent": 30, "received": 30, "duplicates": 0, "rounds": 3, "longest_ms": 3.25,
        "guest_seconds": 28.0}
    assert soak_linux.account("")["rounds"] == 0


def test_script():
    script, soak, twin = soak_linux.write_script(OPTIONS, soak_linux.Mover(1))
    typed = b"".join(keys for _, keys in script.typed).decode()
    assert (soak, twin) == (1, 2)
    assert typed.count("move ") == OPTIONS.rounds * 4
    assert all(typed.count(f"halt {v}") for v in "ab"), typed
    assert typed.endswith(linux_net.ESCAPE + "h")
    homes = {("a", "0"): "0", ("a", "1"): "1", ("b", "0"): "2", ("b", "1"): "3"}
    for line in typed.split("\r"):
        if line.startswith("move"):
            _, vm, vcpu, to = line.split()
            assert homes[vm, vcpu] != to
            homes[vm, vcpu] = to


if __name__ == "__main__":
    sys.exit(main(globals()))
