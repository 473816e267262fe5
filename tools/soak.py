#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make soak: millions of wake-ups of halted vCPUs by each mechanism, while faults are injected;
none may be lost, none may come twice. Leaves out/soak/summary.json.

A cell is a mechanism and a fault. Each cell runs twice: with CPUs in threads of their own, and for
a smaller part with counted instructions. A boot is one machine that goes through several cells; the
guest is tests/guest/prog_soak.c. --count is what a cell must reach in all. The first boot is a twin
in which a wake-up is lost on purpose: it must be noticed."""

import argparse
import concurrent.futures
import json
import os
import sys
import time

import run
import soak_boots
from qmp import Qmp
from soak_account import Account, judge, judge_twin, total

OUT = os.path.join(run.ROOT, "out/soak")
GOALS = {"lost": 0, "duplicated": 0}


def boot_one(boot, options, say):
    """Runs the boot; its account of each cell."""
    name = os.path.join(options.out, boot.name)
    with open(name + ".cfg", "w", encoding="utf-8") as file:
        file.write(boot.config())
    account = Account(boot, say)
    with Qmp() as qmp:
        account.qmp = qmp
        result = run.run(name + ".cfg", boot.machine(qmp.arguments), options.efi, boot.timeout,
                         name + ".log", account.line)
    account.close(result)
    with open(name + ".err", "w", encoding="utf-8") as file:
        file.write(" ".join(result.arguments) + "\n" + result.errors)
    return account, result


def progress(started):
    def say(boot, text):
        print(f"[{time.monotonic() - started:6.0f} s] {boot.name}: {text}", flush=True)
    return say


def run_boots(boots, options, say):
    """Two at once: each keeps about one CPU busy."""
    accounts, result = [], None
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(boot_one, boot, options, say) for boot in boots]
        for future in concurrent.futures.as_completed(futures):
            account, result = future.result()
            accounts.append(account)
            for sentence in account.wrong:
                say(account.boot, sentence)
    return accounts, result


def show(cells):
    print(f"{'mechanism':14}{'fault':16}{'wake-ups':>10}{'posted':>10}{'delivered':>10}{'lost':>6}"
          f"{'twice':>6}{'spurious':>9}{'recovered':>10}{'faults':>9}{'/s':>7}")
    for c in cells:
        print(f"{c['mechanism']:14}{c['fault']:16}{c['wakeups']:10}{c['posted']:10}"
              f"{c['delivered']:10}{c['lost']:6}{c['duplicated']:6}{c['spurious']:9}"
              f"{c['recovered']:10}{c['fault_count']:9}{c['wakeups_per_second']:7.0f}"
              f"{'' if c['ok'] else '  NOT OK'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000000, help="wake-ups of each cell")
    parser.add_argument("--only", default="", help="cells: mechanism, fault, or mechanism-fault;"
                        " comma between")
    parser.add_argument("--short", action="store_true",
                        help="few boots: a time-out of a completion by one mechanism only")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", default=OUT)
    parser.add_argument("--efi", default=os.path.join(run.ROOT, "build/reveille.efi"))
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    os.environ["REVEILLE_QEMU"] = run.emulator()
    started = time.monotonic()
    boots = soak_boots.plan(options.count, options.only, options.short)
    if len(boots) == 1:
        sys.exit("soak: --only names no cell")
    accounts, result = run_boots(boots, options, progress(started))
    cells = total(a for a in accounts if not a.boot.twin)
    wrong = [f"{a.boot.name}: {sentence}" for a in accounts for sentence in a.wrong]
    wrong += judge_twin([a for a in accounts if a.boot.twin])
    for c in cells:
        problems = judge(c, options.count)
        c["ok"] = not problems
        wrong += [f"{c['mechanism']}, {c['fault']}: {p}" for p in problems]
    summary = {
        "schema": 1,
        "note": "counts under emulation; the rate is the emulator's on this machine",
        "count": options.count,
        "goals": GOALS,
        "environment": run.environment(result, boots[-1].machine([])),
        "seconds": round(time.monotonic() - started, 1),
        "cells": cells,
        "wrong": wrong,
        "ok": not wrong,
    }
    with open(os.path.join(options.out, "summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
    show(cells)
    for sentence in wrong:
        print("soak:", sentence)
    woken = sum(c["wakeups"] for c in cells)
    print(f"soak: {woken} wake-ups in {len(cells)} cells, {sum(c['lost'] for c in cells)} lost,"
          f" {sum(c['duplicated'] for c in cells)} twice, {summary['seconds']:.0f} s:"
          f" {'ok' if not wrong else 'FAILED'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
