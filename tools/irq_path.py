#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The walk of docs/interrupt-path.md against the code.

Every step N of the document is a heading "## N. `file` `function`" and, in that file, exactly one
comment "[irq-path N]" with the function near it. Missing, doubled, unknown or misplaced: one line
each, and exit status 1.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOC = ROOT / "docs/interrupt-path.md"
FOLDERS = ("vmm", "svm", "avic", "iommu", "drivers")
STEPS = range(0, 10)
NEAR_LINES = 40


def labels():
    """number -> [(path, line number, text around it)]"""
    found = {}
    for folder in FOLDERS:
        for source in sorted((ROOT / folder).rglob("*")):
            if source.suffix not in (".c", ".h", ".asm"):
                continue
            lines = source.read_text().splitlines()
            for number, line in enumerate(lines):
                for step in re.findall(r"\[irq-path (\d+)\]", line):
                    near = "\n".join(lines[max(0, number - NEAR_LINES):number + NEAR_LINES])
                    path = source.relative_to(ROOT).as_posix()
                    found.setdefault(int(step), []).append((path, number + 1, near))
    return found


def headings():
    """[(number, path, function)] in the document's order"""
    return [(int(n), path, name) for n, path, name in
            re.findall(r"^## (\d+)\. `([^`]+)` `([^`(]+)", DOC.read_text(), re.M)]


def check(code, doc):
    numbers = [n for n, _, _ in doc]
    if numbers != list(STEPS):
        yield f"{DOC.name}: steps {numbers}, expected 0 to {STEPS[-1]} in order"
    for step in sorted(set(code) - set(STEPS)):
        yield f"{code[step][0][0]}:{code[step][0][1]}: no step {step} in the document"
    for step, path, name in doc:
        places = code.get(step, [])
        if len(places) != 1:
            where = ", ".join(f"{p}:{line}" for p, line, _ in places) or "nowhere"
            yield f"[irq-path {step}]: expected once, in {path}; found {where}"
            continue
        at, line, near = places[0]
        if at != path:
            yield f"{at}:{line}: [irq-path {step}] is in {path} according to the document"
        elif not re.search(rf"\b{re.escape(name)}\b", near):
            yield f"{at}:{line}: {name}() is not near [irq-path {step}]"


def main():
    bad = list(check(labels(), headings()))
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
