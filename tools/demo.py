#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make demo: one boot, every way of delivery and of waking; then the report, in out/demo."""

import argparse
import json
import os
import re
import subprocess
import sys

import run

OUT = os.path.join(run.ROOT, "out/demo")
CONFIG = os.path.join(run.ROOT, "tests/qemu/configs/demo.cfg")


def config_with(count, only, folder):
    with open(CONFIG, encoding="utf-8") as file:
        text = file.read()
    if count:
        text = re.sub(r"count=\d+", f"count={count}", text)
    if only:
        text = re.sub(r"(args = bench .*)", rf"\1 only={only}", text)
    path = os.path.join(folder, "reveille.cfg")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def show(line):
    if "REPORT " not in line and "BdsDxe" not in line:
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, help="interrupts in each arm (default: as configured)")
    parser.add_argument("--only", help="arms, by name, comma between")
    parser.add_argument("--out", default=OUT)
    parser.add_argument("--efi", default=os.path.join(run.ROOT, "build/reveille.efi"))
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--keep", action="store_true", help="keep the stopwatch's file")
    options = parser.parse_args()

    os.makedirs(options.out, exist_ok=True)
    inside = lambda name: os.path.join(options.out, name)
    recording = inside("stopwatch.bin")
    machine = run.Machine(smp=2, edu=1, igb=4, stopwatch=recording)
    config = config_with(options.count, options.only, options.out)
    print("demo: booting OVMF and Reveille with counted instructions; the firmware takes most of"
          " the first half minute", flush=True)
    result = run.run(config, machine, options.efi, options.timeout, inside("serial.log"), show)
    sys.stderr.write("\n".join(result.strict) + ("\n" if result.strict else ""))
    print(f"demo: {result.outcome}, {len(result.strict)} complaints of the emulator,"
          f" {result.seconds:.0f} s", flush=True)
    with open(inside("environment.json"), "w", encoding="utf-8") as file:
        json.dump(run.environment(result, machine), file, indent=1)
    report = subprocess.run(
        [sys.executable, os.path.join(run.ROOT, "tools/report/report.py"), "--stopwatch", recording,
         "--serial", inside("serial.log"), "--environment", inside("environment.json"),
         "--out", options.out, "--budgets"], check=False)
    if not options.keep:
        os.unlink(recording)
    return 0 if result.ok() and report.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
