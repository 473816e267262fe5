#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make trace: boots with trace = on, lets GALOG and GAPPI wake a halted vCPU, and leaves in out/trace
the trace as text, as JSON for Perfetto, and a picture of one wake-up each. --docs writes the two
pictures of docs/watching.md."""

import argparse
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import cost  # noqa: E402
import run  # noqa: E402

PICTURES = (("galog", "galog", 10), ("gappi-own", "gappi", 10))  # cause, file, which wake-up


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=os.path.join(run.ROOT, "out/trace"))
    parser.add_argument("--docs", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    inside = lambda name: os.path.join(options.out, name)
    with open(inside("reveille.cfg"), "w", encoding="ascii") as file:
        file.write("[reveille]\ntrace = 4096\n"
                   + cost.CONFIG.format(count=20, arms="galog-idle,gappi-own-idle"))
    machine = run.Machine(smp=2, edu=1, igb=4, stopwatch=inside("stopwatch.bin"))
    result = run.run(inside("reveille.cfg"), machine, timeout=300, serial=inside("serial.log"))
    if not result.ok():
        sys.exit(f"trace: {result.outcome} {result.status}, see {inside('serial.log')}")
    decode = [sys.executable, os.path.join(HERE, "trace.py"), inside("serial.log"),
              "--stopwatch", inside("stopwatch.bin"), "--text", inside("trace.txt"),
              "--json", inside("trace.json")]
    folder = os.path.join(run.ROOT, "docs") if options.docs else options.out
    for cause, name, number in PICTURES:
        status = subprocess.run([*decode, "--picture", os.path.join(folder, f"trace-{name}.svg"),
                                 "--cause", cause, "--number", str(number)], check=False)
        if status.returncode:
            return status.returncode
    with open(inside("trace.txt"), encoding="utf-8") as file:
        lines = sum(1 for _ in file)
    print(f"trace: {lines} records, in the order that the stopwatch saw; trace.txt, trace.json"
          f" (for ui.perfetto.dev) in {options.out}; trace-*.svg in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
