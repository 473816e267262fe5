#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The protocol's lines in C against those in the models, and mutants against plants.

A label "[model FILE:NAME]" stands in a comment of tests/model/FILE.pml, once, and in the C code,
at least once: that the code and the models say the same is a reader's to see, that neither has a
line without its other half is checked here. And each mutant of tests/model/mutants.py has a plant in
the C code (tests/sim/plant_list.py), or a reason why not. One line for each fault, exit status 1.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/sim"), str(ROOT / "tests/model")]
import plant_list  # noqa: E402

FOLDERS = ("vmm", "avic", "iommu")
LABEL = re.compile(r"\[model ([a-z_]+):([A-Za-z0-9-]+)\]")


def labels(paths):
    """(file, name) -> [place]"""
    found = {}
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for label in LABEL.findall(line):
                place = f"{path.relative_to(ROOT)}:{number}"
                found.setdefault(label, []).append(place)
    return found


def faults(code, models):
    for label in sorted(set(code) - set(models)):
        yield f"{code[label][0]}: [model {label[0]}:{label[1]}] is in no model"
    for label in sorted(set(models) - set(code)):
        yield f"{models[label][0]}: [model {label[0]}:{label[1]}] is nowhere in the code"
    for label, places in sorted(models.items()):
        if len(places) > 1:
            yield f"{places[1]}: [model {label[0]}:{label[1]}] is also at {places[0]}"
        if not places[0].startswith(f"tests/model/{label[0]}.pml:"):
            yield f"{places[0]}: [model {label[0]}:{label[1]}] belongs into {label[0]}.pml"


def main():
    sources = (p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*.[ch]")))
    code, models = labels(sources), labels(sorted((ROOT / "tests/model").glob("*.pml")))
    bad = list(faults(code, models)) + list(plant_list.without_plant())
    if not models:
        bad.append("no label in any model")
    print("\n".join(bad) if bad else f"{len(models)} labels in models and code; "
          f"{len(plant_list.PLANTS)} plants")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
