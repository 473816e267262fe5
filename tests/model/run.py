#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks the models of the wake-up protocol with SPIN, and that each mutant of it is refuted.

    run.py [--quick] [--jobs N] [--traces] [NAME...]

A model holds when the search for a state that breaks an assertion or a run that goes round in
circles ends without a find. Of a mutant the assertions are looked at first: that is faster where
they break. NAME: only these models or mutants. --traces writes
a counterexample of each mutant into docs/models/. One line each; the last is "N passed, N failed".
"""
import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import mutants

HERE = pathlib.Path(__file__).resolve().parent
TRACES = HERE.parent.parent / "docs/models"
# 8 GiB is what a whole check may take; two run at once.
PAN = ["-DMEMLIM=7500", "-DVECTORSZ=512", "-DNOFAIR", "-DCOLLAPSE"]
ASSERTIONS = ("assertions", ["-DSAFETY"], [])
BOTH = ("assertions and circles", ["-DNP"], ["-l"])
DEPTH = "-m100000"
LAST_STEPS = 60
QUICK_MUTANTS = ("M_NO_FENCE", "M_NO_LOOK", "M_FIRST_SHARER", "M_NO_EVENTS_LOOK",
                 "M_NO_STATUS_READ")


class Outcome:
    """Of one search: found is the first line of what was found, or empty; a search that didn't end
    says so in broken."""

    def __init__(self, text, status):
        find = re.search(r"^pan:1: (.*?)\s*\(at depth (\d+)\)", text, re.M)
        count = re.search(r"^\s*(\S+) states, stored", text, re.M)
        depth = re.search(r"depth reached (\d+)", text)
        errors = re.search(r"errors: (\d+)", text)
        self.states = int(float(count[1])) if count else 0
        self.depth = int(depth[1]) if depth else 0
        self.found = find[1] if find else ""
        ended = errors and not re.search(r"max search depth too small|out of memory", text)
        self.broken = "" if ended or self.found else f"no result (status {status}): {text[-300:]}"


def call(command, cwd):
    return subprocess.run(command, cwd=cwd, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)


def generate(model, definitions, cwd):
    done = call(["spin", "-a", *definitions, str(HERE / f"{model}.pml")], cwd)
    if not (cwd / "pan.c").exists():
        raise RuntimeError(done.stdout)


def search(kind, cwd, fast):
    _, defines, options = kind
    built = call(["gcc", "-O0" if fast else "-O2", "-w", *PAN, *defines, "-o", "pan", "pan.c"], cwd)
    if built.returncode:
        raise RuntimeError(built.stdout)
    done = call(["nice", "./pan", DEPTH, "-E", "-n", "-v", *options], cwd)
    return Outcome(done.stdout, done.returncode)


def trail(model, definitions, cwd):
    """The counterexample, statement by statement: [(process number, its kind, place, text)]."""
    path = next(cwd.glob("*.trail"), None)
    if not path:
        return []
    told = call(["spin", "-t", "-p", "-k", path.name, *definitions, str(HERE / f"{model}.pml")],
                cwd)
    return re.findall(r"proc\s+(\d+) \((\w+):\d+\) \S*?(\w+\.pml:\d+) .*?\[(.*)\]$",
                      told.stdout, re.M)


def in_folder(work):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="model-"))
    try:
        return work(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_model(name, extra=(), mutant=False):
    """[(kind, Outcome)] until the first find; of a mutant one is expected, soon."""
    model, definitions = mutants.MODELS[name]
    definitions = [*definitions.split(), *extra]

    def work(folder):
        generate(model, definitions, folder)
        outcomes = []
        for kind in (ASSERTIONS, BOTH) if mutant else (BOTH,):
            outcome = search(kind, folder, mutant)
            outcomes.append((kind[0], outcome))
            if outcome.found or outcome.broken:
                break
        return outcomes, trail(model, definitions, folder) if outcomes[-1][1].found else []
    return in_folder(work)


def model_line(name):
    outcomes, _ = check_model(name)
    text = ", ".join(f"{kind}: {o.states} states, depth {o.depth}" for kind, o in outcomes)
    bad = [o.found or o.broken for _, o in outcomes if o.found or o.broken]
    return not bad, f"model {name}: {'; '.join(bad) or 'holds'} ({text})"


def mutant_line(definition, name, what, traces):
    outcomes, steps = check_model(name, [f"-D{d}" for d in definition.split()], mutant=True)
    kind, last = outcomes[-1]
    if last.found and traces:
        write_trace(definition, name, what, last.found, steps)
    verdict = f"refuted ({kind}, {last.states} states)" if last.found else "NOT REFUTED"
    return bool(last.found), f"mutant {definition} in {name}: {verdict} {last.broken}: {what}"


def belt_line(definition, name, why):
    outcomes, _ = check_model(name, [f"-D{d}" for d in definition.split()])
    last = outcomes[-1][1]
    good = not last.found and not last.broken
    verdict = "holds without" if good else f"NEEDED, so a mutant {last.broken}"
    return good, f"belt {definition} in {name}: {verdict}: {why}"


NOISE = re.compile(r"else$|1$|\(1\)$|\.\(goto\)|DO$|IF$|break$|goto |k = |\(\(?k<|loc = |val = |"
                   r"\(+loc|i = |assert|[ab] = 0$")


def write_trace(definition, name, what, found, steps):
    """The last steps of the protocol, a line each: who, where, what; bookkeeping left out."""
    TRACES.mkdir(exist_ok=True)
    body = [f"{who + '-' + number:<15} {where:<16} {text}" for number, who, where, text in steps
            if who not in (":init:", "monitor") and not NOISE.match(text)]
    head = [f"{definition} in {name}: {what}", f"ends in: {found}", ""]
    path = TRACES / f"{name}-{definition.replace(' ', '-')}.txt"
    path.write_text("\n".join(head + body[-LAST_STEPS:]) + "\n")


def jobs_of(options):
    """[function without arguments that returns (good, line)]"""
    wanted = set(options.names)
    jobs = []
    for name in mutants.MODELS:
        if (name in wanted) if wanted else (not options.quick or name in mutants.QUICK):
            jobs.append(lambda name=name: model_line(name))
    for definition, name, what in mutants.MUTANTS + mutants.HARDWARE:
        quick = definition in QUICK_MUTANTS and name in mutants.QUICK
        if wanted & set(definition.split()) if wanted else not options.quick or quick:
            jobs.append(lambda d=definition, n=name, w=what: mutant_line(d, n, w, options.traces))
    for definition, name, why in mutants.BELTS:
        if wanted & set(definition.split()) if wanted else not options.quick:
            jobs.append(lambda d=definition, n=name, w=why: belt_line(d, n, w))
    return jobs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few, for a first look")
    parser.add_argument("--traces", action="store_true", help="write docs/models/*.txt")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    passed = failed = 0
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(j) for j in jobs_of(options)]):
            try:
                good, line = done.result()
            except (RuntimeError, OSError) as error:
                good, line = False, str(error).strip()
            print(f"{'ok  ' if good else 'FAIL'} {line}", flush=True)
            passed, failed = passed + good, failed + (not good)
    print(f"{time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
