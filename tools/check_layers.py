#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who may include whom (docs/architecture.md, "Layers"). One line a violation."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASE, HW = "vmm/base", "vmm/hw"
ALLOWED = {
    BASE: {BASE},
    HW: {BASE, HW},
    "drivers": {BASE, HW, "drivers"},
    "svm": {BASE, HW, "svm"},
    "iommu": {BASE, HW, "drivers", "iommu"},
    "avic": {BASE, HW, "svm", "iommu", "avic"},
    "vmm": {BASE, HW, "drivers", "svm", "iommu", "avic", "vmm"},
    "boot": {BASE, "boot"},
}
# Single files that a layer may see beyond its own.
EXCEPTIONS = {
    ("boot", "vmm/config.h"), ("vmm", "boot/boot_info.h"), ("drivers", "boot/boot_info.h"),
    ("boot", "vmm/survey/survey.h"), ("boot", "drivers/pci_access.h"), ("boot", "vmm/hw/mem.h"), ("boot", "vmm/hw/cpu.h"),
    # svm keeps per-CPU data in struct cpu, and avic and drivers use the page allocator: types and
    # prototypes only.
    ("svm", "vmm/cpu.h"), ("svm", "vmm/page.h"), ("avic", "vmm/page.h"), ("iommu", "vmm/page.h"),
    ("drivers", "vmm/vectors.h"),
}


def layer(path):
    for name in (BASE, HW):
        if path.startswith(name + "/"):
            return name
    return path.split("/")[0]


def resolve(source, name):
    for base in (source.parent, ROOT / "vmm", ROOT):
        candidate = (base / name).resolve()
        if candidate.is_file() and ROOT in candidate.parents:
            return candidate.relative_to(ROOT).as_posix()
    return None


def main():
    bad = 0
    for directory in ("boot", "vmm", "svm", "avic", "iommu", "drivers"):
        for source in sorted((ROOT / directory).rglob("*.[ch]")):
            path = source.relative_to(ROOT).as_posix()
            text = source.read_text()
            for number, line in enumerate(text.splitlines(), 1):
                m = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
                target = m and resolve(source, m.group(1))
                if target and layer(target) not in ALLOWED[layer(path)] and \
                        (layer(path), target) not in EXCEPTIONS:
                    print(f"{path}:{number}: layer {layer(path)} may not include {target}")
                    bad += 1
                if re.match(r"\s*#\s*if(def|ndef)?\b", line) and layer(path) not in (BASE, HW, "boot") \
                        and not re.match(r"\s*#\s*ifndef\s+[A-Z0-9_]+_H$", line):
                    print(f"{path}:{number}: conditional compilation outside base/ and hw/")
                    bad += 1
    return 1 if bad else 0


sys.exit(main())
