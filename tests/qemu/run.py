#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the integration tests (a list CASES in each cases*.py), two at once. Arguments: names, or parts
of names.
Logs go to out/qemu/. Last line: "N passed, N failed"."""

import argparse
import concurrent.futures
import contextlib
import functools
import importlib
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools"))

sys.path.insert(0, os.path.join(ROOT, "tests/linux"))

import case as kinds  # noqa: E402
import guest  # noqa: E402
import run  # noqa: E402
from qmp import Qmp  # noqa: E402

OUT = os.path.join(ROOT, "out/qemu")
NEVER = (r"\bPANIC\b", r"guest: vCPU \d+: ")


def judge(case, result):
    """Sentences about what was wrong."""
    wrong = list(result.wrong)
    if result.outcome != case.outcome or result.status != case.status:
        wrong.append(f"ended with {result.outcome} {result.status},"
                     f" expected {case.outcome} {case.status}")
    for pattern in case.expect:
        if not re.search(pattern, result.serial):
            wrong.append(f"missing: {pattern}")
    for pattern in case.forbid + NEVER:
        if re.search(pattern, result.serial):
            wrong.append(f"must not be there: {pattern}")
    rescued = re.findall(r"REPORT mechanism name=audit .*rescues=(\d+)", result.serial)
    if result.outcome == "done" and rescued != [str(case.rescues)]:
        wrong.append(f"the audit rescued {rescued or 'nobody knows whom'},"
                     f" expected {case.rescues}")
    for line in result.strict:
        if not any(re.search(pattern, line) for pattern in case.strict):
            wrong.append(line)
    if result.outcome == "died":
        wrong.append(result.errors[-300:])
    return wrong


def decode(case, result):
    """Sentences about its trace: where there must be none, or where it differs from what the
    stopwatch saw."""
    if not case.traced:
        return ["there is a trace, and nobody asked for it"] \
            if re.search(r"^TRACE ", result.serial, re.M) else []
    inside = lambda suffix: os.path.join(OUT, case.name + suffix)
    done = subprocess.run(
        [sys.executable, os.path.join(ROOT, "tools/report/trace.py"), inside(".log"),
         "--stopwatch", inside(".bin"), "--text", inside(".trace"), "--json", inside(".json")],
        stderr=subprocess.PIPE, text=True, check=False)
    os.unlink(inside(".bin"))
    return done.stderr.splitlines() if done.returncode else []


def boot(case, name, text, efi, threads):
    config = os.path.join(OUT, name + ".cfg")
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)
    recording = {"stopwatch": os.path.join(OUT, name + ".bin")} if case.traced else {}
    machine = run.Machine(**{"icount": not threads, **recording, **case.machine})
    if case.linux:
        machine.files = {**guest.files(case.linux, case.drivers), **machine.files}
    with Qmp() as qmp, case.outside(machine) if case.outside else contextlib.nullcontext() as outside:
        typed = [(pattern, functools.partial(act, qmp) if callable(act) else act)
                 for pattern, act in case.typed]
        if typed != list(case.typed):
            machine.extra = [*machine.extra, *qmp.arguments]
        hooks = {"launched": outside.launched, "progress": outside.line} if outside else {}
        result = run.run(config, machine, efi, case.timeout, os.path.join(OUT, name + ".log"),
                         until=case.until, press=case.press, typed=typed,
                         read_back=case.read_back, **hooks)
        result.serial += outside.said if outside else ""
    with open(os.path.join(OUT, name + ".err"), "w", encoding="utf-8") as file:
        file.write(" ".join(result.arguments) + "\n" + result.errors)
    return result


def fed_back(case, result, efi, threads):
    """Boots what the survey printed (or wrote into its file), as it is."""
    printed = re.search(r"---- a configuration.*----\n((?:.*\n)*?)---- end ----", result.serial)
    if not printed:
        return ["no configuration was printed"]
    text = printed.group(1)
    if case.read_back:
        if not result.read_back.endswith(text):
            return ["the file isn't what was printed: " + result.read_back[-200:]]
        text = result.read_back
    again = kinds.Case(case.name, text, case.again, timeout=case.timeout, **case.machine)
    return judge(again, boot(again, case.name + "-again", text, efi, threads))


def one(case, efi, threads):
    result = boot(case, case.name, case.config, efi, threads)
    wrong = judge(case, result) + decode(case, result)
    if case.again and not wrong:
        wrong = fed_back(case, result, efi, threads)
    return result, wrong


def all_cases():
    modules = sorted(f[:-3] for f in os.listdir(HERE) if re.fullmatch(r"cases.*\.py", f))
    return [c for m in modules for c in importlib.import_module(m).CASES]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--efi", default=os.path.join(ROOT, "build/reveille.efi"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--threads", action="store_true",
                        help="CPUs at once in threads of their own, instead of counted instructions")
    options = parser.parse_args()
    chosen = [c for c in all_cases()
              if not options.names or any(n in c.name for n in options.names)]
    os.makedirs(OUT, exist_ok=True)
    os.environ["REVEILLE_QEMU"] = run.emulator()
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        futures = {pool.submit(one, c, options.efi, options.threads): c for c in chosen}
        for future in concurrent.futures.as_completed(futures):
            case = futures[future]
            result, wrong = future.result()
            passed += not wrong
            failed += bool(wrong)
            print(f"  {'FAIL' if wrong else 'ok  '} {case.name} ({result.seconds:.0f} s)",
                  flush=True)
            for line in wrong:
                print(f"       {line}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
