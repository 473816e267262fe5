#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes docs/conformance.md from the cases that the emulator's tests print.

    generate.py [--check] [--logs FOLDER] MODEL-TEST...

A MODEL-TEST is a program built from tests/unit/emulator/. FOLDER has the logs that
tools/emulator/test.sh left (default build/emulator-test). Every program must have passed.
--check compares with the table that is there instead of writing it.

A case is one line: case, stated or assumed, area, source:function, document, section, text,
separated by tabs. It is declared where it is tested; nothing here knows any."""
import argparse
import difflib
import glob
import os
import re
import subprocess
import sys

from items import ITEMS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = os.path.join(ROOT, "docs/conformance.md")
DOCUMENTS = {"48882": "48882 rev 3.11", "24593": "24593 rev 3.44"}
INTRO = """# Conformance

<!-- Written by tests/conformance/generate.py; cases are declared in the tests. -->
What the emulator's parts are held to. Each line is a case that a test declares, with the
title of the manual's section, and that passed when this table was written: 48882 is the AMD
IOMMU specification, 24593 the AMD64 manual, volume 2. *Assumed* are facts that the public
documents leave open or say only in part; the line tells what we take for true.

`make emulator-test` and `make unit` run the tests.
"""

ITEMS_INTRO = """Cases of each item (`tests/conformance/items.py`), those that a program on the emulator
shows and those of the model's unit tests; a case may count for several. An item without a case
through QEMU is an error.
"""


class Failed(Exception):
    pass


def run_model(program):
    p = subprocess.run([program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=300)
    lines = p.stdout.decode(errors="replace").splitlines()
    if p.returncode or not lines or not re.fullmatch(r"[1-9]\d* passed, 0 failed", lines[-1]):
        raise Failed(f"{program} did not pass")
    return lines


def read_log(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = f.read().splitlines()
    # Each program has words of its own for it.
    if (not lines or not re.search(r"passed$|^[1-9]\d* passed, 0 failed$", lines[-1])
            or any(re.search(r": failed$|^FAILED|: FAILED$", line) for line in lines)):
        raise Failed(f"{path} is not the log of a run that passed")
    return lines


def cases(lines):
    for line in lines:
        if not line.startswith("case\t"):
            continue
        fields = line.split("\t")
        if len(fields) != 7 or fields[1] not in ("stated", "assumed"):
            raise Failed("not a case: " + line)
        yield tuple(fields[1:])


def name_of_test(source):
    path, function = source.rsplit(":", 1)
    path = os.path.relpath(os.path.join(ROOT, path), ROOT)
    if not os.path.isfile(os.path.join(ROOT, path)):
        raise Failed(f"{path}: no such file")
    return path, re.sub("^test_", "", function)


def cell(text):
    return text.replace("|", "\\|")


def coverage(found):
    """Items of items.py with their cases: those that a program shows through QEMU, and those of the
    model's unit tests."""
    rows = []
    for item, pattern in ITEMS:
        counts = {True: 0, False: 0}
        for _, area, source, _, section, text in sorted(set(found)):
            if re.search(pattern, f"{area} | {section} | {text}"):
                counts[not source.split(":")[0].startswith("tests/unit/")] += 1
        if not counts[True]:
            raise Failed(f"no case through QEMU for \"{item}\"")
        rows.append(f"| {item} | {counts[True]} | {counts[False]} |")
    return rows


def table(found):
    areas, sources = {}, set()
    for status, area, source, document, section, text in found:
        path, function = name_of_test(source)
        title = f"{DOCUMENTS.get(document, document)}, \"{section}\""
        rows = areas.setdefault(area, [])
        row = (text, title, status, f"`{os.path.basename(path)}`: {function}")
        if row not in rows:
            rows.append(row)
        sources.add(path)
    out = [INTRO]
    total = sum(len(rows) for rows in areas.values())
    assumed = sum(row[2] == "assumed" for rows in areas.values() for row in rows)
    out.append(f"{total} cases, {assumed} of them assumed, in:\n")
    out += [f"* `{path}`" for path in sorted(sources)]
    out += ["\n## What is covered", ITEMS_INTRO, "| item | through QEMU | model |", "|---|---|---|"]
    out += coverage(found)
    for area in sorted(areas):
        out += [f"\n## {area}", "| case | manual | fact | test |", "|---|---|---|---|"]
        out += ["| " + " | ".join(cell(c) for c in row) + " |" for row in areas[area]]
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--logs", default=os.path.join(ROOT, "build/emulator-test"))
    parser.add_argument("tests", nargs="+")
    args = parser.parse_args()
    try:
        found = []
        for program in sorted(args.tests):
            found += cases(run_model(os.path.abspath(program)))
        for log in sorted(glob.glob(os.path.join(args.logs, "*.log"))):
            found += cases(read_log(log))
        text = table(found)
    except (Failed, OSError) as e:
        sys.exit(f"conformance: {e}")
    if not args.check:
        with open(TABLE, "w", encoding="utf-8") as f:
            f.write(text)
        return
    there = ""
    if os.path.exists(TABLE):
        with open(TABLE, encoding="utf-8") as f:
            there = f.read()
    if text != there:
        sys.stdout.writelines(difflib.unified_diff(
            there.splitlines(True), text.splitlines(True), "docs/conformance.md", "now", n=0))
        sys.exit("conformance: docs/conformance.md differs; run tests/conformance/generate.py")
    print("docs/conformance.md is what the tests say")


if __name__ == "__main__":
    main()
